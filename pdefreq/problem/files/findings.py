"""Errors of a problem file, collected so that all of them are reported at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pdefreq.core.errors import ProblemFileError, UnknownNameError

_MOST = 10  # errors that a message lists


class Findings:
    """A list of errors that can be raised together."""

    def __init__(self) -> None:
        self._errors: list[ProblemFileError | UnknownNameError] = []

    def add(self, error: ProblemFileError | UnknownNameError) -> None:
        """Keep an error, unless one with the same message is known."""
        if str(error) not in map(str, self._errors):
            self._errors.append(error)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the first error inside the block, which ends there."""
        try:
            yield
        except (ProblemFileError, UnknownNameError) as error:
            self.add(error)

    def raise_all(self) -> None:
        """Raise the error, or one that lists all of them; nothing if there is none.

        Raises:
            ProblemFileError: If several errors were found, or the one is of this class.
            UnknownNameError: If the only error is of this class.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            listed = [str(error) for error in self._errors[:_MOST]]
            more = f", of which the first {_MOST} are" if len(self._errors) > _MOST else ""
            raise ProblemFileError(f"the problem file has {len(self._errors)} errors{more}", listed)

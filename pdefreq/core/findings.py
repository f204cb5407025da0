"""The errors of a file, which are collected and reported together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pdefreq.core.errors import ProblemFileError, UnknownNameError

_MOST = 10  # errors that a message lists


class MissingValueError(ProblemFileError):
    """A key that a table needs is missing.

    Args:
        message: The message.
        path: The path of the table.
    """

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


class Findings:
    """A list of errors that can be raised together.

    Attributes:
        incomplete: The paths of tables with an unknown key, or whose keys another erroneous value replaces. Errors about keys
            that these tables lack are not kept, because the unknown key may stand for the missing one.
    """

    def __init__(self) -> None:
        self._errors: list[ProblemFileError | UnknownNameError] = []
        self.incomplete: set[str] = set()

    def __len__(self) -> int:
        return len(self._errors)

    def add(self, error: ProblemFileError | UnknownNameError) -> None:
        """Keep an error, unless one with the same message is known or it follows from another one."""
        follows = isinstance(error, MissingValueError) and error.path in self.incomplete
        if not follows and str(error) not in map(str, self._errors):
            self._errors.append(error)

    def take(self, other: Findings) -> None:
        """Add the errors of another list."""
        self.incomplete |= other.incomplete
        for error in other._errors:
            self.add(error)

    @contextmanager
    def collecting(self) -> Iterator[None]:
        """Keep the first error in the block, which ends the block."""
        try:
            yield
        except (ProblemFileError, UnknownNameError) as error:
            self.add(error)

    @contextmanager
    def leaving_incomplete(self, path: str) -> Iterator[None]:
        """Mark a table as incomplete if the block raises an error, because the erroneous value may stand for a missing key."""
        try:
            yield
        except (ProblemFileError, UnknownNameError):
            self.incomplete.add(path)
            raise

    def raise_all(self, file: str = "the problem file") -> None:
        """Raise the error, or an error that lists all of them, if there are any.

        Args:
            file: The subject of the message.

        Raises:
            ProblemFileError: If several errors were found, or the only one is of this class.
            UnknownNameError: If the only error is of this class.
        """
        if len(self._errors) == 1:
            raise self._errors[0]
        if self._errors:
            listed = [str(error) for error in self._errors[:_MOST]]
            more = f", of which the first {_MOST} are" if len(self._errors) > _MOST else ""
            raise ProblemFileError(f"{file} has {len(self._errors)} errors{more}", listed)

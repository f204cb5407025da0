"""Errors that a user can correct. Each message is one sentence: what is wrong, expected, got, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from pdefreq.core.printable import printable

_LONGEST = 2000  # characters: a message may quote a part of a file


class UserError(Exception):
    """Base class of the errors below. The command line prints only the message and exits with code 2.

    Args:
        message: The sentence. Characters that are not printable, which a quoted part of a file may contain, are removed.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(printable(message, _LONGEST))

    @property
    def lines(self) -> tuple[str, ...]:
        """The message, in several lines if it reports several errors."""
        return (str(self),)


class ProblemFileError(UserError):
    """A problem file, or a problem built in Python, is malformed or inconsistent.

    Args:
        message: The sentence.
        listed: The messages of several errors, which follow the sentence.
    """

    def __init__(self, message: str = "", listed: Sequence[str] = ()) -> None:
        super().__init__("; ".join([message, *(f"({k}) {each}" for k, each in enumerate(listed, start=1))]))
        self._lines = (printable(message), *(f"({k}) {printable(each)}" for k, each in enumerate(listed, start=1)))

    @property
    def lines(self) -> tuple[str, ...]:
        return self._lines if len(self._lines) > 1 else super().lines


class UnknownNameError(UserError):
    """A name is unknown. The message suggests the nearest known name."""


class OptionError(UserError, ValueError):
    """An option has a value outside its range, or does not exist."""


class IncompatibleError(UserError):
    """A method can't be applied to a problem."""


class RunFolderError(UserError):
    """A run folder can't be read or written."""

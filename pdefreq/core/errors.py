"""Errors that a user can correct. Each message is one sentence: what is wrong, expected, got, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from pdefreq.core.printable import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from enum import Enum
    from pathlib import Path

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
        """The lines of the message, one for each error if it reports several."""
        return (str(self),)


class ProblemFileError(UserError):
    """A problem file, a run file, the file of a benchmark suite, or a problem built in Python, is malformed.

    Args:
        message: The message.
        listed: The messages of several errors, which are appended to it.
    """

    def __init__(self, message: str = "", listed: Sequence[str] = ()) -> None:
        super().__init__("; ".join([message, *(f"({k}) {each}" for k, each in enumerate(listed, start=1))]))
        self._lines = (printable(message), *(f"({k}) {printable(each)}" for k, each in enumerate(listed, start=1)))

    @property
    def lines(self) -> tuple[str, ...]:
        return self._lines if len(self._lines) > 1 else super().lines


class FormulaError(ProblemFileError):
    """A formula, a name in it, or a function in place of a formula can't be used.

    Attributes:
        key: The key of the problem file that contains the formula, or None.
        formula: The text of the formula, or None.
    """

    def __init__(self, message: str = "", *, key: str | None = None, formula: str | None = None) -> None:
        super().__init__(message)
        self.key, self.formula = key, formula


class DomainError(ProblemFileError):
    """A domain, a hole, a mesh, or a part of the boundary is not possible."""


class DataError(ProblemFileError):
    """Values at points, on a grid or in a picture can't be used."""


class InconsistentProblemError(ProblemFileError):
    """Statements of a problem contradict each other, so that it has no solution."""


class OptionError(UserError, ValueError):
    """An option or an argument has a value outside its range, or has no effect.

    Attributes:
        option: The name of the option, or None.
    """

    def __init__(self, message: str = "", *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class TooLargeError(OptionError):
    """A computation would need more memory than there is, or than a method is allowed to use."""


class UnknownNameError(UserError):
    """A name is unknown. The message suggests the nearest known name.

    Attributes:
        name: The unknown name, or None.
    """

    def __init__(self, message: str = "", *, name: str | None = None) -> None:
        super().__init__(message)
        self.name = name


class IncompatibleError(UserError):
    """A method, a measurement or a kind of output is not possible for a problem."""


class SingularProblemError(IncompatibleError):
    """The equations of a problem determine no unique solution."""


class NotPredictedError(IncompatibleError):
    """No theory predicts the errors of a method on a problem, or its prediction is too expensive."""


class MissingPackageError(IncompatibleError, ImportError):
    """An optional package is needed and not installed.

    Attributes:
        package: The name of the package.
    """

    def __init__(self, message: str = "", *, package: str = "") -> None:
        super().__init__(message)
        self.package = package


class NotConvergedError(UserError):
    """A computation diverged, or ended before it reached a solution.

    Attributes:
        status: The `Status` of the run, or None for an inner iteration.
    """

    def __init__(self, message: str = "", *, status: Enum | None = None) -> None:
        super().__init__(message)
        self.status = status


class UntrustedCodeError(UserError):
    """A problem, a run or a run file names Python code, which is executed only if it is trusted.

    Attributes:
        files: The paths of the files with this code.
    """

    def __init__(self, message: str = "", *, files: Sequence[str | Path] = ()) -> None:
        super().__init__(message)
        self.files = tuple(map(str, files))


class RunFolderError(UserError):
    """A run folder, or another file or folder of results, can't be read or written."""

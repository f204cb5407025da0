"""The errors a user can mend. Each message is one sentence: what, expected, got, what to do."""

from __future__ import annotations


class UserError(Exception):
    """Base of the errors below; the command line prints the message alone and exits with code 2."""


class ProblemFileError(UserError):
    """A problem file, or a problem built in Python, is malformed or contradicts itself."""


class UnknownNameError(UserError):
    """A name is in no table; the message offers the nearest one that is."""


class OptionError(UserError, ValueError):
    """An option has a value outside its range, or does not exist."""


class IncompatibleError(UserError):
    """A method can't do what a problem asks."""


class RunFolderError(UserError):
    """A run folder can't be read or written."""

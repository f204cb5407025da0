"""Commands that torchrun starts in several processes: the first one executes the command, the others take part in its run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from pdefreq.core.errors import OptionError

COMMANDS = ("solve", "run", "resume", "rerun")
"""The commands that make one run, which several processes can share."""


def number_of_processes() -> int:
    """The number of processes that torchrun started; 1 without torchrun."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


@contextmanager
def joined() -> Iterator[bool]:
    """A context in which this process belongs to the processes of torchrun. It tells whether this one executes the command.

    Raises:
        UserError: If the processes do not find each other.
    """
    if number_of_processes() == 1:
        yield True
        return
    from pdefreq.runs.shared_run import follow, joined_group

    with joined_group():
        leads = os.environ["RANK"] == "0"
        if not leads:
            follow()
        yield leads


def require_one_run(command: str, *, runs: int = 1) -> None:
    """Check that a command makes one run, if torchrun started several processes.

    Args:
        command: The name of the command.
        runs: The number of its runs.

    Raises:
        OptionError: If it does not.
    """
    size = number_of_processes()
    if size == 1 or (command in COMMANDS and runs == 1):
        return
    what = f"`pdefreq {command}`" if runs == 1 else f"`pdefreq {command}` with {runs} seeds"
    raise OptionError(
        f"torchrun divides the points of one run among {size} processes, and {what} does not make one run: type the command "
        f"without torchrun; `--workers {size}` of studies makes several runs side by side"
    )

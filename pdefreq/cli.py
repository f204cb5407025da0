"""The command line: the table of commands, and errors as one sentence, exit codes. No numerics."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import pdefreq
from pdefreq.commands.benchmark import benchmark
from pdefreq.commands.cache import cache
from pdefreq.commands.compare import compare
from pdefreq.commands.diagnose import diagnose
from pdefreq.commands.film import film
from pdefreq.commands.measure import measure
from pdefreq.commands.methods import methods
from pdefreq.commands.problems import check, new, problems
from pdefreq.commands.refine import refine
from pdefreq.commands.report import report
from pdefreq.commands.reproduce import reproduce
from pdefreq.commands.run_file import run
from pdefreq.commands.runs import export, rerun, resume, show
from pdefreq.commands.solve import solve
from pdefreq.commands.spectra import activations, lfp
from pdefreq.commands.sweep import sweep
from pdefreq.commands.theory import ntk, predict
from pdefreq.commands.torchrun import joined, require_one_run
from pdefreq.core import interrupts
from pdefreq.core.conversion import shown
from pdefreq.core.errors import UnknownNameError, UserError
from pdefreq.core.printable import printable
from pdefreq.core.registry import nearest

_ClickException: Any = typer.BadParameter.__mro__[2]  # the class of click, which newer versions of Typer include
_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG, errno.EIO, errno.ENAMETOOLONG}
_INTERRUPTED = 130  # the code of an interrupted run; that of the process depends on the signal
_ALIKE = 0.6  # least similarity of an option that is suggested for an unknown one


class OneSentence(TyperGroup):
    """A group of commands that print user errors on stderr, with exit code 2; other errors have a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            # the name of the installed command, also for `python -m pdefreq`: the scripts for completion contain it
            with joined() as leads:
                code = super().main(*args, **{"prog_name": "pdefreq"} | kwargs | {"standalone_mode": False}) if leads else 0
        except UserError as error:
            code = _refuse(*error.lines)
        except _ClickException as error:
            code = 0 if type(error).__name__ == "NoArgsIsHelpError" else _refuse(_usage_sentence(error))
        except (KeyboardInterrupt, typer.Abort):
            code = _INTERRUPTED
        except OSError as error:
            if interrupts.terminal_is_gone():  # the run has been saved, and nothing can be printed
                os._exit(interrupts.exit_code())
            if error.errno not in _DISK:
                raise
            place = f" '{error.filename}'" if error.filename else ""
            code = _refuse(f"can't write{place}: {error.strerror}; free some space or choose another folder")
        sys.exit(interrupts.exit_code() if code == _INTERRUPTED else code or 0)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if not args[0].startswith("-") and args[0] not in self.commands:
            raise UnknownNameError(f"unknown command '{args[0]}': {nearest(args[0], self.commands)}", name=args[0])
        require_one_run(args[0])
        return super().resolve_command(ctx, args)


def _usage_sentence(error: Any) -> str:
    """A message of click as one sentence; for an unknown option, with the nearest known one."""
    if hasattr(error, "possibilities") and error.ctx is not None:
        known = [name for parameter in error.ctx.command.params for name in parameter.opts if name.startswith("-")]
        bare = {name.lstrip("-"): name for name in [*known, "--help"] if name.startswith("--")}  # the dashes are no likeness
        return f"unknown option '{error.option_name}': {nearest(error.option_name.lstrip('-'), bare, bare, similarity=_ALIKE)}"
    message = " ".join(error.format_message().split()).rstrip(".")
    if hasattr(error.__cause__, "errors"):  # of pydantic, whose message does not contain the value
        (found, *_), message = error.__cause__.errors(), message.replace("Value error, ", "")
        message += "" if repr(found["input"]) in message else f", got {shown(found['input'])}"
    help_ = "" if error.ctx is None else f"; for the usage: {error.ctx.command_path} --help"
    return message[:1].lower() + message[1:] + help_


def _refuse(sentence: str, *more: str) -> int:
    for line in (f"error: {sentence}", *more):
        print(printable(line), file=sys.stderr)
    return 2


app = typer.Typer(
    cls=OneSentence,
    name="pdefreq",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog="First steps: [bold]pdefreq problems[/], then [bold]pdefreq solve poisson[/], then "
    "[bold]pdefreq compare poisson jacobi deep-ritz mscale[/].",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"pdefreq {pdefreq.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Solve boundary value problems and measure the error in every frequency."""


_EXAMPLES: dict[Callable[..., Any], str] = {
    solve: "pdefreq solve poisson --method mscale --seconds 30\n\n"
    "pdefreq solve poisson-chirp --param dimension=3 --method jacobi --set intervals=32\n\n"
    "pdefreq solve my.toml --method deep-ritz+jacobi --out runs/mine\n\n"
    "pdefreq solve poisson --method deep-ritz --probe ntk\n\n"
    "pdefreq solve poisson --method pinn --set network=mscale --set optimizer=gauss-newton\n\n"
    "pdefreq solve poisson --method my_method.py:MySolver --seeds 3",
    run: "pdefreq run my-run.toml",
    compare: "pdefreq compare poisson jacobi deep-ritz mscale --seconds 20\n\n"
    "pdefreq compare poisson mscale mscale:activation=phi deep-ritz+jacobi:hand_over_step=500",
    refine: "pdefreq refine poisson --method fem --levels 6\n\n"
    "pdefreq refine poisson-multilevel --method fem --set element=Q1 --start 16 --levels 4\n\n"
    "pdefreq refine my.toml --method fem --set refinement=adaptive",
    sweep: "pdefreq sweep poisson --method mscale --grid learning_rate=1e-3,3e-3 --grid activation=sin,phi --steps 500\n\n"
    "pdefreq sweep poisson --method pinn --range learning_rate=1e-4:1e-1:log --samples 16 --seconds 10\n\n"
    "pdefreq sweep my-sweep.toml",
    benchmark: "pdefreq benchmark quick\n\npdefreq benchmark my-suite.toml --workers 2\n\n"
    "pdefreq benchmark --compare runs/benchmark-quick-1 runs/benchmark-quick-2",
    predict: "pdefreq predict poisson --method jacobi\n\n"
    "pdefreq predict poisson --method deep-ritz --set optimizer=gd "
    "--set half_life=null --set learning_rate=0.01 --set number=200",
    ntk: "pdefreq ntk poisson --method deep-ritz --steps 1000",
    film: "pdefreq solve poisson --method deep-ritz --snapshots --out runs/a\n\n"
    "pdefreq film runs/a --out film.gif\n\npdefreq film runs/a --frames 0,100,1000 --out film.png",
    lfp: "pdefreq lfp five-points --initialization 'uniform(0.2,1,1)'\n\npdefreq lfp my-data.toml --width 10000",
    activations: "pdefreq activations tanh relu 'ricker(0.3)' my_file.py:swish",
    diagnose: "pdefreq diagnose runs/poisson-mscale-1",
    report: "pdefreq report runs/poisson-mscale-1 --out report.html",
    measure: "pdefreq measure snapshots.npz poisson --label mine",
    show: "pdefreq show runs/poisson-mscale-1",
    resume: "pdefreq resume runs/poisson-mscale-1 --steps 20000",
    rerun: "pdefreq rerun runs/poisson-mscale-1 --out runs/again",
    export: "pdefreq export runs/poisson-mscale-1 --to solution.vtu",
    reproduce: "pdefreq reproduce point-sources --out runs/point-sources",
    problems: "",
    methods: "pdefreq methods mscale\n\npdefreq methods mscale:optimizer=lbfgs,boundary=penalty",
    new: "pdefreq new my.toml",
    check: "pdefreq check tones:two",
    cache: "pdefreq cache --clear",
}

for _command, _examples in _EXAMPLES.items():
    app.command(epilog=f"Examples:\n\n{_examples}" if _examples else None)(_command)


def command_line() -> Callable[[], None]:
    """The command line, which Typer builds from the functions of the commands."""
    return typer.main.get_command(app)


def main(command: Callable[[], None] | None = None) -> None:
    """Run the command that the arguments name, and exit.

    Args:
        command: The command line if it has been built already.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # characters that the terminal lacks must not end a run
    (command or command_line())()

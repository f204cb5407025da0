"""`pdefreq reproduce`: published experiments."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions, many
from pdefreq.commands import shared_options as o
from pdefreq.commands.shared_options import importing
from pdefreq.core.errors import OptionError
from pdefreq.core.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

    from pdefreq.core.errors import UserError
    from pdefreq.experiments.reproduction import Reproduction

_ALL = "all"

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Experiment to run, `all`, or my_file.py:my_experiment; without it all are listed.",
        show_default=False,
        autocompletion=completions.experiments,
    ),
]
Seeds = Annotated[int | None, typer.Option(metavar="N", min=1, help="Number of seeds, for experiments with several.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="KEY=VALUE", help="Set an option of the experiment, such as full=true; may be repeated."),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start again instead of using results and runs on disk.")]


def reproduce(
    name: Name = None,
    seeds: Seeds = None,
    steps: o.Steps = None,
    settings: Settings = None,
    fresh: Fresh = False,
    threads: o.Threads = 1,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    out: o.Out = None,
) -> int:
    """Run a published experiment, and store its figures and tables in a folder; a finished one is found again."""
    from pdefreq.commands.console import make_console

    console = make_console()
    if name is None:
        if dask is not None or many.is_typed(workers) or seeds or steps or settings or fresh or out:
            raise OptionError("options need an experiment: name one or write `all`; to list the experiments, give no option")
        return _list(console)
    given: dict[str, Any] = {key: value for key, value in (("seeds", seeds), ("steps", steps)) if value is not None}
    for key, value in o.key_values("--set", settings).items():
        if key in given:
            raise OptionError(f"`{key}` is given by --{key} and by --set: give it once")
        given[key] = value
    if name == _ALL and given:
        raise OptionError(f"`{next(iter(given))}` is an option of one experiment, got it for all: name the experiment")
    if name != _ALL and (dask is not None or many.is_typed(workers)):
        raise OptionError("--workers and --dask distribute the experiments of `all`: leave them out for a single experiment")
    if name == _ALL:
        many.start_early(workers, dask)
    o.use_threads(threads)
    from pdefreq.experiments import EXPERIMENTS, experiment_named
    from pdefreq.experiments.reproduction import Reproduction

    def of(each: str, folder: Path | None) -> Reproduction:
        return Reproduction(each, experiment_named(each), given, folder)

    if name != _ALL:
        return _run(console, of(name, out), fresh=fresh)
    every = [of(each, None if out is None else out / each) for each in EXPERIMENTS]
    return _run_all(console, every, workers=workers, dask=dask, fresh=fresh)


def _list(console: Console) -> int:
    from rich.text import Text

    from pdefreq.commands.console import say
    from pdefreq.commands.live import duration

    with importing():
        from pdefreq.experiments import EXPERIMENTS, entries

        summaries, known = EXPERIMENTS.summaries(), entries()
    for each, summary in summaries.items():
        entry = known[each]
        time = "" if entry.seconds is None else f", {duration(entry.seconds)}"
        needed = f" It needs pip install 'pdefreq[{','.join(entry.extras)}]'." if entry.extras else ""
        line = f"{each}{time}: {summary}{needed}"
        text = Text(textwrap.fill(line, console.width, subsequent_indent="  ") if console.is_terminal else line)
        text.stylize("bold", 0, len(each))
        console.print(text, soft_wrap=True)
    say(
        console,
        "The times are processor times with the default options on one core. "
        "A report states the place in the lecture notes and slides of Xu, or the publication.",
    )
    say(
        console,
        "To run an experiment: pdefreq reproduce NAME, or all. Your own experiment is my_file.py:my_experiment. "
        "An interrupted experiment is continued by the same command.",
    )
    return 0


def _run_all(console: Console, every: Sequence[Reproduction], *, workers: str, dask: str | None, fresh: bool) -> int:
    """Run experiments, on several processes if there are more, and return the exit code. A failure does not end the others."""
    from pdefreq.commands.console import say, say_files
    from pdefreq.core.errors import UserError
    from pdefreq.experiments.many import Asked, reproduce_all
    from pdefreq.runs.local_processes import number_of_workers

    failed: dict[str, UserError] = {}
    count = number_of_workers(workers, len(every))
    if dask is None and count == 1:
        for each in every:
            try:
                if code := _run(console, each, fresh=fresh):
                    return code
            except UserError as error:
                failed[each.name] = error
        return _code_of(failed)
    for each in every:
        if fresh:
            each.discard()
    asked = [Asked(each.name, each.options, each.folder.absolute()) for each in every]
    done = 0
    with many.dask_executor(dask) as executor, _bar(console, [each.name for each in every]) as advance:
        for place, result in reproduce_all(asked, workers=count, executor=executor):
            if result is not None:
                advance(every[place].name)
            if isinstance(result, UserError):
                failed[every[place].name] = result
            elif result is not None:
                done += 1
                print(result)
                say_files(console, every[place].folder)
    code = _code_of(failed)
    if done + len(failed) < len(every):
        say(console, "interrupted: the same command continues with the runs on disk")
        return 130
    return code


@contextmanager
def _bar(console: Console, names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """A progress bar on a terminal, in which experiments count by their recorded times.

    It yields a function of the name of an experiment that ended, which advances the bar.
    """
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    from pdefreq.experiments import entries

    known = entries()
    seconds = {name: (known[name].seconds if name in known else None) or 1.0 for name in names}
    ended: list[str] = []

    def text() -> str:
        return f"{len(ended)} of {len(names)} experiments done"

    columns = TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"), TimeRemainingColumn()
    # The estimate of the remaining time uses all experiments so far, since they end minutes apart.
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal, speed_estimate_period=1e6
    ) as progress:
        task = progress.add_task(text(), total=sum(seconds.values()))

        def advance(name: str) -> None:
            ended.append(name)
            progress.update(task, description=text(), advance=seconds[name])

        yield advance


def _code_of(failed: Mapping[str, UserError]) -> int:
    """Print the reason of each failure to the standard error, and return the exit code."""
    for name, error in failed.items():
        typer.echo(printable(f"error: {name}: {error}"), err=True)
    return 2 if failed else 0


def _run(console: Console, reproduction: Reproduction, *, fresh: bool) -> int:
    from pdefreq.commands.console import say, say_files
    from pdefreq.core.interrupts import ending_all

    if fresh:
        reproduction.discard()
    if (text := reproduction.finished()) is not None:
        print(text)
        say(console, f"found in {reproduction.folder}; --fresh runs it again")
        return 0
    if reproduction.has_begun():
        say(console, f"continued from {reproduction.runs}")
    try:
        with ending_all():
            text = reproduction.run()
    except KeyboardInterrupt:
        say(console, f"interrupted: the same command continues with the runs in {reproduction.runs}")
        return 130
    print(text)
    say_files(console, reproduction.folder)
    return 0

"""`pdefreq solve`: one method on one problem."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pdefreq.commands import completions, many
from pdefreq.commands import shared_options as o
from pdefreq.commands.torchrun import require_one_run

if TYPE_CHECKING:
    from pathlib import Path

    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State

Method = Annotated[
    str,
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        help="A method that `pdefreq methods` lists, a chain such as a+b, or my_file.py:MySolver.",
        autocompletion=completions.methods,
    ),
]
MethodOfRun = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        metavar="NAME",
        help="A method that `pdefreq methods` lists, a chain such as a+b, or my_file.py:MySolver.",
        show_default="that of [run] in the problem file, else mscale, or auto where mscale can't solve the problem",
        autocompletion=completions.methods,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-s",
        metavar="KEY=VALUE",
        help="Set an option or a part of the method; may be repeated.",
        autocompletion=completions.settings,
    ),
]
Probes = Annotated[
    list[str] | None,
    typer.Option(
        "--probe",
        metavar="NAME",
        help="An additional probe: ntk, filter, snapshots, or my_file.py:MyProbe; may be repeated.",
        autocompletion=completions.probes,
        rich_help_panel="Output",
    ),
]
Snapshots = Annotated[
    bool,
    typer.Option("--snapshots", help="Store u on a grid at each recorded step, for `pdefreq film`.", rich_help_panel="Output"),
]
NoPrediction = Annotated[
    bool,
    typer.Option("--no-prediction", help="Do not store predicted curves with the measured ones.", rich_help_panel="Output"),
]
Board = Annotated[
    bool,
    typer.Option("--tensorboard", help="Write TensorBoard curves to the run folder.", rich_help_panel="Output"),
]


def solve(
    problem: o.ProblemName,
    method: MethodOfRun = None,
    settings: Settings = None,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    steps: o.Steps = None,
    seconds: o.Seconds = None,
    train_seconds: o.TrainSeconds = None,
    tolerance: o.Tolerance = None,
    stagnation: o.Stagnation = None,
    seed: o.Seed = 0,
    seeds: o.Seeds = 1,
    dtype: o.Dtype = o.Precision.float64,
    device: o.Device = "cpu",
    threads: o.Threads = 1,
    workers: many.Workers = "auto",
    dask: many.DaskAddress = None,
    batch: many.Batch = False,
    out: o.Out = None,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    no_figures: o.NoFigures = False,
    no_prediction: NoPrediction = False,
    probe: Probes = None,
    snapshots: Snapshots = False,
    tensorboard: Board = False,
) -> int:
    """Solve a problem and show how the error in every frequency decreased."""
    from pdefreq.problem.files import run_settings
    from pdefreq.solvers.requirements import usual_method

    own, given = run_settings(problem), o.key_values("--set", settings)
    stated: str | None = own.get("method") if method is None else method
    if method is None:  # the options in the file belong to the method in the file
        given = {**own.get("set", {}), **given}
    solver = None if stated is None else o.load_solver(stated, given)
    stop = o.stop_of(own, steps=steps, seconds=seconds, train_seconds=train_seconds, tolerance=tolerance, stagnation=stagnation)
    require_one_run("solve", runs=seeds)
    if batch:
        many.require_batch(seeds=seeds, workers=workers, dask=dask)
    elif seeds > 1:
        many.start_early(workers, dask)
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)
    name = stated or usual_method(subject, changed=bool(given))
    solver = solver or o.load_solver(name, given)

    import pdefreq
    from pdefreq.commands.console import make_console
    from pdefreq.commands.figures import draw_run
    from pdefreq.commands.live import LiveLine
    from pdefreq.commands.result import print_outcome
    from pdefreq.probes import DEFAULT_PROBES

    console = make_console(json_output=json_output)
    outputs = [*([] if no_figures else ["figures"]), *(["tensorboard"] if tensorboard else [])]
    further = [*(probe or ()), *(["snapshots"] if snapshots else [])]
    options: dict[str, Any] = {
        "stop": stop,
        "device": device,
        "dtype": dtype.value,
        "modes": modes.value if modes else None,
        "probes": [*DEFAULT_PROBES, *further] if further else None,
        "method": name,
        "predict": not no_prediction,
        "outputs": outputs,
    }
    if seeds > 1:
        from pdefreq.commands.seeds import solve_seeds

        chosen = range(seed, seed + seeds)
        place = o.study_folder(out, subject.name, name)
        return solve_seeds(
            console,
            subject,
            solver,
            chosen,
            place,
            options,
            workers=workers,
            dask=dask,
            batch=batch,
            json_output=json_output,
            quiet=quiet,
            verbose=verbose,
        )
    folder, began = o.new_folder(out, subject.name, name), time.perf_counter()
    with ExitStack() as stack:
        live = stack.enter_context(LiveLine(console, f"{subject.title or subject.name}, {name}", quiet=quiet, verbose=verbose))
        callbacks = [live.callback, *curves(stack, folder, outputs)]

        def callback(step: int, state: State, history: History) -> bool:
            return any([call(step, state, history) for call in callbacks])

        solution = pdefreq.solve(subject, solver, seed=seed, folder=folder, callback=callback, progress=live.progress, **options)
        if not no_figures:
            draw_run(solution)
    elapsed = time.perf_counter() - began
    print_outcome(console, solution, json_output=json_output, drawn=not no_figures, said=set(live.remarks), elapsed=elapsed)
    return solution.status.exit_code


def curves(stack: ExitStack, folder: Path, outputs: Collection[str]) -> list[Any]:
    """The callback that writes TensorBoard curves into a run folder, in a list; none if the outputs of the run do not name it."""
    if "tensorboard" not in outputs:
        return []
    from pdefreq.runs.tensorboard import TensorBoard

    return [stack.enter_context(TensorBoard(folder / "tensorboard"))]

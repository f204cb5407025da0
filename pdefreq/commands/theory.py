"""`pdefreq predict`, `pdefreq ntk`: predictions of the theory before a run."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from pdefreq.commands import shared_options as o
from pdefreq.commands.solve import Method, Settings

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from pdefreq.runs.solution import Solution
    from pdefreq.spectrum.predicted import Drift
    from pdefreq.studies.prediction import PredictedModes

Picture = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE.png",
        help="The file for the figure; by default PROBLEM-METHOD-predicted.png.",
        show_default=False,
    ),
]
_ROWS = 12  # largest number of modes or eigenvalues in a table
_HEADINGS = {  # short enough for seven columns in 80 characters
    "initial_rate": "initial rate",
    "rayleigh_quotient": "v.Kv",
    "eigen_residual": "residual",
    "final_rate": "final rate",
    "halving_step": "halved at",
    "halving_time": "halved at",
}


def predict(
    problem: o.ProblemName,
    method: Method = "jacobi",
    settings: Settings = None,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    seed: o.Seed = 0,
    threads: o.Threads = 1,
    json_output: o.Json = False,
    out: Picture = None,
) -> None:
    """Predict how the error in every frequency decreases, before a run, and draw the predicted curves."""
    solver = o.load_solver(method, o.key_values("--set", settings))
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)

    from pdefreq.commands.console import make_console, print_json, say, say_files
    from pdefreq.commands.live import LiveLine
    from pdefreq.commands.result import eigen_residual_sentence
    from pdefreq.spectrum.named import remarks_on_named
    from pdefreq.studies.prediction import predict as predicted

    named = subject.spectrum.wavenumbers
    with LiveLine(make_console(json_output=json_output), quiet=json_output):
        found = predicted(subject, solver, seed=seed, modes=modes)
    remarks = remarks_on_named(found.modes, named)
    if json_output:
        picture = {} if out is None else {"picture": str(_drawn(found, out))}
        print_json(_as_json(found) | {"notes": remarks} | picture)
        return
    console = make_console()
    say(console, f"{subject.title or subject.name}, {method}: predicted", "bold")
    if len(found.errors) or any(math.isfinite(rate) for rate in found.errors.rayleigh_quotient):
        _print_curves(console, found, _rows(found, named))
    say(console, found.errors.note)
    if sentence := eigen_residual_sentence(found.errors.eigen_residual):
        say(console, sentence)
    if found.orders is not None:
        _print_orders(console, found, _rows(found, named))
    for remark in remarks:
        say(console, remark)
    if len(found.errors):
        drawn = _drawn(found, out or Path(_picture_name(subject.name, method)))
        say_files(console, drawn.parent, drawn.name)


def _picture_name(problem: str, method: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", f"{problem}-{method}")[:100] + "-predicted.png"


def _drawn(found: PredictedModes, path: Path) -> Path:
    from pdefreq.figures.style import save_figure

    return save_figure(found.plot(), path)


def _rows(found: PredictedModes, wavenumbers: Sequence[float]) -> np.ndarray:
    """The modes to print, sorted by wavenumber: those that the problem names, and the strongest ones."""
    import numpy as np

    shown = found.modes.strongest(max(_ROWS, len(wavenumbers)), wavenumbers)
    return shown[np.argsort(found.modes.wavenumber[shown], kind="stable")]


def _columns(found: PredictedModes) -> dict[str, np.ndarray]:
    return {
        "wavenumber": found.modes.wavenumber,
        "amplitude": found.modes.amplitude,
        "initial_rate": found.initial_rate,
        "rayleigh_quotient": found.errors.rayleigh_quotient,
        "eigen_residual": found.errors.eigen_residual,
        "final_rate": found.errors.rate,
        "halving_time" if found.is_heuristic else "halving_step": found.errors.halving_steps,
    }


def _as_json(found: PredictedModes) -> dict[str, Any]:
    told: dict[str, Any] = {name: [_finite(v) for v in values] for name, values in _columns(found).items()}
    told |= {"is_heuristic": found.is_heuristic, "note": found.errors.note, "start_step": found.start_step}
    orders = found.orders
    if orders is not None:
        told |= {"h": orders.h, "order": orders.order, "order_condition": orders.condition}
        told |= {"order_constant": [_finite(v) for v in orders.constant], "discrete_error": [_finite(v) for v in orders.error]}
    return told


def _print_curves(console: Console, found: PredictedModes, rows: np.ndarray) -> None:
    """The predicted decay of each mode along the steps."""
    from pdefreq.commands.console import number, plain_table, say

    table, columns = plain_table(dropped=("v.Kv", "residual", "amplitude", "final rate")), _columns(found)
    table.padding = (0, 0, 0, 1)  # seven columns in 80 characters
    for name in columns:
        table.add_column(_HEADINGS.get(name, name), justify="right", no_wrap=True)
    for row in rows:
        *numbers, half = (values[row] for values in columns.values())
        arrival = number(half) if found.is_heuristic or not math.isfinite(half) else f"{math.ceil(half):,}"
        table.add_row(*(number(value) for value in numbers), arrival)
    console.print(table)
    last = f"{float(found.errors.step[-1]):.3g}" if len(found.errors) else ""
    late = f"; -: unknown, or not within {last} {'units of time' if found.is_heuristic else 'steps'}" if last else ""
    counted = f"; steps are counted from the hand-over step, {found.start_step:,}" if found.start_step else ""
    say(
        console,
        "rates per step: initial, the relative decrease of the error in the first step; v.Kv, the Rayleigh quotient, which is "
        "the rate of an error in this mode alone; final, -d log(error) / d step at the end; residual: the relative "
        f"eigen-residual |Kv - (v.Kv) v| / v.Kv; halved at: the error stays below 0.5 from there on{counted}{late}",
    )


def _print_orders(console: Console, found: PredictedModes, rows: np.ndarray) -> None:
    """The predicted error of the discrete solution as a function of the mesh width."""
    import numpy as np

    from pdefreq.commands.console import number, plain_table, say

    orders = found.orders
    assert orders is not None
    if orders.order is None:
        say(console, f"discretization: no order is predicted: {orders.condition}")
        return
    if not np.isfinite(orders.error).any():
        say(
            console,
            f"discretization: the error of each mode is O(h^{orders.order}), {orders.condition}; no constants are known",
        )
        return
    table = plain_table()
    for name in ("wavenumber", "amplitude", "order", "constant", f"error at h = {number(orders.h)}"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        values = (found.modes.wavenumber[row], found.modes.amplitude[row], orders.order, orders.constant[row], orders.error[row])
        table.add_row(*(number(value) for value in values))
    console.print(table)
    say(console, f"discretization: relative error of the mode = constant h^order to leading order, {orders.condition}")


def ntk(
    problem: o.ProblemName,
    method: Method = "deep-ritz",
    settings: Settings = None,
    params: o.Params = None,
    trust: o.Trust = False,
    seed: o.Seed = 0,
    steps: Annotated[int, typer.Option(metavar="N", min=0, help="Train N steps and draw the drift of the kernel.")] = 0,
    number: Annotated[int, typer.Option(metavar="N", min=3, help="Points along the interval.")] = 300,
    metric: Annotated[
        Literal["u", "loss"],
        typer.Option(help="Eigenvalues of the kernel of u at the points, or of the kernel in the metric of the loss."),
    ] = "u",
    threads: o.Threads = 1,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File of the figure: .png, .svg or .pdf.")] = Path(
        "ntk.png"
    ),
    json_output: o.Json = False,
) -> None:
    """Print and draw the tangent kernel of a network at initialization: spectrum, eigenvectors, drift along a run."""
    solver = o.load_solver(method, o.key_values("--set", settings))
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)

    from pdefreq.commands.console import make_console, plain_table, print_json, say, say_files
    from pdefreq.commands.console import number as text
    from pdefreq.commands.result import eigen_residual_sentence, status_sentence
    from pdefreq.figures.style import save_figure
    from pdefreq.spectrum.predicted import PREDICTABLE_DRIFT
    from pdefreq.studies.tangent_kernel import tangent_kernel
    from pdefreq.theory.kernel_modes import sign_changes

    found = tangent_kernel(subject, solver, number=number, seed=seed, steps=steps, method=method)
    pairs, modes, quotients, trained, title = found.pairs, found.modes, found.quotients, found.trained, found.title
    in_loss = found.loss_eigenvalues if metric == "loss" else None
    save_figure(found.plot(), out)
    shown = min(_ROWS, pairs.rank if in_loss is None else len(in_loss))
    changes = sign_changes(pairs.vectors[:, :shown]).tolist() if in_loss is None else None
    values = (pairs.values if in_loss is None else in_loss)[:shown].tolist()
    moved = None if trained is None else _moved(trained)
    if json_output:
        print_json(
            {"metric": metric, "eigenvalues": values, "sign_changes": changes, "trace": found.trace, "figure": str(out)}
            | {"wavenumber": modes.wavenumber.tolist(), "rayleigh_quotient": quotients.values.tolist()}
            | {"eigen_residual": quotients.eigen_residuals.tolist()}
            | {"drift": moved and moved.kernel, "parameter_distance": moved and moved.parameters}
            | {"steps": trained and trained.step, "status": trained and trained.status.label}
        )
        raise typer.Exit(trained.status.exit_code if trained else 0)
    console = make_console()
    say(console, title, "bold")
    table = plain_table()
    for name in ("index", "eigenvalue", *([] if changes is None else ["sign changes"])):
        table.add_column(name, justify="right")
    for index, value in enumerate(values):
        table.add_row(str(index), text(value, 4), *([] if changes is None else [str(changes[index])]))
    console.print(table)
    if in_loss is None:
        say(
            console,
            f"eigenvalues: of the matrix of the kernel of u at {number} points; they grow in proportion to `--number`",
        )
    else:
        most = text(2 / values[0])
        say(
            console,
            "eigenvalues: of F F^T, the kernel in the metric of the loss, with quadrature weights: the largest is the kappa_1 "
            f"of `pdefreq predict`, and gradient descent converges at learning rates below 2 / kappa_1 = {most}",
        )
    if shown < _ROWS:
        say(console, "the other eigenvalues are at the level of rounding errors")
    table = plain_table()
    for name in (f"{modes.kind} mode", "wavenumber", "Rayleigh quotient", "eigen-residual"):
        table.add_column(name, justify="right")
    columns = (modes.wavenumber, quotients.values.tolist(), quotients.eigen_residuals.tolist())
    for index, *row in zip(modes.indices[:, 0].tolist(), *columns, strict=True):
        table.add_row(str(index), *(text(value, 4) for value in row))
    console.print(table)
    say(
        console,
        "Rayleigh quotient: v.Kv of the normalized mode v in the kernel K of u at the points; "
        "eigen-residual: |Kv - (v.Kv) v| / v.Kv",
    )
    if sentence := eigen_residual_sentence(quotients.eigen_residuals.tolist()):
        say(console, sentence)
    if beyond := [xi for xi in subject.spectrum.wavenumbers if xi > found.highest_wavenumber]:
        last = text(found.highest_wavenumber, 4)
        say(console, f"wavenumbers above {last} are not resolved by {number} points (`--number`): {', '.join(map(text, beyond))}")
    if trained is not None and moved is not None:
        if early := trained.step < steps:
            say(console, status_sentence(trained), "green" if trained.status.exit_code == 0 else "bold red")
        bound = (
            f"{'at most' if moved.is_small else 'more than'} the {100 * PREDICTABLE_DRIFT:g} % up to which predictions are valid"
        )
        say(
            console,
            f"after {trained.step:,} steps{f' of {steps:,}' if early else ''} the kernel of u has a relative drift "
            f"of {text(moved.kernel)} and the parameters of {text(moved.parameters)}"
            f"{'' if trained.status.exit_code else f': {bound}'}",
        )
    say_files(console, out.parent, out.name)
    raise typer.Exit(trained.status.exit_code if trained else 0)


def _moved(trained: Solution) -> Drift:
    """The drift of the kernel and of the parameters at the last good state."""
    from pdefreq.spectrum.predicted import Drift

    history = trained.history.before(trained.step + 1)  # after a failure, rows of bad states follow
    return Drift(float(history.last("kernel_drift")), float(history.last("parameter_distance")))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

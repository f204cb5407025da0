"""`pdefreq predict`, `pdefreq ntk`: what theory says before a run."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import options as o
from pdefreq.commands.solve import Method, Settings

_ROWS = 12  # as many modes, or eigenvalues, as are read at a glance


def predict(
    problem: o.ProblemName,
    method: Method = "jacobi",
    settings: Settings = None,
    params: o.Params = None,
    modes: o.Modes = None,
    seed: o.Seed = 0,
    threads: o.Threads = 1,
    json_output: o.Json = False,
) -> None:
    """Say how the error in every frequency will go down, before a run."""
    solver = o.load_solver(method, o.key_values("--set", settings))
    o.use_threads(threads)
    subject = o.load_problem(problem, params)

    import numpy as np

    from pdefreq.commands.result import make_console, number, plain_table, print_json, say
    from pdefreq.prediction import predict as predicted

    found = predicted(subject, solver, seed=seed, modes=modes)
    columns = {
        "wavenumber": found.wavenumber,
        "amplitude": found.amplitude,
        "initial rate": found.initial_rate,
        "final rate": found.final_rate,
        "half time" if found.guide else "half step": found.half_step,
    }
    if json_output:
        named = {name.replace(" ", "_"): [_finite(v) for v in values] for name, values in columns.items()}
        print_json(named | {"guide": found.guide, "note": found.note})
        return
    console = make_console()
    say(console, f"{subject.title or subject.name}, {method}: predicted", "bold")
    table = plain_table()
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    strongest = np.sort(np.argsort(found.amplitude)[::-1][:_ROWS])
    for row in strongest[np.argsort(found.wavenumber[strongest], kind="stable")]:
        *numbers, half = (values[row] for values in columns.values())
        arrival = number(half) if found.guide or not math.isfinite(half) else f"{math.ceil(half):,}"
        table.add_row(*(number(value, 4) for value in numbers), arrival)
    console.print(table)
    say(
        console,
        "rates: decrease of the error in the first step, over it; -d log(error) / d step in the end; half: below 0.5 for good",
    )
    say(console, found.note)


def ntk(
    problem: o.ProblemName,
    method: Method = "deep-ritz",
    settings: Settings = None,
    params: o.Params = None,
    seed: o.Seed = 0,
    steps: Annotated[int, typer.Option(metavar="N", min=0, help="Train so many steps and draw how far the kernel moves.")] = 0,
    number: Annotated[int, typer.Option(metavar="N", min=3, help="Points along the interval.")] = 300,
    threads: o.Threads = 1,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to draw: .png, .svg or .pdf.")] = Path(
        "ntk.png"
    ),
    json_output: o.Json = False,
) -> None:
    """Print and draw the tangent kernel of a network at its start: spectrum, eigenvectors, drift along a run."""
    solver = o.load_solver(method, o.key_values("--set", settings))
    o.use_threads(threads)
    subject = o.load_problem(problem, params)

    import torch

    from pdefreq.commands.result import make_console, plain_table, print_json, say
    from pdefreq.commands.result import number as text
    from pdefreq.domains.box import Box
    from pdefreq.errors import IncompatibleError
    from pdefreq.figures.kernel import kernel_figure
    from pdefreq.figures.style import save_figure
    from pdefreq.history import Stop
    from pdefreq.loop import solve
    from pdefreq.probes.ntk import NtkProbe
    from pdefreq.spaces.trial_space import Network
    from pdefreq.theory.kernel_modes import eigenpairs, sign_changes
    from pdefreq.theory.ntk import kernel

    domain = subject.domain
    if not isinstance(domain, Box) or domain.dimension != 1:
        raise IncompatibleError("`pdefreq ntk` draws kernels on an interval; in more dimensions use the probe `ntk`")
    iteration = solver.prepare(subject.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    if not isinstance(state.space, Network):
        raise IncompatibleError(
            f"{method} trains no network, so it has no tangent kernel: `pdefreq predict` says how its modes fall"
        )
    x = torch.linspace(domain.lower[0], domain.upper[0], number, dtype=torch.float64)
    with torch.no_grad():
        matrix = kernel(state.space.at(x[:, None]).jacobian_factors(state.coefficients))
    drift = None
    if steps:
        history = solve(subject, solver, stop=Stop(steps=steps), probes=[NtkProbe()], seed=seed).history
        drift = history.column("step"), history.column("kernel_drift")
    title = f"{subject.title or subject.name}, {method}: tangent kernel of u at the start"
    save_figure(kernel_figure(matrix.numpy(), x.numpy(), drift=drift, title=title), out)
    pairs = eigenpairs(matrix)
    shown = min(_ROWS, pairs.rank)
    changes = sign_changes(pairs.vectors[:, :shown]).tolist()
    values = pairs.values[:shown].tolist()
    last = None if drift is None else float(drift[1][-1])
    if json_output:
        print_json(
            {"eigenvalues": values, "sign_changes": changes, "trace": float(matrix.trace()), "drift": last, "figure": str(out)}
        )
        return
    console = make_console()
    say(console, title, "bold")
    table = plain_table()
    for name in ("index", "eigenvalue", "sign changes"):
        table.add_column(name, justify="right")
    for index, (value, crossings) in enumerate(zip(values, changes, strict=True)):
        table.add_row(str(index), text(value, 4), str(crossings))
    console.print(table)
    if shown < _ROWS:
        say(console, f"the other {number - shown} eigenvalues are at the level of rounding")
    if last is not None:
        say(console, f"after {steps:,} steps the kernel has moved by {text(last)} of itself")
    say(console, f"figure: {out}")


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None

"""`pdefreq lfp`, `pdefreq activations`: the linear frequency principle, and the spectra of activations."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import shared_options as o

Picture = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File of the figure: .png, .svg or .pdf.")]


def lfp(
    problem: o.ProblemName = "five-points",
    initialization: Annotated[
        str, typer.Option(metavar="NAME", help="Initialization of the ReLU network, such as ntk or uniform(inner,bias,outer).")
    ] = "uniform(3,3,0.1)",
    width: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Also train a network of N units, which takes minutes for 10,000 units."),
    ] = 0,
    period: Annotated[
        float | None,
        typer.Option(
            metavar="L", help="Period of the waves of the model; by default ten times the range of the data.", show_default=False
        ),
    ] = None,
    waves: Annotated[
        int | None,
        typer.Option(
            metavar="M",
            help="Largest integer J of the waves exp(2 pi i J x / L); by default 2000, and 100 along each axis in the plane.",
            show_default=False,
        ),
    ] = None,
    ridge: Annotated[
        float, typer.Option(metavar="E", help="Parameter epsilon of the ridge regression that fits the model.")
    ] = 1e-6,
    params: o.Params = None,
    trust: o.Trust = False,
    seed: o.Seed = 0,
    threads: o.Threads = 1,
    out: Picture = Path("lfp.png"),
    json_output: o.Json = False,
) -> None:
    """Compute the limit of a wide two-layer ReLU network for given data (linear frequency principle), beside splines."""
    o.use_threads(threads)
    subject = o.load_problem(problem, params, trust=trust)

    from pdefreq.commands.console import make_console, number, plain_table, print_json, say
    from pdefreq.figures.style import save_figure
    from pdefreq.studies.lfp import lfp as fitted

    found = fitted(subject, initialization=initialization, width=width, seed=seed, period=period, waves=waves, ridge=ridge)
    save_figure(found.plot(), out)
    moments, network, d = found.moments, found.network, found.x.shape[1]
    if json_output:
        trained = None if network is None else {"width": network.width, "steps": network.steps, "residual": network.residual}
        print_json(
            {"initialization": initialization, "inner_moment": moments.inner, "outer_moment": moments.outer}
            | {"crossover": moments.crossover if math.isfinite(moments.crossover) else None, "distances": found.distances}
            | {"period": found.period, "waves": found.waves, "ridge": found.ridge}
            | {"time_constants": found.time_constants.tolist(), "network": trained, "figure": str(out)}
        )
        return
    console = make_console()
    say(console, f"{found.title}: linear frequency principle, weights {initialization}", "bold")
    say(
        console,
        f"moments of the weights: E[r³] = {number(moments.inner)}, E[a²r] = {number(moments.outer)}; rates decrease like "
        f"|ξ|^-{d + 3} for |ξ| < {number(moments.crossover)} and like |ξ|^-{d + 1} above",
    )
    say(
        console,
        f"model: waves exp(2 pi i J·x / {number(found.period)}) with |J| <= {found.waves:,} along each axis, "
        f"ridge {number(found.ridge)}",
    )
    table = plain_table("distance of the LFP solution to", "relative rms")
    for name, distance in found.distances.items():
        table.add_row(name, number(distance))
    if found.distances:
        console.print(table)
    if network is not None:
        say(
            console,
            f"network: {network.width:,} units, {network.steps:,} steps of gradient descent, largest residual "
            f"{number(network.residual)} of the largest |y|",
        )
    say(console, f"figure: {out}")


def activations(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME]...",
            help="Activations, such as tanh, ricker(0.3) or my_file.py:swish; by default those of the lecture notes.",
            show_default=False,
        ),
    ] = None,
    out: Picture = Path("activations.png"),
    json_output: o.Json = False,
) -> None:
    """Print and draw the Fourier transforms of activations, which determine the order in which frequencies are learned."""
    o.use_threads(1)

    from pdefreq.commands.console import make_console, number, plain_table, print_json, say
    from pdefreq.figures.style import save_figure
    from pdefreq.studies.activation_spectra import activations as spectra

    found = spectra(*(names or ()))
    save_figure(found.plot(), out)
    if json_output:
        rows = [
            {
                "activation": name,
                "tail": each.tail if math.isfinite(each.tail) else None,
                "peak": each.peak,
                "closed": each.closed,
            }
            for name, each in found.found.items()
        ]
        print_json({"activations": rows, "figure": str(out)})
        return
    console = make_console()
    table = plain_table("activation", "decay", "largest at", "transform")
    for name, each in found.found.items():
        decay = f"k^-{each.tail:g}" if math.isfinite(each.tail) else "faster than any power"
        table.add_row(name, decay, number(each.peak) if each.peak else "k → 0", "closed form" if each.closed else "quadrature")
    console.print(table)
    say(
        console,
        "decay: |F(k)| for large k; largest at: the wavenumber of the largest |F(k)|; frequencies above it are learned in "
        "ascending order",
    )
    say(console, f"figure: {out}")

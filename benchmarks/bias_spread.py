"""The spread of the times of modes on `poisson`, and the figure "the bias and its removal".

``python benchmarks/bias_spread.py [FIGURE.png] [--starts START...]`` trains one network with Gauss-Newton (200 steps) and
with Adam (2500 steps), for each of several starts, and prints max t_k / min t_k, the median of five seeds, and the range. t_k
is the step after which the relative error of mode k stays below tau = 1e-3, for the three peaks that the problem names. A
mode that does not get there counts as the last step, so that its spread is a lower bound, which is marked by ">=". If a path
is given, the errors of the modes are drawn against the step for the first seed, beside those of `jacobi` and of
`random-features`, whose linear solve is one step.

At a constant learning rate of 1e-3 the errors under Adam oscillate about tau, and the spread has no meaning; the decaying rate of
`pinn` is used. The results are in docs/training.md.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pdefreq.core.history import Schedule, Stop
from pdefreq.figures.error_curves import Curve, error_curves_figure
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.spectrum.rates import time_to
from pdefreq.spectrum.spectral_record import SpectralRecord

TAU, SEEDS = 1e-3, 5
STARTS = ("spectrum", "siren(10)", "siren(30)", "glorot")  # the first is the default of `gauss-newton`
DRAWN = "spectrum"  # that of the figure
_NETWORK = "network=mlp,widths=[30],activation=sin,input=null"


def trained(start: str) -> dict[str, tuple[str, int]]:
    """The methods that train the network from a start, by their names in the figure, with their numbers of steps."""
    network = f"{_NETWORK},initialization={start}"
    adam = f"pinn:{network},boundary=auto,number=500"  # Adam as `pinn` has it by default
    return {"Adam": (adam, 2500), "Gauss-Newton, same network": (f"gauss-newton:{network}", 200)}


PROBLEM = load_problem("poisson")


def record(method: str, steps: int | None, seed: int) -> SpectralRecord:
    """The errors of the peaks of the problem along a run."""
    stop = Stop() if steps is None else Stop(steps=steps)
    run = solve(PROBLEM, method, seed=seed, stop=stop, predict=False, schedule=Schedule(dense=60, per_decade=30))
    wavenumbers = PROBLEM.spectrum.wavenumbers
    return SpectralRecord.of(run.history).of_total_errors().pick(len(wavenumbers), wavenumbers)


def spread(found: SpectralRecord) -> tuple[float, bool]:
    """The ratio max t_k / min t_k, and whether all modes got to tau."""
    times = time_to(TAU, found.step, found.error)
    reached = bool(np.isfinite(times).all())
    times = np.where(np.isinf(times), found.last_step, times)
    return float(times.max() / max(times.min(), 1.0)), reached


def main() -> None:
    """Print the table, and draw the figure if a path is given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("figure", nargs="?", help="a file for the figure; by default there is none")
    parser.add_argument("--starts", nargs="*", default=STARTS)
    given = parser.parse_args()
    for start in given.starts:
        for name, (method, steps) in trained(start).items():
            began, found = time.process_time(), [spread(record(method, steps, seed)) for seed in range(SEEDS)]
            values, arrived = [value for value, _ in found], sum(reached for _, reached in found)
            sign, seconds = "" if arrived == SEEDS else ">= ", (time.process_time() - began) / SEEDS
            print(
                f"{start}, {name}: spread {sign}{np.median(values):.3g} ({min(values):.3g} to {max(values):.3g}), "
                f"all modes below tau in {arrived} of {SEEDS} seeds, {seconds:.1f} processor seconds per seed",
                flush=True,
            )
    if given.figure:
        methods = {"Jacobi": ("jacobi", 20_000), **trained(DRAWN), "random features": ("random-features", None)}
        first = {name: record(method, steps, 0) for name, (method, steps) in methods.items()}
        panels = {
            name: [
                Curve(f"k = {k / np.pi:.3g} π", *(([], ([1], e[-1:])) if name == "random features" else ([(found.step, e)],)))
                for k, e in zip(found.modes.wavenumber, found.error.T, strict=True)
            ]
            for name, found in first.items()
        }
        figure = error_curves_figure(
            panels,
            title="The bias and its removal: three modes of poisson",
            xlabel="step",
            ylabel="relative error of the mode",
            guides={f"tau = {TAU:g}": TAU},
            logarithmic=tuple(panels),
        )
        for axis in figure.axes:
            axis.set_xlim(0.7, 3e4)
        figure.savefig(given.figure, dpi=110)
        print(f"figure: {given.figure}")


if __name__ == "__main__":
    main()

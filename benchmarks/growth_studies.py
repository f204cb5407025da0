"""The studies of ``growth.py``: problems, methods with their budgets, and reference slopes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pdefreq.problem.files import load_problem, problem_from_text

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem

SMOOTH = """
[domain]
kind = "box"
dimension = 2
lower = 0
upper = 1
[equation]
exact = "exp(sin(2*pi*x)*sin(2*pi*y))"
"""
"""Not a finite sum of waves, which some methods would represent without an error."""
OMEGAS = (2, 4, 8, 16, 32, 64)
DIMENSIONS = (1, 2, 3, 5, 7, 10)
POINTS = "boundary=penalty,number=1000"  # values built in at the boundary would contain the solution
ACCURACY = 1e-2
"""A relative L2 error, for the times at which runs with equal budgets reach it."""
WORKERS = {"steps": 60, "repeats": 3}


@dataclass(frozen=True)
class Method:
    """A curve of a study.

    Args:
        name: A method with its options.
        seconds: The budget of processor seconds.
        steps: The largest number of steps.
        values: The values of the study at which it runs; all by default. With an option, the values of the option.
        option: The option that grows. The abscissa is then the number of unknowns.
    """

    name: str
    seconds: float = math.inf
    steps: float = math.inf
    values: Sequence[Any] = ()
    option: str = ""

    @property
    def label(self) -> str:
        """The name without the options that all networks share."""
        return self.name.replace(f",{POINTS}", "")


class Slope(NamedTuple):
    """A reference line beside the curve of a method: the panel (0 errors, 1 seconds), the method, the power and its text."""

    panel: int
    method: str
    power: float
    text: str


@dataclass(frozen=True)
class Study:
    """A study: its axis, its problem for a value of x, its curves and reference lines."""

    axis: str
    title: str
    problem: Callable[[Any], Problem]
    values: Sequence[int]
    methods: Sequence[Method]
    slopes: Sequence[Slope]
    clock: str = "processor seconds"
    to_accuracy: bool = False  # whether the figure has the seconds to `ACCURACY` in place of those of the run


STUDIES = {
    "unknowns": Study(
        "unknowns N",
        "Poisson in a square, u = exp(sin 2πx sin 2πy)",
        lambda _: problem_from_text(SMOOTH, name="smooth"),
        (),
        (
            Method("fem", values=(8, 16, 32, 64, 128, 256), option="cells"),
            Method("fem:element=P2", values=(4, 8, 16, 32, 64, 128), option="cells"),
            Method("multigrid", values=(8, 16, 32, 64, 128, 256), option="intervals"),
            Method("sine", values=(4, 8, 16, 32, 64, 128, 256), option="intervals"),
            Method("random-features", values=(50, 100, 200, 400, 800, 1600), option="number"),
            Method("gauss-newton", steps=40, values=((4, 4), (8, 8), (12, 12), (16, 16), (24, 24)), option="widths"),
        ),
        (
            Slope(0, "fem", -1, "1/N"),
            Slope(0, "fem:element=P2", -1.5, "1/N^1.5"),
            Slope(1, "sine", 1, "N"),
        ),
    ),
    "frequency": Study(
        "ω, periods in an interval of length 2",
        "−u″ = f with u = sin ωπx",
        lambda omega: load_problem("poisson-6pi", periods=omega),
        OMEGAS,
        (
            Method("jacobi:intervals=512", steps=1000),
            Method("fem:cells=512"),
            Method("random-features"),
            Method("gauss-newton", seconds=2.0),
            Method("gauss-newton:initialization=glorot", seconds=2.0),
            Method("mscale", seconds=4.0),
            Method("deep-ritz", seconds=4.0),
        ),
        (Slope(0, "fem:cells=512", 2, "ω²"),),
        to_accuracy=True,
    ),
    "dimension": Study(
        "dimension d",
        "−Δu + u = f, u a sum of functions of one coordinate",
        lambda d: load_problem("poisson-boltzmann", dimension=d, lam=1, mu=3),
        DIMENSIONS,
        (
            Method("fem:cells=24", values=(1, 2, 3)),
            Method("multigrid:intervals=24", values=(1, 2, 3)),
            Method("random-features", values=(1, 2, 3)),
            Method(f"gauss-newton:widths=[30],{POINTS}", steps=40),
            Method(f"mscale:scales=[1,2],widths=[20,20],{POINTS}", steps=400),
            Method(f"pinn:widths=[30,30],{POINTS}", steps=400),
            Method(f"deep-ritz:widths=[30,30],{POINTS}", steps=400),
        ),
        (Slope(1, "pinn:widths=[30,30]", 1, "d"),),
    ),
    "processes": Study(
        "processes",
        f"12 runs of mscale, {WORKERS['steps']} steps each, on {os.cpu_count()} cores",
        lambda _: load_problem("poisson"),
        (1, 2),
        (Method("mscale"),),
        (Slope(1, "mscale", -1, "1/p"),),
        clock="wall seconds",
    ),
}

"""`pdefreq compare`: several methods on one problem."""

from __future__ import annotations

from typing import Annotated

import typer

from pdefreq.commands import options as o
from pdefreq.history import Stop

MethodNames = Annotated[
    list[str], typer.Argument(metavar="METHOD...", help="Methods to compare, named as for --method.", show_default=False)
]


def compare(
    problem: o.ProblemName,
    methods: MethodNames,
    params: o.Params = None,
    steps: o.Steps = None,
    seconds: o.Seconds = None,
    tolerance: o.Tolerance = None,
    stagnation: o.Stagnation = None,
    seeds: o.Seeds = 1,
    threads: o.Threads = 1,
    out: o.Out = None,
    json_output: o.Json = False,
    quiet: o.Quiet = False,
) -> int:
    """Run several methods on a problem and show side by side which frequencies each finds first."""
    solvers = {name: o.load_solver(name, {}) for name in methods}
    raise NotImplementedError

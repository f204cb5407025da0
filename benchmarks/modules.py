"""The cost of a network given as a torch module: ``python benchmarks/modules.py``.

A step with the SIREN of ``docs/examples/modules.py`` is compared with a step of the built-in network of the same architecture, in
processor time (required: at most 2 for the Ritz energy, at most 8 for a residual). The other modules have no built-in
counterpart and are compared with the same network.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from pairs import compare

from pdefreq.core.devices import keep_freed_memory
from pdefreq.iterations.iteration import Iteration
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver

MODULES = Path(__file__).parents[1] / "docs" / "examples" / "modules.py"
BUILT_IN = {"widths": (50, 50, 50), "activation": "sin", "initialization": "siren(10)"}
LOSSES = {
    "Ritz energy, Adam": ({"loss": "ritz", "optimizer": "adam"}, 2),
    "residual, Adam": ({"loss": "residual", "optimizer": "adam"}, 8),
    "residual, Gauss-Newton": ({"loss": "residual", "optimizer": "gauss-newton", "number": 600}, 8),
}


def stepping(problem: str, options: dict[str, object]) -> Iteration:
    """The prepared iteration of a method."""
    method = make_solver("network", options)
    return method.prepare(load_problem(problem).blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)


def ratio(problem: str, loss: dict[str, object], name: str) -> tuple[float, float]:
    """The ratio of processor times of a step, and the time of a step with the module in seconds."""
    runs = [stepping(problem, loss | network) for network in ({"network": f"{MODULES}:{name}"}, BUILT_IN)]
    module, built_in = ((iteration, iteration.init()) for iteration in runs)
    cost = compare(lambda: module[0].step(module[1]), lambda: built_in[0].step(built_in[1]), repeats=7)
    return cost.ratio, cost.work


def main(names: list[str]) -> None:
    """Print one line for each module, problem and loss."""
    torch.set_num_threads(1)
    keep_freed_memory()
    for name in names:
        for problem in ("poisson", "perforated"):
            for label, (loss, most) in LOSSES.items():
                found, seconds = ratio(problem, loss, name)
                limit = f"at most {most}" if name == "Siren" else ""
                print(f"{name:13s} {problem:11s} {label:23s} {found:5.2f} x built-in, {1e3 * seconds:6.1f} ms a step  {limit}")


if __name__ == "__main__":
    main(sys.argv[1:] or ["Siren", "ChebyshevKan", "Transformer"])

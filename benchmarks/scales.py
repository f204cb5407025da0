"""Scales of `mscale` chosen by the spectrum of the data against scales by hand: ``python benchmarks/scales.py [PROBLEM...]``.

For each problem the table has the scales that ``scales=auto`` chooses before training, the number of those that are added during
training, and the relative L2 error after a number of processor seconds, beside the best of three sets that are given by hand.
Seed 0, float64, one thread. Problems whose solution is not known exactly have their choice listed without errors.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from benchmarks.peers.clock import Clock
from pdefreq import load_problem, make_solver
from pdefreq.core.errors import UserError
from pdefreq.domains.frame import Frame
from pdefreq.parts.mscale import Mscale
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.target import Target
from pdefreq.problem.files import problem_names
from pdefreq.spectrum.data_spectrum import SpectralData

BY_HAND = ("[1,2,4]", "[1,2,4,8,16,32]", "[1,2,4,8,16,32,64,128]")


def chosen(name: str) -> str:
    """The scales that are chosen before training."""
    problem = load_problem(name).blind()
    part = Mscale(scales="auto").resolved(problem.periodic_axes)
    network, _ = part.settled(SpectralData(problem), Frame.of(problem.domain))
    assert isinstance(network, Mscale)
    return f"1 to {network._known_scales[-1]:g}"


def error(name: str, scales: str, seconds: float) -> tuple[float, int]:
    """The error after a number of processor seconds of training, and the number of added scales."""
    problem = load_problem(name)
    clock = Clock(Target(problem, problem.exact), seconds)
    iteration = make_solver(f"mscale:scales={scales}").prepare(
        problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state = iteration.init()
    while not clock.is_over:
        state = iteration.step(state)
    clock.record(lambda x: Iterate.of_state(state).values(torch.from_numpy(x)))
    return clock.curve[-1][1], len(state.memory.get("added_octaves", ()))


def main() -> None:
    """Print the table in Markdown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("problems", nargs="*", default=[name for name, _ in problem_names()])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each training; 0 prints the choices only")
    given = parser.parse_args()
    torch.set_num_threads(1)
    print("| problem | `auto` | added | error | best by hand | error |\n|---|---|---|---|---|---|")
    for name in given.problems:
        try:
            cells = [chosen(name), "", "", "", ""]
            if given.seconds and load_problem(name).exact is not None:
                found, added = error(name, "auto", given.seconds)
                best, scales = min((error(name, each, given.seconds)[0], each) for each in BY_HAND)
                cells[1:] = [str(added), f"{found:.1e}", f"`{scales}`", f"{best:.1e}"]
        except UserError as reason:
            print(f"{name}: {reason}", file=sys.stderr)
            continue
        print(f"| `{name}` |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()

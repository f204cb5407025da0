"""Times on a GPU beside those on the CPU: ``python benchmarks/gpu.py [NAME ...] [--repeats N] [--seeds N]``.

- The time of a step of `mscale` and of `gauss-newton` with 5,251 parameters on the 2-D chirp, and of the tangent kernel of four
  layers of 1000 units at 1000 points, on the CPU and on each GPU.
- The time of a step that is replayed as a CUDA graph, and that of a plain step, for `mscale` in 2-D.
- The time of a step of a batch of seeds, that of a step of one seed, and that of all seeds one by one, in 1-D and 2-D.

Without a GPU, the rows of the CPU are printed. Times are medians of the elapsed times of steps, of which the first ones are not
counted. The processor time is printed as well; other programs on the machine affect it little.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import time
from collections.abc import Callable

import torch

from pdefreq import load_problem
from pdefreq.core.devices import devices, keep_freed_memory
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.iterations.iteration import Iteration
from pdefreq.iterations.training.seed_batch import SeedBatch
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.trial_space import Evaluator
from pdefreq.theory.ntk import kernel

FIRST = 3  # steps that are not counted
GAUSS_NEWTON = "pinn:optimizer=gauss-newton,boundary=penalty,widths=[70,70],number=6000"  # 5,251 parameters
Times = tuple[float, float]


def prepared(problem: str, method: str, device: str, seed: int = 0) -> Iteration:
    """A method on a problem."""
    name, _, dimension = problem.partition(":")
    subject = load_problem(name, dimension=int(dimension)) if dimension else load_problem(name)
    solver = make_solver(method)
    return solver.prepare(subject.blind(), seed=seed, device=torch.device(device), dtype=torch.float64)


def timed(step: Callable[[], object], device: str, repeats: int) -> Times:
    """The median wall time and processor time of a step."""
    found = []
    for _ in range(FIRST + repeats):
        began = time.perf_counter(), time.process_time()
        step()
        if device != "cpu":
            torch.cuda.synchronize(torch.device(device))
        found.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    wall, own = zip(*found[FIRST:], strict=True)
    return statistics.median(wall), statistics.median(own)


def of_steps(iteration: Iteration, device: str, repeats: int) -> Times:
    """The times of the steps of an iteration."""
    states = [iteration.init()]
    return timed(lambda: states.append(iteration.step(states.pop())), device, repeats)


def steps(repeats: int) -> None:
    """Steps and a tangent kernel on each device."""
    for device in devices():
        for name, problem, method in (
            ("mscale, 2-D", "poisson-chirp:2", "mscale"),
            ("gauss-newton, 5,251 parameters", "poisson-chirp:2", GAUSS_NEWTON),
        ):
            _print(f"{name}, {device}", of_steps(prepared(problem, method, device), device, repeats))
        space, like = MlpSpace(Box((-1.0,), (1.0,)), (1000,) * 4, "tanh"), torch.empty(0, device=device, dtype=torch.float64)
        c, x = space.initialize(stream(0, "network")).to(like), torch.linspace(-1, 1, 1000, dtype=torch.float64)[:, None].to(like)
        work = functools.partial(_kernel, space.at(x), c)
        _print(f"tangent kernel, 4 x 1000, {device}", timed(work, device, 1))


def _kernel(evaluator: Evaluator, c: torch.Tensor) -> torch.Tensor:
    return kernel(evaluator.jacobian_factors(c))


def capture(repeats: int) -> None:
    """Captured steps and plain steps of `mscale` in 2-D on each GPU."""
    if len(devices()) == 1:
        print("captured steps: no GPU here")
    for device in devices()[1:]:
        plain, captured = (
            of_steps(prepared("poisson-chirp:2", f"mscale:capture={text}", device), device, repeats) for text in ("false", "true")
        )
        print(f"captured step, mscale 2-D, {device}: {plain[0] / captured[0]:.2f} times faster   (asked: at least 3)")


def batches(repeats: int, seeds: int) -> None:
    """A batch of seeds on each device."""
    for device in devices():
        for name, problem in (("1-D", "poisson"), ("2-D", "poisson-chirp:2")):
            members = [prepared(problem, "mscale", device, seed) for seed in range(seeds)]
            one = of_steps(members[0], device, repeats)
            batch, states = SeedBatch(members), [[member.init() for member in members]]
            numbers = range(seeds)

            def step(batch: SeedBatch = batch, states: list = states, numbers: range = numbers) -> None:
                states.append(batch.step(numbers, states.pop()))

            together = timed(step, device, repeats)
            _print(f"one seed, mscale {name}, {device}", one)
            _print(f"a batch of {seeds}, mscale {name}, {device}", together)
            ratio = together[device == "cpu"] / one[device == "cpu"]
            asked = "" if device == "cpu" else "   (asked: at most 2)"
            print(f"  {ratio:.2f} times the time of one seed, {seeds / ratio:.2f} times faster than one by one{asked}")


def _print(name: str, times: Times) -> None:
    print(f"{name:48s} {1e3 * times[0]:10.2f} ms   processor {1e3 * times[1]:10.2f} ms", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=["steps", "capture", "batches"], default=["steps", "capture", "batches"])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    keep_freed_memory()
    for name in given.names:
        if name == "batches":
            batches(given.repeats, given.seeds)
        else:
            {"steps": steps, "capture": capture}[name](given.repeats)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, {given.threads} threads")


if __name__ == "__main__":
    main()

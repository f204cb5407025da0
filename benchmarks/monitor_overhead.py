"""The processor time of a `Monitor` in the training loop of DeepXDE, relative to that of the training.

    python benchmarks/monitor_overhead.py [--steps 2000] [--runs 3] [--share inf]

DeepXDE (PyTorch back end, float64) trains a network with three layers of 50 neurons on `poisson`, with 200 points, by its own
`Model.train`. A callback measures at steps 0 to 100 and then at 50 in each factor of ten, the default schedule. The processor
seconds inside the callback, the first measurement included, are divided by the other processor seconds of `Model.train`, on one
thread. With ``--share inf`` every step of the schedule is recorded; the default of `Monitor` is 0.1 of the elapsed time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from typing import Any

os.environ.setdefault("DDE_BACKEND", "pytorch")

import numpy as np
import torch

import pdefreq
from pdefreq.integrations.deepxde import MonitorCallback

torch.set_num_threads(1)


class Timed(MonitorCallback):
    """A callback that adds up its processor seconds."""

    spent = 0.0

    def _measure(self, *, last: bool) -> None:
        start = time.process_time()
        super()._measure(last=last)
        self.spent += time.process_time() - start


def trained(steps: int, share: float, seed: int) -> tuple[float, Any]:
    """The ratio of one run, and the monitor."""
    import deepxde as dde  # pyright: ignore[reportMissingImports]

    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    problem = pdefreq.load_problem("poisson")
    source = lambda x: np.asarray(problem.source(torch.from_numpy(x)))[:, None]  # noqa: E731
    geometry = dde.geometry.Interval(-1, 1)
    data = dde.data.PDE(geometry, lambda x, u, f: -dde.grad.hessian(u, x) - f, [], 200, 2, auxiliary_var_function=source)
    network = dde.nn.FNN([1, 50, 50, 50, 1], "tanh", "Glorot normal")
    network.apply_output_transform(lambda x, u: (1 - x**2) * u)
    model = dde.Model(data, network)
    model.compile("adam", lr=1e-3)
    monitor = pdefreq.Monitor("poisson", label="DeepXDE", share=share)
    callback = Timed(monitor)
    start = time.process_time()
    model.train(iterations=steps, display_every=steps, callbacks=[callback], verbose=0)
    return callback.spent / (time.process_time() - start - callback.spent), monitor


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--share", type=float, default=float("inf"))
    options = parser.parse_args()
    ratios = []
    for seed in range(options.runs):
        ratio, monitor = trained(options.steps, options.share, seed)
        ratios.append(ratio)
        error = monitor.history.last("relative_l2")
        print(f"seed {seed}: {ratio:.3f}, {len(monitor.history)} records, relative L2 error {error:.2g}", flush=True)
    print(f"median of the ratios of processor seconds: {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()

"""DeepXDE with the PyTorch backend: Adam for half of the time, then L-BFGS, in float64; boundary values by a penalty of 100."""

from __future__ import annotations

import os
from collections.abc import Callable

os.environ["DDE_BACKEND"] = "pytorch"
import deepxde as dde  # pyright: ignore[reportMissingImports]
import numpy as np
import torch

from benchmarks.peers.clock import Clock, Curve, MonitorClock
from benchmarks.peers.requirements import require_poisson
from pdefreq import Monitor, Problem, Stop
from pdefreq.core.streams import stream
from pdefreq.probes.target import Target

_NUMBER = {1: 1000, 2: 4000, 3: 8000}  # points inside, by dimension
_PENALTY, _RATE, _LAYERS = 100.0, 1e-3, [64, 64, 64]
_SIGMAS, _FEATURES = (1.0, 10.0), 64  # of Fourier features: Wang, Wang, Perdikaris (2020), arXiv 2012.10047


def curve(target: Target, seconds: float, seed: int, *, fourier: bool = False) -> Curve:
    """The error of a tanh network with three layers of 64 units, with Fourier features of the coordinates if `fourier`."""
    clock = Clock(target, seconds)
    _train(target.problem, clock, seconds, seed, fourier=fourier)
    return clock.curve


def tanh(problem: Problem, monitor: Monitor, stop: Stop, seed: int) -> None:
    """The tanh network as an adapter of ``pdefreq benchmark``, within a budget of seconds."""
    seconds = _seconds(stop)
    _train(problem, MonitorClock(monitor, seconds), seconds, seed)


def fourier(problem: Problem, monitor: Monitor, stop: Stop, seed: int) -> None:
    """The network with Fourier features as an adapter of ``pdefreq benchmark``, within a budget of seconds."""
    seconds = _seconds(stop)
    _train(problem, MonitorClock(monitor, seconds), seconds, seed, fourier=True)


def _seconds(stop: Stop) -> float:
    seconds = stop.train_seconds or stop.seconds
    if seconds is None:
        raise ValueError("this adapter needs a budget of seconds")
    return seconds


def _train(problem: Problem, clock: Clock | MonitorClock, seconds: float, seed: int, *, fourier: bool = False) -> None:
    require_poisson(problem, "DeepXDE")
    dde.config.set_default_float("float64")
    dde.config.set_random_seed(seed)
    domain, d, c = problem.domain, problem.domain.dimension, problem.reaction.constant
    inside = domain.interior(_NUMBER[d], stream(seed, "deepxde")).x
    edge = domain.boundary(max(2, _NUMBER[d] // 4), stream(seed, "deepxde boundary")).x
    known: dict[int, torch.Tensor] = {}  # the source at the points, which do not change

    def residual(x: torch.Tensor, u: torch.Tensor) -> torch.Tensor:
        if len(x) not in known:
            known[len(x)] = problem.source(x.detach())[:, None]
        laplacian = sum(dde.grad.hessian(u, x, i=k, j=k) for k in range(d))
        return -laplacian + c * u - known[len(x)]

    box = dde.geometry.Hypercube(*domain.bounds) if d > 1 else dde.geometry.Interval(*(end[0] for end in domain.bounds))
    assert problem.dirichlet is not None
    condition = dde.icbc.PointSetBC(edge.numpy(), problem.dirichlet(edge)[:, None].numpy())
    data = dde.data.PDE(box, residual, [condition], num_domain=0, num_boundary=0, anchors=inside.numpy())
    network = dde.nn.FNN([2 * _FEATURES * len(_SIGMAS) if fourier else d, *_LAYERS, 1], "tanh", "Glorot normal")
    if fourier:
        waves = torch.cat([sigma * torch.randn(d, _FEATURES) for sigma in _SIGMAS], dim=1)
        network.apply_feature_transform(lambda x: torch.cat([torch.sin(x @ waves), torch.cos(x @ waves)], dim=1))
    model = dde.Model(data, network)
    model.compile("adam", lr=_RATE, loss_weights=[1.0, _PENALTY], verbose=0)
    model.train(iterations=10**7, callbacks=[_Until(clock, seconds / 2, model.predict)], display_every=10**9, verbose=0)
    dde.optimizers.set_LBFGS_options(maxiter=10**7)
    dde.optimizers.config.LBFGS_options["iter_per_step"] = 5
    dde.optimizers.config.LBFGS_options["fun_per_step"] = 7
    model.compile("L-BFGS", loss_weights=[1.0, _PENALTY], verbose=0)
    model.train(callbacks=[_Until(clock, seconds, model.predict)], display_every=10**9, verbose=0)
    clock.record(model.predict)


class _Until(dde.callbacks.Callback):
    """Measures errors and stops a training at a time."""

    def __init__(self, clock: Clock | MonitorClock, seconds: float, predict: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__()
        self._clock, self._seconds, self._predict = clock, seconds, predict

    def on_epoch_end(self) -> None:
        self._clock.tick(self._predict)
        self.model.stop_training = self._clock.seconds >= self._seconds

"""FastLSQ: one least-squares solve over sines with random frequencies, whose scale its own search selects.

The search compares the solutions of each scale with the exact solution, so that it knows more than a user has.
"""

from __future__ import annotations

import numpy as np
import torch
from fastlsq import solve_linear  # pyright: ignore[reportMissingImports]

from benchmarks.peers.clock import Clock, Curve, MonitorClock
from benchmarks.peers.requirements import require_poisson
from pdefreq import Monitor, Problem, Stop
from pdefreq.core.streams import stream
from pdefreq.probes.target import Target

_PENALTY = 100.0  # factor of the boundary rows, as in the examples of the package
_SIZES = (300, 500, 1000)  # features in each of three blocks; 500 is the default


def curve(target: Target, seconds: float, seed: int) -> Curve:
    """The error for growing numbers of features, each with its own search for the scale, which is part of the time."""
    found: Curve = []
    for size in _SIZES:
        clock = Clock(target, seconds)
        _solve(target, clock, size, seed)
        found += clock.curve
        if clock.is_over:
            break
    return found


def fastlsq(problem: Problem, monitor: Monitor, stop: Stop, seed: int) -> None:  # noqa: ARG001 (as for all adapters)
    """One solve with 900 features as an adapter of ``pdefreq benchmark``. The search sees the solution: see above."""
    _solve(monitor.target, MonitorClock(monitor, stop.train_seconds or stop.seconds or 1e9), _SIZES[0], seed)


def _solve(target: Target, clock: Clock | MonitorClock, size: int, seed: int) -> None:
    require_poisson(target.problem, "FastLSQ")
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the package draws from the global generators)
    told = solve_linear(_Equation(target, seed), hidden_size=size, return_metrics=False, verbose=False)
    clock.record(lambda x: told["u_fn"](torch.from_numpy(x)).detach().numpy())


class _Equation:
    """-lap u + c u = f with prescribed values, in the form that the package expects."""

    def __init__(self, target: Target, seed: int) -> None:
        self._problem, self.dim, self._draws = target.problem, target.problem.domain.dimension, stream(seed, "fastlsq")
        assert self._problem.exact is not None and self._problem.dirichlet is not None

    def exact(self, x: torch.Tensor) -> torch.Tensor:
        return self._problem.exact(x)[:, None]  # pyright: ignore[reportOptionalCall]

    def exact_grad(self, x: torch.Tensor) -> torch.Tensor:
        return self._problem.exact.gradient(x)  # pyright: ignore[reportOptionalMemberAccess]

    def get_train_data(self, n_pde: int, n_bc: int) -> tuple:
        x = self._problem.domain.interior(n_pde, self._draws).x
        edge = self._problem.domain.boundary(n_bc, self._draws).x
        return x, [(edge, self._problem.dirichlet(edge)[:, None])], self._problem.source(x)[:, None]  # pyright: ignore

    def build(self, solver: object, x: torch.Tensor, conditions: list, source: torch.Tensor) -> tuple:
        basis = solver.basis  # pyright: ignore[reportAttributeAccessIssue]
        cache = basis.cache(x)
        rows = -basis.laplacian(x, cache=cache)
        if c := self._problem.reaction.constant:
            rows = rows + c * basis.evaluate(x, cache=cache)
        edges = [_PENALTY * basis.evaluate(edge) for edge, _ in conditions]
        return torch.cat([rows, *edges]), torch.cat([source, *(_PENALTY * values for _, values in conditions)])

    def get_test_points(self, n: int) -> torch.Tensor:
        return self._problem.domain.interior(n, self._draws).x

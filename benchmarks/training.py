"""Comparison of training steps with other implementations: ``python benchmarks/training.py``.

Each line compares one step, derivatives of the loss and Adam's update, of the same network at the same points with the same
loss, in float64 with one thread; both are run in turn, and ratios are medians over the pairs. Before the measurement, the
losses of both at the same parameters are compared: they must agree up to rounding.

- ``pinn`` and DeepXDE (PyTorch): -lap u = 1 on a cube, zero boundary values by a penalty, tanh 64-64-64, 1000 points
  inside and 100 on the boundary (2 in one dimension). The step of DeepXDE is the function that its `Model` calls in each
  iteration, without callbacks, tests and printing.
- ``deep-ritz`` and plain reverse mode: the energy of -lap u = 1 on the same cubes, by torch modules,
  ``autograd.grad(..., create_graph=True)`` and `torch.optim.Adam`; here without boundary terms.
- ``mscale`` and a loop over its sub-networks: the same with 6 sub-networks of 30-30-30 units, sine, in one dimension, from few
  points, where function calls dominate, to many points, where arithmetic does. The last line is a lower bound of such a step:
  the matrix products between hidden layers, and the sines and cosines.

Freed memory is kept for the next step on both sides, as on the command line (`pdefreq.core.devices.keep_freed_memory`).

DeepXDE is not a dependency; if it is not installed, its lines are omitted with a note on its installation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from pairs import Cost, compare
from torch import Tensor, nn

from pdefreq.core.devices import keep_freed_memory
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.samples import Samples
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.objective_schedule import ConstantSchedule
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.iterations.training.steppers import AdamStepper, LearningRate
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace

if TYPE_CHECKING:
    from pdefreq.spaces.trial_space import Network

WIDTHS, SCALES, POINTS, RATE = (64, 64, 64), (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), 1000, 1e-3
PART_WIDTHS = (30, 30, 30)  # of each sub-network
NUMBERS = (30, 100, 300, POINTS)  # numbers of points for these
ASKED = {1: 1.3, 2: 1.5, 5: 2.0, 10: 2.5}  # required ratio of DeepXDE's step to ours, by dimension
STEPS = 5  # per timing: a single step of 2 ms is too short for the CPU clock
REPEATS = 21
DOUBLE = torch.float64


def problem_on(d: int) -> Problem:
    """-lap u = 1 on (-1, 1)^d, zero on the boundary."""
    return Problem(domain=Box((-1.0,) * d, (1.0,) * d), source=1.0, boundary=0.0)  # pyright: ignore[reportArgumentType]


def steps_of(space: Network, functional: Functional) -> tuple[Callable[[], object], Tensor]:
    """A function that takes several steps with this package, and the coefficients that it changes in place."""
    iteration = TrainingIteration(
        space, ConstantSchedule(functional), AdamStepper(LearningRate(RATE)), seed=0, like=torch.empty(0, dtype=DOUBLE)
    )
    state = iteration.init()

    def run() -> None:
        nonlocal state
        for _ in range(STEPS):
            state = iteration.step(state)

    return run, state.coefficients


def copied(space: Network, c: Tensor, modules: Sequence[nn.Linear]) -> None:
    """Copy the coefficients to the linear modules of one plain network, or of all sub-networks in sequence."""
    parameters = space.unflatten(c)
    depth = len(space.widths) + 1  # pyright: ignore[reportAttributeAccessIssue]
    with torch.no_grad():
        for number, module in enumerate(modules):
            part, layer = divmod(number, depth)
            module.weight.copy_(parameters[f"weight{layer + 1}"][part])
            bias = parameters[f"bias{layer + 1}"]
            if layer + 1 < depth:
                module.bias.copy_(bias[part, :, 0])
            elif module.bias is not None:
                module.bias.copy_(bias)


def require_equal(ours: float, theirs: float) -> None:
    """Raise an error if the two losses differ."""
    if abs(ours - theirs) > 1e-12 * max(1.0, abs(ours)):
        raise SystemExit(f"the losses differ, {ours!r} and {theirs!r}: the comparison would mean nothing")


# DeepXDE


def against_deepxde(d: int, dde: Any) -> Cost:
    """The cost of a step of DeepXDE relative to ours, for the strong residual."""
    problem, like = problem_on(d), torch.empty(0, dtype=DOUBLE)
    interior = problem.domain.interior(POINTS, stream(0, "points"))
    edge = problem.domain.boundary(100, stream(0, "boundary points"))
    measure, perimeter = float(interior.weights.sum()), float(edge.weights.sum())
    space = MlpSpace(problem.domain, WIDTHS)
    # As means: int r^2 / |Omega| + int_boundary u^2 / |boundary|.
    functional = StrongResidual(problem, space, interior, edge, beta=measure / perimeter, like=like)
    ours, c = steps_of(space, functional)
    model = deepxde_model(d, dde, interior, edge)
    copied(space, c, model.net.linears)
    inputs, targets, auxiliary = model.train_state.X_train, model.train_state.y_train, model.train_state.train_aux_vars
    losses = model.outputs_losses_train(inputs, targets, auxiliary)[1]
    require_equal(float(functional.value(c)) / measure, float(losses.detach().sum()))

    def theirs() -> None:
        for _ in range(STEPS):
            model._train_step(inputs, targets, auxiliary)

    return compare(theirs, ours, REPEATS)


def deepxde_model(d: int, dde: Any, interior: Samples, edge: Samples) -> Any:
    """The same residual at the same points, with a condition at the boundary points."""

    def equation(x: Tensor, u: Tensor) -> Tensor:
        laplacian = dde.grad.hessian(u, x, i=0, j=0)
        for k in range(1, d):
            laplacian = laplacian + dde.grad.hessian(u, x, i=k, j=k)
        return -laplacian - 1

    box = dde.geometry.Interval(-1, 1) if d == 1 else dde.geometry.Hypercube([-1] * d, [1] * d)
    zero = dde.icbc.PointSetBC(edge.x.numpy(), 0.0)
    data = dde.data.PDE(box, equation, zero, anchors=interior.x.numpy())
    model = dde.Model(data, dde.nn.FNN([d, *WIDTHS, 1], "tanh", "Glorot uniform"))
    model.compile("adam", lr=RATE, verbose=0)
    model.train_state.set_data_train(*data.train_next_batch())
    return model


def load_deepxde() -> Any | None:
    """The package with its PyTorch backend in float64, or None if it is not installed."""
    os.environ["DDE_BACKEND"] = "pytorch"
    try:
        import deepxde  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        print(f"without DeepXDE, as {error.name} is missing: install it with `pip install deepxde`, torch stays as it is")
        return None
    deepxde.config.set_default_float("float64")
    return deepxde


# Plain torch


class Sine(nn.Module):
    """The sine as a module."""

    def forward(self, x: Tensor) -> Tensor:
        """The sine of each entry."""
        return torch.sin(x)


class Loop(nn.Module):
    """The sum of sub-networks of scaled inputs, evaluated in a loop."""

    def __init__(self, scales: Sequence[float], widths: Sequence[int], d: int, activation: type[nn.Module]) -> None:
        super().__init__()
        self.scales, fans = scales, [d, *widths]
        self.parts = nn.ModuleList()
        for number, _ in enumerate(scales):
            layers: list[nn.Module] = []
            for a, b in zip(fans, fans[1:], strict=False):
                layers += [nn.Linear(a, b, dtype=DOUBLE), activation()]
            layers.append(nn.Linear(fans[-1], 1, bias=number == 0, dtype=DOUBLE))  # one output bias for the sum
            self.parts.append(nn.Sequential(*layers))

    def forward(self, x: Tensor) -> Tensor:
        """Points ``(n, d)`` to values ``(n, 1)``."""
        return torch.stack([part(scale * x) for scale, part in zip(self.scales, self.parts, strict=True)]).sum(dim=0)


class Plain(Loop):
    """A single network."""

    def forward(self, x: Tensor) -> Tensor:
        """Points ``(n, d)`` to values ``(n, 1)``."""
        return self.parts[0](x)


def against_modules(space: MlpSpace | MscaleSpace, network: Loop, points: int = POINTS) -> Cost:
    """The cost of a step of torch modules relative to ours, for the energy int |grad u|^2 / 2 - u."""
    problem = problem_on(space.domain.dimension)
    interior = problem.domain.interior(points, stream(0, "points"))
    functional = RitzEnergy(problem, space, interior, like=torch.empty(0, dtype=DOUBLE))
    ours, c = steps_of(space, functional)
    copied(space, c, [module for module in network.modules() if isinstance(module, nn.Linear)])
    x, weights = interior.x.clone().requires_grad_(True), interior.weights
    optimizer = torch.optim.Adam(network.parameters(), RATE)

    def energy() -> Tensor:
        u = network(x)
        (gradient,) = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)
        return (weights * (gradient.square().sum(dim=1) / 2 - u[:, 0])).sum()

    require_equal(float(functional.value(c)), float(energy().detach()))

    def theirs() -> None:
        for _ in range(STEPS):
            optimizer.zero_grad()
            energy().backward()
            optimizer.step()

    return compare(theirs, ours, REPEATS)


def floor() -> Cost:
    """The cost of the matrix products and of the sines and cosines of a step of the energy on the sub-networks, times `STEPS`.

    Between two hidden layers there are a product with W forward and one backward, for values and for tangents, and two for the
    gradient in W.
    """
    stack, width, depth = len(SCALES), PART_WIDTHS[0], len(PART_WIDTHS)
    weight = torch.randn(stack, width, width, dtype=DOUBLE)
    blocks = [torch.randn(stack, width, n, dtype=DOUBLE) for n in (POINTS // 2,) * 2]
    out = [torch.empty_like(block) for block in blocks]

    def products() -> None:
        for _ in range(STEPS * (depth - 1)):
            for block, result in zip(blocks, out, strict=True):
                for _ in range(4):
                    torch.bmm(weight, block, out=result)
                for _ in range(2):
                    torch.bmm(block, result.mT)

    def waves() -> None:
        for _ in range(STEPS * depth):
            for block, result in zip(blocks, out, strict=True):
                torch.sin(block, out=result)
                torch.cos(block, out=result)

    return compare(products, waves, REPEATS)


def line(what: str, cost: Cost, asked: float) -> None:
    """Print one comparison."""
    ours, theirs = 1e3 * cost.unit / STEPS, 1e3 * cost.work / STEPS
    print(
        f"{what:42s} {ours:7.2f} {theirs:7.2f} {cost.ratio:6.2f} {cost.wall_ratio:6.2f} {asked:6.1f}"
        f"  {'yes' if cost.ratio >= asked else 'NO'}",
        flush=True,
    )


def main() -> None:
    """Print one line for each comparison."""
    torch.set_num_threads(1)
    keep_freed_memory()
    dde = load_deepxde()
    print(f"{'':42s} {'ours':>7s} {'theirs':>7s} {'ratio':>6s} {'wall':>6s} {'asked':>6s}  reached")
    print(f"{'processor time of a step':42s} {'ms':>7s} {'ms':>7s}")
    for d, asked in ASKED.items() if dde else ():
        line(f"DeepXDE, pinn, d = {d}", against_deepxde(d, dde), asked)
    for d in ASKED:
        box = Box((-1.0,) * d, (1.0,) * d)
        line(f"reverse mode, Ritz, d = {d}", against_modules(MlpSpace(box, WIDTHS), Plain((1.0,), WIDTHS, d, nn.Tanh)), 1.0)
    segment = Box((-1.0,), (1.0,))
    for points in NUMBERS:
        ours, theirs = MscaleSpace(segment, SCALES, PART_WIDTHS, activation="sin"), Loop(SCALES, PART_WIDTHS, 1, Sine)
        line(f"loop over 6 sub-networks, {points} points", against_modules(ours, theirs, points), 3.0)
    least = floor()
    products, waves = (1e3 * t / STEPS for t in (least.work, least.unit))
    print(f"its floor with {POINTS} points: {products:.2f} ms of products and {waves:.2f} ms of sines and cosines, in both steps")


if __name__ == "__main__":
    main()

"""The cost of the parts of a network, as ratios within one run: ``python benchmarks/networks.py``.

- each activation compared with the sine: value, slope and backward pass, as in a training step (required: at most 2);
- the batched product of a multiscale network compared with a loop over its sub-networks;
- a Ritz step of the network compared with the evaluation of its energy;
- value, gradient, Laplacian and their backward pass compared with nested ``autograd.grad`` of the same network, d = 1, 2, 5, 10;
- S : D^2 u with a matrix S at each point compared with the Laplacian, without and with the backward pass to the weights;
- the Jacobian of a residual at all points compared with ``vmap(jacrev)``.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from pairs import compare
from torch.func import hessian, jacrev, vmap

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.trial_space import Evaluator

DOUBLE = torch.float64


def ratio(work: Callable[[], object], unit: Callable[[], object]) -> float:
    """Median of work / unit in wall time."""
    return compare(work, unit).wall_ratio


def activation_pass(name: str, shape: tuple[int, ...]) -> Callable[[], object]:
    """Value and slope, followed by their backward pass."""
    a = torch.randn(shape, generator=stream(0, "benchmark"), dtype=DOUBLE).requires_grad_(True)

    def run() -> object:
        value, slope = activation_named(name).jet(a, 1)
        return torch.autograd.grad((value * slope).sum(), a)

    return run


def network_pass(space: MscaleSpace, x: torch.Tensor) -> Callable[[], object]:
    """Value and gradient in x, followed by the gradient in the weights."""
    evaluator, c = space.at(x), space.initialize(stream(0, "initialization")).requires_grad_(True)

    def run() -> object:
        u, gradient = evaluator.value_and_gradient(c)
        return torch.autograd.grad(u.square().sum() + gradient.square().sum(), c)

    return run


def plain(space: MlpSpace, c: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
    """A plain implementation of the network, ``(n, d)`` to ``(n,)``."""
    p, h = space.unflatten(c), x
    last = len(space.widths) + 1
    for layer in range(1, last):
        h = torch.tanh(h @ p[f"weight{layer}"][0].T + p[f"bias{layer}"][0].T)
    return (h @ p[f"weight{last}"][0].T)[:, 0] + p[f"bias{last}"]


def residual_passes(space: MlpSpace, x: torch.Tensor) -> tuple[Callable[[], object], Callable[[], object]]:
    """The gradient in c of the sum of (lap u)^2 + |grad u|^2 + u^2, by channels and by nested reverse passes."""
    c = space.initialize(stream(0, "initialization")).requires_grad_(True)
    evaluator, points = space.at(x), x.clone().requires_grad_(True)

    def slope(u: torch.Tensor, gradient: torch.Tensor, laplacian: torch.Tensor) -> object:
        return torch.autograd.grad(u.square().sum() + gradient.square().sum() + laplacian.square().sum(), c)

    def nested() -> object:
        u = plain(space, c, points)
        (gradient,) = torch.autograd.grad(u.sum(), points, create_graph=True)
        seconds = [torch.autograd.grad(gradient[:, k].sum(), points, create_graph=True)[0][:, k] for k in range(x.shape[1])]
        return slope(u, gradient, torch.stack(seconds).sum(dim=0))

    return lambda: slope(*evaluator.second_order(c)), nested


def jacobian_passes(space: MlpSpace, x: torch.Tensor) -> tuple[Callable[[], object], Callable[[], object]]:
    """Derivatives in c of -lap u + u at each point, from the factors of the layers and by `torch.func`."""
    c, one = space.initialize(stream(0, "initialization")), torch.ones(len(x), dtype=DOUBLE)
    evaluator = space.at(x)

    def residual(c: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
        def u(y: torch.Tensor) -> torch.Tensor:
            return plain(space, c, y[None])[0]

        return u(point) - hessian(u)(point).diagonal().sum()

    return lambda: evaluator.jacobian(c, value=one, second=-one), lambda: vmap(jacrev(residual), (None, 0))(c, x)


def matrix_passes(space: MlpSpace, x: torch.Tensor) -> list[tuple[Callable[[], object], Callable[[], object]]]:
    """`second_order` and `vjp` with a matrix S, each paired with the same operation for the Laplacian."""
    c, (n, d) = space.initialize(stream(0, "initialization")), x.shape
    root = torch.randn(n, d, d, generator=stream(0, "benchmark"), dtype=DOUBLE)
    plain = space.at(x)
    bound = plain.with_second(root + root.mT)

    def back(evaluator: Evaluator) -> object:
        u, pull_back = evaluator.vjp(c, 2)
        return pull_back(u)

    return [
        (lambda: bound.second_order(c), lambda: plain.second_order(c)),
        (lambda: back(bound), lambda: back(plain)),
    ]


def main() -> None:
    """Print one line for each ratio."""
    torch.set_num_threads(1)
    for shape in ((6, 1000, 30), (20_000, 180)):
        for name in ("ricker(0.3)" if each == "ricker" else each for each in ACTIVATIONS):
            against_sine = ratio(activation_pass(name, shape), activation_pass("sin", shape))
            print(f"activation {name:10s} {shape!s:16s} {against_sine:.2f} x sine")
    scales, box = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0), Box((-1.0,), (1.0,))
    x = box.quadrature(1000).x
    whole = network_pass(MscaleSpace(box, scales, (30, 30, 30)), x)
    parts = [network_pass(MscaleSpace(box, (scale,), (30, 30, 30)), x) for scale in scales]
    print(f"loop over 6 sub-networks  {ratio(lambda: [part() for part in parts], whole):.2f} x one batched product")
    iteration = make_solver("mscale").prepare(load_problem("poisson").blind(), seed=0, device=torch.device("cpu"), dtype=DOUBLE)
    state = iteration.init()
    against_energy = ratio(lambda: iteration.step(state), lambda: iteration.objective(state))
    print(f"Ritz step                 {against_energy:.2f} x its energy alone")
    for d in (1, 2, 5, 10):
        cube = Box((-1.0,) * d, (1.0,) * d)
        channels, nested = residual_passes(MlpSpace(cube, (64, 64, 64)), cube.interior(1000, stream(0, "points")).x)
        print(f"nested autograd, d = {d:2d}   {ratio(nested, channels):.2f} x second_order with its backward pass")
    for d in (1, 2, 5, 10):
        cube = Box((-1.0,) * d, (1.0,) * d)
        forwards, back = matrix_passes(MlpSpace(cube, (64, 64, 64)), cube.interior(1000, stream(0, "points")).x)
        print(f"matrix S, d = {d:2d}          {ratio(*forwards):.2f} x the Laplacian, {ratio(*back):.2f} x with its derivative")
    for d, widths, number in ((1, (24, 24, 24), 400), (2, (64, 64, 64), 400)):
        cube = Box((-1.0,) * d, (1.0,) * d)
        factors, by_function = jacobian_passes(MlpSpace(cube, widths), cube.interior(number, stream(0, "points")).x)
        print(f"vmap(jacrev), d = {d:2d}      {ratio(by_function, factors):.2f} x jacobian")


if __name__ == "__main__":
    main()

"""Predicted curves of modes against training: the lazy limit, for losses of order 0, 1 and 2."""

import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.iterations.training.linearized import kernel_drift, linearize
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spectrum.modes import ModeFamilies, make_modes
from pdefreq.theory.dynamics import GradientDescentFilter, HeavyBallFilter
from pdefreq.theory.kernel_modes import relative_distance

BOX = Box((-1.0,), (1.0,))
TONES = (1, 2, 3)  # half waves on the interval, each with the amplitude one
LIKE = torch.empty(0, dtype=torch.float64)
LOSSES = {"regression": (0, Misfit), "ritz": (1, RitzEnergy), "residual": (2, StrongResidual)}


def tones(x, weights=(1.0, 1.0, 1.0)):
    return sum(w * torch.sin(k * math.pi / 2 * (x[:, 0] + 1)) for k, w in zip(TONES, weights, strict=True))


def case(loss, width, scale, number=40):
    """An antisymmetric network in NTK scaling, zero on the boundary, and a loss with the scaled tones as its minimizer."""
    order, functional = LOSSES[loss]
    weights = [scale * (k * math.pi / 2) ** 2 if order else scale for k in TONES]  # -u'' = f
    fields = {"diffusion": 1.0, "boundary": (BoundaryPart("dirichlet"),)} if order else {"diffusion": 0.0, "reaction": 1.0}
    problem = Problem(domain=BOX, source=CallableField(lambda x: tones(x, weights)), **fields)
    network = AntisymmetricSpace(MlpSpace(BOX, (width,), "tanh", "ntk"))
    space = HardBoundary(network, CallableField(lambda x: 0 * x[:, 0]), BOX.distance())
    c = space.initialize(stream(0, "initialization"))
    modes = make_modes("sine", BOX, [[k] for k in TONES])
    return space, functional(problem, space, BOX.quadrature(number), like=LIKE), c, modes


def train(space, functional, c, modes, target, rate, steps, momentum=0.0):
    """Amplitudes of the error in gradient descent at the given steps, and the last coefficients."""
    x, c, rows, velocity = modes.points(space), c.clone(), [], torch.zeros_like(c)
    evaluator = space.at(x)
    for step in range(steps[-1] + 1):
        if step in steps:
            with torch.no_grad():
                rows.append(modes.coefficients((evaluator.value(c) - target).numpy(), space))
        velocity = momentum * velocity + functional.gradient(c)
        c -= rate * velocity
    return np.array(rows), c


def compared(loss, width, scale, steps, number=40, momentum=0.0):
    """Largest |measured - predicted| over modes and steps, relative to initial amplitudes, and both sets of curves."""
    space, functional, c, modes = case(loss, width, scale, number)
    target = scale * tones(modes.points(space))
    dynamics = linearize(space, functional, c, modes, target).dynamics()
    rate = 1 / float(dynamics.kappa[0])
    measured, trained = train(space, functional, c, modes, target, rate, steps, momentum)
    method = HeavyBallFilter(rate, momentum) if momentum else GradientDescentFilter(rate)
    predicted = dynamics.errors(method, torch.tensor(steps)).numpy()
    return np.abs(measured - predicted).max() / scale, measured / scale, predicted / scale, (c, trained)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("loss", LOSSES)
def test_smaller_targets_make_training_linear(loss, momentum):
    """An antisymmetric network is zero initially, so that all nonlinear effects are of second order in the target: the relative
    distance of measured and predicted curves is proportional to the target.
    """
    steps = [0, 1, 3, 10, 30, 100]
    distances = [compared(loss, 30, scale, steps, momentum=momentum)[0] for scale in (1e-2, 1e-3, 1e-4)]
    orders = -np.diff(np.log10(distances))
    np.testing.assert_array_less(0.9, orders)  # antisymmetry cancels some second-order terms: orders may be higher
    assert distances[-1] < 1e-3


def test_the_compared_curves_are_not_constant():
    _, measured, predicted, _ = compared("residual", 30, 1e-4, [0, 10, 100])
    np.testing.assert_allclose(predicted[0], -1, atol=1e-10)  # the error of the zero function is minus the target
    assert np.abs(measured[-1] - measured[0]).max() > 0.3


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_width_ten_thousand_stays_within_one_percent(loss):
    """Antisymmetric initialization, NTK scaling, target times 0.01: |measured - predicted| <= 1 % of the initial amplitude of
    each mode until the first mode is below 0.05, and far beyond; the relative change of the parameters is at most 1/1000.
    """
    steps = sorted({0, *np.geomspace(1, 1000, 40).astype(int).tolist()})
    distance, measured, _, (start, end) = compared(loss, 5000, 0.01, steps, number=24)  # two copies of 5000
    assert np.abs(measured[-1, 0]) < 0.05
    assert distance < 0.01
    assert relative_distance(end, start) < 1e-3


@pytest.mark.parametrize("kind", ["sine", "cosine", "fourier"])
def test_the_analysis_matrix_agrees_with_the_transform(kind):
    """In one dimension and in two, where it is a product; a mode that the grid does not resolve has no coefficient."""
    for box, indices in ((BOX, [[1], [4]]), (Box((-1.0, 0.0), (1.0, 3.0)), [[1, 2], [3, 1], [2, 200]])):
        modes = make_modes(kind, box, indices)
        x = modes.points()
        values = torch.randn(len(x), generator=stream(0, "test"), dtype=torch.float64).numpy()
        np.testing.assert_allclose(modes.analysis() @ values, modes.coefficients(values), atol=1e-13)


@pytest.mark.parametrize("kind", ["fourier", "eigen", "neumann", "ray"])
def test_coefficients_of_any_family_follow_from_their_parts(kind):
    """The matrices are those of the transforms, least-squares fits and projections with which runs are measured."""
    problem = load_problem("poisson")
    modes = ModeFamilies(problem).modes(kind)
    modes = modes.take(np.arange(min(len(modes), 6)))
    values = torch.randn(len(modes.points()), generator=stream(0, "test"), dtype=torch.float64).numpy()
    parts = modes.analysis() @ values
    assert len(parts) == len(modes.mode_of_part)
    np.testing.assert_allclose(modes.of_parts(parts), modes.coefficients(values), atol=1e-11)


@pytest.mark.parametrize("kind", ["fourier", "ray"])
def test_complex_amplitudes_follow_gradient_descent_of_the_linearized_network(kind):
    space, functional, c, _ = case("regression", 30, 1.0)
    modes = ModeFamilies(Problem(domain=BOX, source=CallableField(tones), diffusion=0.0, reaction=1.0)).modes(kind, [[1], [2]])
    x = modes.points(space)
    model = linearize(space, functional, c, modes, tones(x))
    rate, moved, rows = 0.5, torch.zeros_like(c), []
    with torch.no_grad():
        jacobian, start = space.at(x).jacobian(c), space.at(x).value(c) - tones(x)
        factor, gradient = functional.gauss_newton_factor(c), functional.gradient(c)
        for _ in range(4):
            rows.append(modes.coefficients((start + jacobian @ moved).numpy(), space))
            moved = moved - rate * (gradient + factor.T @ (factor @ moved))
    found = model.dynamics().errors(GradientDescentFilter(rate), torch.arange(4))
    np.testing.assert_allclose(found.numpy(), np.array(rows), atol=1e-10)
    assert np.abs(np.array(rows).imag).max() > 1e-3


@pytest.mark.parametrize("loss", LOSSES)
def test_the_first_changes_of_amplitudes_agree_with_the_jacobian(loss):
    """The first step of gradient descent changes modes by V^T J G, with J computed here; sums of a thousand products."""
    space, functional, c, modes = case(loss, 30, 1.0)
    target = tones(modes.points(space))
    dynamics = linearize(space, functional, c, modes, target).dynamics()
    expected = torch.from_numpy(modes.analysis(space)) @ space.at(modes.points(space)).jacobian(c) @ functional.gradient(c)
    found = dynamics.response.sum(dim=1) + dynamics.secular_rate
    np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-9)


def test_a_gauss_newton_factor_too_large_is_refused_before_it_is_formed(monkeypatch):
    space, functional, c, modes = case("ritz", 30, 1.0)
    monkeypatch.setattr("pdefreq.iterations.training.linearized._ENTRIES", functional.num_rows * len(c) - 1)
    monkeypatch.setattr(type(functional), "gauss_newton_factor", lambda *_: pytest.fail("it was formed"))
    with pytest.raises(IncompatibleError, match=f"the kernel has 40 rows of {len(c)} coefficients, too many to decompose"):
        linearize(space, functional, c, modes, tones(modes.points(space)))


@pytest.mark.parametrize("loss", LOSSES)
def test_drift_is_that_of_the_gauss_newton_factor_without_a_row_of_it(loss, monkeypatch):
    _, functional, c, _ = case(loss, 30, 1.0, number=60)
    other = c + 0.1 * torch.randn(len(c), generator=stream(1, "test"), dtype=torch.float64)
    after, before = (
        f[::2] @ f[::2].T for f in (functional.gauss_newton_factor(v).detach() for v in (other, c))
    )  # 30 of 60 points
    monkeypatch.setattr(type(functional.blocks[0]), "gauss_newton_factor", lambda *_: pytest.fail("it was formed"))
    assert kernel_drift(functional, other, c, points=30) == pytest.approx(float((after - before).norm() / before.norm()))


def test_drift_of_a_loss_that_is_differentiated_row_by_row():
    """For p = 3 the residual is no function of the channels of u: one backward pass per row, only at the points that are used."""
    problem = Problem(domain=BOX, source=CallableField(tones), exponent=3.0, boundary=(BoundaryPart("dirichlet"),))
    space = HardBoundary(MlpSpace(BOX, (8,), "tanh", "ntk"), CallableField(lambda x: 0 * x[:, 0]), BOX.distance())
    functional, c = StrongResidual(problem, space, BOX.quadrature(20), like=LIKE), space.initialize(stream(0, "initialization"))
    after, before = (f[::2] @ f[::2].T for f in (functional.gauss_newton_factor(v) for v in (1.1 * c, c)))
    assert kernel_drift(functional, 1.1 * c, c, points=10) == pytest.approx(float((after - before).norm() / before.norm()))

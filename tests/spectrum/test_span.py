"""Modes as a trial space: derivatives against automatic differentiation, and functionals of modes."""

import numpy as np
import pytest
import torch

from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.misfit import GradientMisfit, Misfit
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import GradientOfResidual, StrongResidual
from pdefreq.iterations.training.linearized import linearize
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spectrum.modes import make_modes
from pdefreq.spectrum.span import ModeSpan, span_of
from pdefreq.theory.kernel_modes import rayleigh_quotients

BOX = Box((-1.0, 0.5), (1.0, 2.0))
LIKE = torch.empty(0, dtype=torch.float64)
C = torch.tensor([1.0, -0.7, 0.3], dtype=torch.float64)


def field(kind, indices):
    wave = torch.sin if kind == "sine" else torch.cos

    def values(x):
        s = torch.pi * (x - torch.tensor(BOX.lower, dtype=torch.float64)) / torch.tensor(BOX.lengths, dtype=torch.float64)
        return sum(c * wave(k * s[:, 0]) * wave(j * s[:, 1]) for c, (k, j) in zip(C, indices, strict=True))

    return CallableField(values)


@pytest.mark.parametrize("kind", ["sine", "cosine"])
def test_a_sum_of_modes_and_its_derivatives_agree_with_the_waves(kind):
    indices = [[1, 2], [3, 1], [4, 4]]
    space, x = ModeSpan(make_modes(kind, BOX, indices)), BOX.quadrature(50).x
    u, known = space.at(x), field(kind, indices)
    for found, expected in (
        (u.value(C), known(x)),
        (u.gradient(C), known.gradient(x)),
        (u.second(C), known.laplacian(x)),
        (u.hessian(C), known.hessian(x)),
        (u.gradient_of_second(C), known.gradient_of_laplacian(x)),
    ):
        torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("loss", [Misfit, GradientMisfit, RitzEnergy, StrongResidual, GradientOfResidual])
def test_rows_of_modes_give_the_rayleigh_quotients_in_the_metric_of_each_loss(loss):
    """F is linear on the span: |F a|^2 is the second difference of the loss; `linearize` gives F of K = F F^T, hence v.Kv."""
    regression = loss in (Misfit, GradientMisfit)
    kind = {"diffusion": 0.0, "reaction": 1.0} if regression else {"reaction": 0.5, "boundary": (BoundaryPart("dirichlet"),)}
    problem = Problem(domain=BOX, source=lambda x: (2 * x).sin().sum(dim=1), **kind)
    modes = make_modes("sine", BOX, [[1, 1], [2, 1], [3, 3]])
    span = span_of(modes)
    rows = loss(problem, span, BOX.quadrature(60), like=LIKE).gauss_newton_factor(torch.zeros_like(C))
    on_span = loss(problem, span, BOX.quadrature(60), like=LIKE)
    second = sum(sign * float(on_span.value(t * C)) for sign, t in ((1, 1), (1, -1), (-2, 0)))
    assert float((rows @ C).square().sum()) == pytest.approx(second, rel=1e-9)
    network = MlpSpace(BOX, (8,), "tanh")
    c = network.initialize(stream(0, "initialization"))
    functional = loss(problem, network, BOX.quadrature(60), like=LIKE)
    target = torch.zeros(len(modes.points(network)), dtype=torch.float64)
    model = linearize(network, functional, c, modes, target)
    found = rayleigh_quotients(lambda v: model.factor @ (model.factor.T @ v), rows)
    f = functional.gauss_newton_factor(c)
    expected = rayleigh_quotients(f @ f.T, rows)
    np.testing.assert_allclose(found.values, expected.values, rtol=1e-9)
    np.testing.assert_allclose(found.eigen_residuals, expected.eigen_residuals, rtol=1e-8)


def test_modes_without_a_wave_formula_have_no_span():
    assert span_of(make_modes("fourier", BOX, [[1, 0]])) is None

"""A functional in mixed precision agrees with the one in double precision up to the rounding of float32."""

import pytest
import torch

import pdefreq
from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.core.streams import stream
from pdefreq.functionals.mixed_precision import in_mixed_precision
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.iterations.training.linearized import kernel_drift
from pdefreq.problem.files import load_problem
from pdefreq.spaces.networks.mlp import MlpSpace

PROBLEM = load_problem("poisson")
SPACE = MlpSpace(PROBLEM.domain, (8, 8))
C = SPACE.initialize(stream(0, "initialization"))
ROUNDING = 1e-4  # 1000 roundings of float32 in sums of a few hundred entries with derivatives


@pytest.mark.parametrize("kind", [RitzEnergy, StrongResidual])
def test_values_gradients_and_factors_agree_to_single_precision_and_are_float64(kind):
    interior, edge = PROBLEM.domain.quadrature(40), PROBLEM.domain.boundary(2)
    double, single = (
        kind(PROBLEM, SPACE, interior, edge, beta=3.0, like=torch.empty(0, dtype=d)) for d in (torch.float64, torch.float32)
    )
    mixed = in_mixed_precision(single.weighted({"boundary": 2.0}))
    double = double.weighted({"boundary": 2.0})
    assert mixed.names == double.names and mixed.num_rows == double.num_rows and mixed.order == double.order
    assert mixed.tends_to_zero == double.tends_to_zero
    pairs = [
        (mixed.value(C), double.value(C)),
        *zip(mixed.value_and_gradient(C), double.value_and_gradient(C), strict=True),
        (mixed.gauss_newton_factor(C), double.gauss_newton_factor(C)),
        *zip(mixed.traces(C).values(), double.traces(C).values(), strict=True),
    ]
    if double.tends_to_zero:
        pairs.append((mixed.residual(C), double.residual(C)))
    for found, expected in pairs:
        assert found.dtype == torch.float64
        assert float((found - expected).norm()) <= ROUNDING * float(expected.norm())
        assert not torch.equal(found, expected)  # it is computed in float32


def test_the_objective_is_half_the_sum_of_the_squared_rows_in_double_precision():
    """Terms of equal size, whose sum in float32 would be rounded."""
    mixed = in_mixed_precision(StrongResidual(PROBLEM, SPACE, PROBLEM.domain.quadrature(2000), like=torch.empty(0)))
    rows = mixed.residual(C)
    assert rows is not None
    assert float(mixed.value(C)) == pytest.approx(float(rows.square().sum() / 2), rel=1e-14)


def test_runs_take_the_option_and_refuse_it_in_float32():
    method = "gauss-newton:widths=[8],number=40,precision=mixed"
    run = pdefreq.solve("quadratic", method, stop=Stop(steps=20), predict=False)
    assert run.state.coefficients.dtype == torch.float64 and run.error() < 1e-2
    with pytest.raises(OptionError, match="precision=mixed does nothing in float32"):
        pdefreq.solve("quadratic", method, stop=Stop(steps=1), predict=False, dtype="float32")


@pytest.mark.parametrize("kind", [RitzEnergy, StrongResidual])
def test_the_drift_of_the_kernel_is_that_of_double_precision(kind):
    interior, end = PROBLEM.domain.quadrature(40), 1.1 * C
    double, single = (kind(PROBLEM, SPACE, interior, like=torch.empty(0, dtype=d)) for d in (torch.float64, torch.float32))
    expected = kernel_drift(double, end, C)
    assert kernel_drift(in_mixed_precision(single), end, C) == pytest.approx(expected, rel=1e-3)

import math

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.spaces.features.features import Features
from pdefreq.spaces.features.sine_features import SineFeatures, lattice_sines, random_sines
from pdefreq.spaces.features.wave_bands import WaveBands
from pdefreq.spaces.trial_space import LinearEvaluator

# Each entry is a sum of a few products of numbers up to 10^2: 1e-11 allows for hundreds of rounding errors of that size.
TIGHT = {"rtol": 1e-11, "atol": 1e-11}


def sines(d, number=7, seed=0):
    return random_sines(WaveBands.box([6.0] * d), number, [1.0] * d, [0.3] * d, stream(seed, "features"))


def points(d, number=11, seed=1):
    return torch.rand(number, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def weights(d, seed=2):
    draw = torch.Generator().manual_seed(seed)
    value, second = torch.randn(2, 11, generator=draw, dtype=torch.float64)
    matrix = torch.randn(11, d, d, generator=draw, dtype=torch.float64)
    return value, torch.randn(11, d, generator=draw, dtype=torch.float64), second, matrix + matrix.mT


@pytest.mark.parametrize("d", [1, 2, 3])
def test_derivatives_are_those_of_the_values(d):
    family, x = sines(d), points(d).requires_grad_()
    for j, column in enumerate(family.value(x).unbind(dim=1)):
        (slope,) = torch.autograd.grad(column.sum(), x, create_graph=True)
        torch.testing.assert_close(family.gradient(x.detach())[..., j], slope.detach(), **TIGHT)
        rows = [torch.autograd.grad(slope[:, i].sum(), x, retain_graph=True)[0] for i in range(d)]
        torch.testing.assert_close(family.hessian(x.detach())[..., j], torch.stack(rows, dim=1), **TIGHT)
    trace = family.hessian(x.detach()).diagonal(dim1=1, dim2=2).sum(dim=2)
    torch.testing.assert_close(family.laplacian(x.detach()), trace, **TIGHT)


@pytest.mark.parametrize("with_matrix", [False, True])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_the_jacobian_of_a_space_is_that_of_one_evaluation_for_each_function(d, with_matrix):
    value, gradient, second, matrix = weights(d)
    space = Features((sines(d), sines(d, 3, seed=5)))
    evaluator = space.at(points(d))
    evaluator = evaluator.with_second(matrix) if with_matrix else evaluator
    c = torch.zeros(space.num_coefficients, dtype=torch.float64)
    for given in ((None, None, None), (value, None, None), (value, gradient, None), (value, gradient, second)):
        slow = LinearEvaluator.jacobian(evaluator, c, *given)  # type: ignore[arg-type]
        torch.testing.assert_close(evaluator.jacobian(c, *given), slow, **TIGHT)


def test_the_second_order_term_is_the_matrix_against_the_hessian():
    *_, matrix = weights(2)
    space = Features((sines(2),))
    c = torch.arange(7, dtype=torch.float64)
    evaluator = space.at(points(2))
    direct = (matrix * evaluator.hessian(c)).sum(dim=(1, 2))
    torch.testing.assert_close(evaluator.with_second(matrix).second(c), direct, **TIGHT)


def test_translated_waves_are_the_same_functions_of_the_translated_points():
    family, shift = sines(2), torch.tensor([1000.0, -300.0], dtype=torch.float64)
    moved = SineFeatures(
        family.wavevectors, family.phases, tuple((shift + torch.tensor(family.origin, dtype=torch.float64)).tolist())
    )
    # coordinates of size 1000 are rounded to 1e-13, times a wavenumber of 9
    torch.testing.assert_close(moved.value(points(2) + shift), family.value(points(2)), rtol=0, atol=1e-11)


def test_waves_are_periodic_along_periodic_axes_only():
    family = random_sines(WaveBands.box([40.0, 40.0]), 200, [2.0, 3.0], [0.0, 0.0], stream(0, "features"), periodic=(1,))
    x = points(2)
    along, across = (family.value(x + torch.tensor(step, dtype=torch.float64)) for step in ([0.0, 3.0], [2.0, 0.0]))
    torch.testing.assert_close(along, family.value(x), rtol=0, atol=1e-12)
    assert (across - family.value(x)).abs().max() > 0.1


@pytest.mark.parametrize(("d", "last"), [(1, 5), (2, 3), (3, 2)])
def test_periodic_waves_are_an_orthogonal_basis(d, last):
    """On an equispaced grid of more than 2 n points, sines and cosines up to n periods are orthogonal: (2 n + 1)^d functions."""
    side = 2 * math.pi
    family = lattice_sines([float(last)] * d, [side] * d, [0.0] * d)
    assert family.size == (2 * last + 1) ** d
    grid = torch.arange(2 * last + 2, dtype=torch.float64) * side / (2 * last + 2)
    v = family.value(torch.cartesian_prod(*[grid] * d).reshape(-1, d))
    gram = v.T @ v / len(v)
    expected = torch.full((family.size,), 0.5, dtype=torch.float64)
    expected[0] = 1.0  # the constant
    torch.testing.assert_close(gram, torch.diag(expected), rtol=0, atol=1e-13)

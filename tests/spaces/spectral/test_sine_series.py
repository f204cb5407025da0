import itertools
import math

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem
from pdefreq.spaces.spectral import sine_series
from pdefreq.spaces.spectral.sine_series import SineSeries

ZERO = as_field(0.0)
SPACES = [
    SineSeries(Box((-1.0,), (2.0,)), (6,), ZERO),
    SineSeries(Box((-1.0, 0.5), (2.0, 1.0)), (5, 3), ZERO),
    SineSeries(Box((-1.0, 0.5, 0.0), (2.0, 1.0, 0.3)), (4, 2, 3), ZERO),
]


def random(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def points_in(box, n=40):
    return torch.tensor(box.lower) + random(n, box.dimension) * torch.tensor(box.lengths)


def plain_sum(space, c, x):
    """The definition, mode by mode."""
    s = (x - x.new_tensor(space.box.lower)) / x.new_tensor(space.box.lengths)
    modes = itertools.product(*[range(1, m + 1) for m in space.modes])
    return sum(ck * torch.sin(s * s.new_tensor(k) * torch.pi).prod(dim=1) for ck, k in zip(c, modes, strict=True))


@pytest.mark.parametrize("chunk", [2**22, 60])
@pytest.mark.parametrize("space", SPACES)
def test_values_and_gradients_agree_with_the_definition(space, chunk, monkeypatch):
    monkeypatch.setattr(sine_series, "_CHUNK", chunk)  # 60: a few points at a time
    c, x = random(space.num_coefficients) - 0.5, points_in(space.box)
    evaluator = space.at(x)
    # rounding of at most 24 terms of size 1; angles up to 6 pi; wavenumbers up to 10 pi in the gradient
    assert torch.allclose(evaluator.value(c), plain_sum(space, c, x), rtol=0, atol=1e-13)
    gradient = as_field(lambda y: plain_sum(space, c, y)).gradient(x)
    assert torch.allclose(evaluator.gradient(c), gradient, rtol=0, atol=1e-11)


@pytest.mark.parametrize("space", SPACES)
def test_interpolation_reproduces_the_coefficients_of_a_series(space):
    c = random(space.num_coefficients) - 0.5
    again = space.interpolate(as_field(lambda x: plain_sum(space, c, x)), c)
    assert torch.allclose(again, c, rtol=0, atol=1e-14)  # a DST is orthogonal up to scaling


@pytest.mark.parametrize("space", SPACES)
def test_the_constant_one_has_the_coefficients_of_the_square_wave(space):
    """The sine series of 1 is prod 4 / (k pi) over odd k, although 1 does not vanish on the boundary."""
    c = space.transform(torch.ones(len(space.grid), dtype=torch.float64)).reshape(space.modes)
    for index in itertools.product(*[range(m) for m in space.modes]):
        expected = math.prod(2 * (1 - (-1) ** (i + 1)) / ((i + 1) * math.pi) for i in index)
        assert abs(float(c[index]) - expected) < 1e-14


def test_coefficients_of_a_smooth_function_converge_at_order_four():
    """exp on (0, 1): 2 k pi (1 - (-1)^k e) / (1 + k^2 pi^2); the Euler-Maclaurin formula gives the error of its transform."""
    errors = []
    for n in (32, 64):
        space = SineSeries(Box((0.0,), (1.0,)), (n - 1,), ZERO)
        k = torch.arange(1, 5, dtype=torch.float64)
        exact = 2 * k * torch.pi * (1 - (-1) ** k * math.e) / (1 + (k * torch.pi) ** 2)
        errors.append(float((space.interpolate(as_field(lambda x: x[:, 0].exp()), k)[:4] - exact).abs().max()))
    assert abs(math.log2(errors[0] / errors[1]) - 4) < 0.1  # next term of the Euler-Maclaurin formula: O(n^-6)


def test_laplacian_of_polynomials_and_of_constants():
    x = points_in(SPACES[2].box)
    cubic = as_field(lambda x: x[:, 0] ** 3 + x[:, 0] * x[:, 1] ** 2 + x[:, 2])
    assert torch.allclose(cubic.laplacian(x), 8 * x[:, 0], rtol=0, atol=1e-13)
    assert not as_field(3.0).laplacian(x).any()
    assert not as_field(lambda x: 2 * x[:, 1]).laplacian(x).any()


def test_the_lifting_is_added_and_subtracted():
    box = Box((0.0, 0.0), (1.0, 2.0))
    space = SineSeries(box, (7, 9), as_field(lambda x: 1 + x[:, 0] * x[:, 1]))
    c, x = random(63), points_in(box)
    bare = SineSeries(box, (7, 9), ZERO).at(x)
    assert torch.allclose(space.at(x).value(c), bare.value(c) + 1 + x[:, 0] * x[:, 1], rtol=0, atol=1e-14)
    assert torch.allclose(space.at(x).gradient(c), bare.gradient(c) + x.flip(1), rtol=0, atol=1e-13)
    assert not space.interpolate(space.lifting, c).any()


def test_the_system_is_diagonal_with_the_symbol():
    box = Box((0.0, 0.0), (1.0, 2.0))
    system = SineSeries(box, (2, 2), ZERO).assemble(Problem(domain=box, source=1.0, diffusion=3.0, reaction=5.0, boundary=0.0))
    symbol = [3 * math.pi**2 * (j**2 + k**2 / 4) + 5 for j in (1, 2) for k in (1, 2)]
    assert system.matrix.nnz == 4
    assert abs(system.matrix.diagonal() / symbol - 1).max() < 1e-15


def test_variable_coefficients_are_refused_with_a_suitable_method():
    box = Box((0.0,), (1.0,))
    problem = Problem(domain=box, source=1.0, diffusion=lambda x: 1 + x[:, 0], boundary=0.0)
    with pytest.raises(IncompatibleError, match="use `gmres`"):
        SineSeries(box, (4,), ZERO).assemble(problem)

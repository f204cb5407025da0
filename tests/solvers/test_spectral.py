import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import as_field
from pdefreq.core.options import options_of
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.solvers.spectral import Sine

CPU = torch.device("cpu")


def box(d):
    return Box((0.0,) * d, (1.0, 1.5, 0.8)[:d])


def solved(problem, n, dtype=torch.float64):
    iteration = Sine(intervals=n).prepare(problem, seed=0, device=CPU, dtype=dtype)
    return iteration.step(iteration.init())


def error(problem, exact, n):
    """Relative L2 errors of values and of gradients."""
    state, samples = solved(problem, n), problem.domain.quadrature(4000)
    evaluator, u = state.space.at(samples.x), as_field(exact)
    values = evaluator.value(state.coefficients) - u(samples.x)
    slopes = (evaluator.gradient(state.coefficients) - u.gradient(samples.x)).norm(dim=1)
    return float((values**2 * samples.weights).sum().sqrt()), float((slopes**2 * samples.weights).sum().sqrt())


def manufactured(domain, exact, *, diffusion=1.0, reaction=0.0):
    u = as_field(exact)
    return Problem(
        domain=domain,
        source=lambda x: -diffusion * u.laplacian(x) + reaction * u(x).detach(),
        diffusion=diffusion,
        reaction=reaction,
        boundary=exact,
    )


def smooth(x):
    """An analytic function that is odd about every face: exp(cos) is even there and the sines are odd."""
    s = torch.pi * x / x.new_tensor((1.0, 1.5, 0.8)[: x.shape[1]])
    return (s.sin() * s.cos().exp()).prod(dim=1)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spectral_convergence_for_a_smooth_odd_extension(d):
    problem = manufactured(box(d), smooth, diffusion=0.7, reaction=3.0)
    coarse, middle = (error(problem, smooth, n)[0] for n in (4, 8))
    assert middle < coarse**2  # Bessel coefficients I_k(1) decrease like 1 / (2^k k!), superexponentially
    values, slopes = error(problem, smooth, 16)
    assert values < 1e-14  # rounding: I_16(1) = 7e-19
    assert slopes < 1e-12  # times wavenumbers up to 16 pi / 0.8


@pytest.mark.parametrize("d", [1, 2, 3])
def test_spectral_convergence_for_boundary_values_of_a_multilinear_function(d):
    """A multilinear function is its own transfinite lifting, so that the remainder converges spectrally."""

    def exact(x):
        return smooth(x) + (2 + x).prod(dim=1)

    problem = manufactured(box(d), exact, diffusion=0.7, reaction=3.0)
    assert error(problem, exact, 16)[0] < 1e-13  # rounding of values up to 24


def test_algebraic_convergence_for_other_boundary_values():
    """The function exp(x) cos(y) is harmonic: the source is the Laplacian of the lifting, which is not zero on the boundary."""

    def exact(x):
        return x[:, 0].exp() * x[:, 1].cos()

    problem = Problem(domain=box(2), source=0.0, boundary=exact)
    errors = [error(problem, exact, n)[0] for n in (16, 32)]
    assert errors[1] < 1e-4
    # coefficients decrease like k^-3 along an axis, and the truncation error in L2 like n^-2.5
    assert abs(math.log2(errors[0] / errors[1]) - 2.5) < 0.15


def test_every_mode_of_the_four_tone_problem_is_exact_after_one_step():
    def source(x):
        x = x[:, 0]
        return x.sin() + 4 * (4 * x).sin() - 8 * (8 * x).sin() + 16 * (24 * x).sin()

    def particular(x):
        return np.sin(x) + np.sin(4 * x) / 4 - np.sin(8 * x) / 8 + np.sin(24 * x) / 36

    def exact(x):
        return torch.from_numpy(particular(x[:, 0].numpy()) - particular(1) * x[:, 0].numpy())

    domain = Box((-1.0,), (1.0,))
    state = solved(Problem(domain=domain, source=source, boundary=0.0), 1024)
    samples = domain.quadrature(4000)
    k = torch.arange(1, 65, dtype=torch.float64)
    basis = torch.sin(torch.outer(k, torch.pi * (samples.x[:, 0] + 1) / 2))
    amplitudes = basis @ (samples.weights * exact(samples.x))  # half the length of the interval is 1
    # the error of the transform of f is about (2 / n)^4 f''(1) k pi / 720: 1e-9 for k = 1, less after division by xi^2
    assert float((state.coefficients[:64] - amplitudes).abs().max()) < 1e-9


def test_defaults_and_precision():
    for d, n in ((1, 1024), (2, 128), (3, 32)):
        state = solved(Problem(domain=box(d), source=1.0, boundary=0.0), None, torch.float32)
        assert state.space.modes == (n - 1,) * d
        assert state.coefficients.dtype == torch.float32
        assert state.done


def test_options():
    assert all(option.doc for option in options_of(Sine))
    with pytest.raises(OptionError, match="`intervals` must be at least 2, got 0"):
        Sine(intervals=0)
    with pytest.raises(OptionError, match=r"`intervals` = 1000000 would need about [\d,]+ GiB"):
        solved(Problem(domain=box(2), source=1.0, boundary=0.0), 1_000_000)


ROBIN = (BoundaryPart("dirichlet", "x-min"), BoundaryPart("robin"))


@pytest.mark.parametrize(
    ("d", "fields", "message"),
    [
        (4, {}, "at most 3 dimensions, and this problem has 4: use `deep-ritz`"),
        (1, {"diffusion": lambda x: 1 + x[:, 0]}, "varies: use `cg`"),
        (2, {"reaction": lambda x: 1 + x[:, 0]}, "varies: use `cg`"),
        (1, {"exponent": 3.0}, "nonlinear: use `fem`"),
        (1, {"diffusion": 0.0, "reaction": 1.0}, "use `regression`"),
        (1, {"boundary": ROBIN}, "use `cg`"),
        (2, {"boundary": ROBIN}, "use `cg`"),
    ],
)
def test_unsuitable_problems_are_refused_with_a_suitable_method(d, fields, message):
    domain = Box((0.0,) * d, (1.0,) * d)
    problem = Problem(**({"domain": domain, "source": 1.0, "boundary": 0.0} | fields))
    with pytest.raises(IncompatibleError, match=message):
        solved(problem, 8)


@pytest.mark.parametrize("fields", [{"reaction": -400}, {"diffusion": [["1", "0"], ["0", "100"]], "reaction": -30}])
@pytest.mark.parametrize("boundary", ["", " + x - 2*y*y"])
def test_indefinite_and_anisotropic_equations(fields, boundary):
    """The lifting has the boundary values, and the remainder has a smooth odd extension."""
    problem = Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), exact="sin(2*pi*x)*sin(pi*y)" + boundary, **fields)
    state, x = solved(problem, 16), problem.domain.quadrature(400).x
    assert float((state.space.at(x).value(state.coefficients) - problem.exact(x)).abs().max()) < 1e-3 * bool(boundary) + 1e-12


def test_an_equation_at_a_resonance_is_refused():
    line = Box((0.0,), (1.0,))
    for c, number in ((-(math.pi**2), 1), (-9 * math.pi**2, 3)):
        with pytest.raises(
            IncompatibleError, match=rf"singular because its left-hand side is zero for the sine mode \({number}\)"
        ):
            solved(Problem(domain=line, reaction=c, source=1.0, boundary=0.0), 16)


def test_equations_that_sine_modes_do_not_diagonalize_are_refused():
    square = Box((0.0, 0.0), (1.0, 1.0))
    for fields, message in (
        ({"convection": [1, 2]}, "sine needs a symmetric equation, and the convection term .* use `gmres` or `gauss-newton`"),
        ({"diffusion": [[2, 1], [1, 2]]}, "sine needs derivatives along the axes only, and the diffusion term .* use `fem`"),
    ):
        with pytest.raises(IncompatibleError, match=message):
            solved(Problem(domain=square, source=1.0, boundary=0.0, **fields), 8)

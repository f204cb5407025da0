"""Laws of every functional: gradients, residuals, Gauss-Newton factors, traces and weights agree with automatic differentiation."""

import pytest
import torch

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.fields import CallableField, as_field
from pdefreq.core.reduce import Reduce, joined
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.block import rows_of_jacobian
from pdefreq.functionals.misfit import GradientMisfit, Misfit
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.split_functional import SplitFunctional
from pdefreq.functionals.strong_residual import GradientOfResidual, StrongResidual
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mscale import MscaleSpace
from tests.functionals.polynomials import Polynomials
from tests.functionals.threads import in_threads

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
LIKE = torch.empty(0, dtype=torch.float64)
NETWORK = MscaleSpace(SQUARE, (1.0, 3.0), (4, 3))
SPACES = {
    "polynomials": Polynomials(3, 2),
    "network": NETWORK,
    "hard": HardBoundary(NETWORK, SQUARE.lifting(as_field(1.0)), SQUARE.distance()),
}
INSIDE, EDGE = SQUARE.interior(20, stream(0, "test")), SQUARE.boundary(12)


def field(function):
    return CallableField(lambda x: function(*x.unbind(dim=1)))


def equation(exponent):
    parts = (
        BoundaryPart("dirichlet", name="x-min", value=field(lambda x, y: x * y)),
        BoundaryPart("robin", alpha=field(lambda x, _: 1 + x**2), flux=field(lambda x, y: x - y)),
    )
    fields = {"diffusion": field(lambda x, y: 2 + x * y), "reaction": field(lambda x, _: 1 + x**2)}
    return Problem(domain=SQUARE, source=field(lambda x, y: torch.exp(x) * y), boundary=parts, exponent=exponent, **fields)


def general(**fields):
    """An equation with all kinds of terms: variable matrix, convection, reaction of either sign, and a term nonlinear in u."""
    plain = equation(2)
    off = field(lambda x, y: torch.sin(x * y) / 2)
    terms = {
        "diffusion": [[field(lambda x, _: 3 + x), off], [off, field(lambda _, y: 2 + y**2)]],
        "convection": lambda x: torch.stack([x[:, 0] * x[:, 1], torch.cos(x[:, 0])], dim=1),
        "reaction": field(lambda x, y: x - y**2),
        "nonlinear": lambda x, u: x[:, 0] * u**3 + torch.exp(u),
    }
    return Problem(domain=SQUARE, source=plain.source, boundary=plain.boundary, **(terms | fields))


def monotone():
    """An equation with all terms that have an energy, with nonnegative second derivatives."""
    return general(
        convection=[0, 0], reaction=field(lambda x, _: x**2), nonlinear=lambda x, u: x[:, 0] ** 2 * u**3 + torch.exp(u)
    )


def fit():
    return Problem(
        domain=SQUARE, source=field(lambda x, y: torch.exp(x) * y), diffusion=0.0, reaction=field(lambda x, _: 2 + x), boundary=()
    )


FUNCTIONALS = {
    **{
        f"ritz, p = {p}": lambda space, p=p: RitzEnergy(equation(p), space, INSIDE, EDGE, beta=3.0, like=LIKE)
        for p in (1.05, 1.5, 2, 3, 5, 20)
    },
    "ritz, f at points": lambda space: RitzEnergy(
        equation(2), space, INSIDE, EDGE, data=(INSIDE, torch.cos(INSIDE.x[:, 0])), like=LIKE
    ),
    **{
        f"residual, p = {p}": lambda space, p=p: StrongResidual(equation(p), space, INSIDE, EDGE, beta=3.0, like=LIKE)
        for p in (1.5, 2, 3)
    },
    "residual and gradient": lambda space: (
        StrongResidual(equation(2), space, INSIDE, EDGE, like=LIKE) + GradientOfResidual(equation(2), space, INSIDE, like=LIKE)
    ),
    "residual, all terms": lambda space: StrongResidual(general(), space, INSIDE, EDGE, beta=3.0, like=LIKE),
    "residual, all terms and p = 3": lambda space: StrongResidual(
        general(diffusion=field(lambda x, y: 2 + x * y), exponent=3.0), space, INSIDE, EDGE, beta=3.0, like=LIKE
    ),
    "residual and gradient, all terms": lambda space: (
        StrongResidual(general(), space, INSIDE, EDGE, like=LIKE) + GradientOfResidual(general(), space, INSIDE, like=LIKE)
    ),
    "ritz, all terms with an energy": lambda space: RitzEnergy(monotone(), space, INSIDE, EDGE, beta=3.0, like=LIKE),
    **{f"misfit, q = {q}": lambda space, q=q: Misfit(fit(), space, INSIDE, exponent=q, like=LIKE) for q in (1.0, 1.5, 2.0, 4.0)},
    "misfit and gradient": lambda space: (
        Misfit(fit(), space, INSIDE, like=LIKE) + GradientMisfit(fit(), space, INSIDE, like=LIKE)
    ),
}
CASES = [(name, space) for name in FUNCTIONALS for space in SPACES]
SQUARES = [(name, space) for name, space in CASES if not name.startswith("ritz")]


def make(name, space):
    space = SPACES[space]
    draw = torch.randn(space.num_coefficients, generator=stream(1, "test"), dtype=torch.float64)
    return FUNCTIONALS[name](space), draw / 2 if isinstance(space, Polynomials) else space.initialize(stream(1, "test"))


def total(functional):
    return lambda c: torch.stack(list(functional.terms(c).values())).sum()


def close(found, expected, digits=11):
    """Asserts equality up to rounding errors of the largest entry."""
    torch.testing.assert_close(found, expected, rtol=0, atol=10**-digits * float(expected.abs().max()))


@pytest.mark.parametrize(("name", "space"), CASES)
def test_the_gradient_is_the_derivative_of_the_terms(name, space):
    functional, c = make(name, space)
    c.requires_grad_(True)
    (expected,) = torch.autograd.grad(total(functional)(c), c)
    value, gradient = functional.value_and_gradient(c)
    close(gradient, expected, digits=12)
    close(value, total(functional)(c).detach(), digits=12)
    # also of the objective: central differences along a direction, with an error of h^2 = 1e-10 relative to third derivatives
    direction = torch.randn(len(c), generator=stream(2, "test"), dtype=torch.float64)
    direction /= direction.norm()
    slope = (functional.value(c + 1e-5 * direction) - functional.value(c - 1e-5 * direction)) / 2e-5
    assert float(slope) == pytest.approx(float(gradient @ direction), rel=1e-5, abs=1e-6 * float(gradient.norm()))


@pytest.mark.parametrize(("name", "space"), SQUARES)
def test_the_objective_is_half_the_square_of_the_residual_and_the_gauss_newton_factor_its_jacobian(name, space):
    functional, c = make(name, space)
    r, f = functional.residual(c), functional.gauss_newton_factor(c)
    assert r is not None and f.shape == (len(r), len(c))
    close(r.square().sum() / 2, functional.value(c))
    close(f.T @ r, functional.gradient(c))
    close(f, rows_of_jacobian(functional.residual, c))


@pytest.mark.parametrize("name", [n for n in FUNCTIONALS if n.startswith("ritz") or n in ("residual, p = 2", "misfit, q = 2.0")])
def test_on_a_linear_space_the_gauss_newton_matrix_is_the_hessian(name):
    """For energies with every exponent p, and for squares if the residual is linear in u."""
    functional, c = make(name, "polynomials")
    hessian = torch.autograd.functional.hessian(total(functional), c)
    f = functional.gauss_newton_factor(c)
    close(f.T @ f, hessian, digits=10)  # powers of 18 for p = 20


@pytest.mark.parametrize(("name", "space"), CASES)
def test_how_many_rows_the_gauss_newton_factor_has_is_known_before_it_is_formed(name, space):
    functional, c = make(name, space)
    assert functional.num_rows == len(functional.gauss_newton_factor(c))


@pytest.mark.parametrize(("name", "space"), CASES)
def test_traces_are_sums_of_squared_gradients_of_samples(name, space):
    functional, c = make(name, space)
    traces = functional.traces(c)
    assert list(traces) == list(functional.names)
    for term, trace in traces.items():
        rows = torch.cat([block.gauss_newton_factor(c) for block in functional.blocks if block.name == term])
        close(trace, rows.square().sum())


@pytest.mark.parametrize("name", FUNCTIONALS)
def test_weights_multiply_terms(name):
    functional, c = make(name, "polynomials")
    term = functional.names[-1]
    weighted = functional.weighted({term: 4.0}).weighted({term: 2.0})
    for each, value in functional.terms(c).items():
        close(weighted.terms(c)[each], (8.0 if each == term else 1.0) * value)
    close(weighted.gradient(c), torch.autograd.functional.jacobian(total(weighted), c))
    if functional.tends_to_zero:
        close(weighted.gauss_newton_factor(c).T @ weighted.residual(c), weighted.gradient(c))
    with pytest.raises(UnknownNameError, match=f"unknown term '{term}s' in `weights`: did you mean '{term}'"):
        functional.weighted({f"{term}s": 1.0})


def test_objectives_that_tend_to_zero_are_sums_of_squares():
    assert {name for name in FUNCTIONALS if FUNCTIONALS[name](Polynomials(1, 2)).tends_to_zero} == {name for name, _ in SQUARES}
    assert make("ritz, p = 2", "polynomials")[0].residual(torch.zeros(16, dtype=torch.float64)) is None


@pytest.mark.parametrize("p", [1.01, 1.1, 3.0, 50.0])
def test_extreme_exponents_stay_finite(p):
    """At u = 0, where |grad u|^(p-2) is infinite or zero, and elsewhere."""
    functional = RitzEnergy(equation(p), Polynomials(2, 2), INSIDE, EDGE, beta=3.0, like=LIKE)
    for c in (torch.zeros(9, dtype=torch.float64), torch.full((9,), 0.1, dtype=torch.float64)):
        value, gradient = functional.value_and_gradient(c)
        assert value.isfinite() and gradient.isfinite().all() and functional.gauss_newton_factor(c).isfinite().all()


def test_a_sum_of_functionals_keeps_equal_weights_of_terms_and_refuses_different_ones():
    """Terms of the same name have one weight; if the summands disagree, neither may be used silently."""
    part = Misfit(fit(), SPACES["polynomials"], INSIDE, like=LIKE)
    c = torch.randn(SPACES["polynomials"].num_coefficients, generator=stream(1, "test"), dtype=torch.float64)
    both = part.weighted({"misfit": 3.0}) + part.weighted({"misfit": 3.0})
    assert float(both.value(c)) == pytest.approx(6 * float(part.value(c)), rel=1e-14)
    with pytest.raises(OptionError, match="'misfit' has the weight 1 in one functional and 3 in the other: weigh their sum"):
        part + part.weighted({"misfit": 3.0})


QUICK = ("ritz, f at points", "ritz, p = 3", "residual, p = 2", "residual, p = 3", "misfit and gradient")
SHARED = [
    pytest.param(name, space, size, marks=[] if (name in QUICK and space == "network" and size == 3) else pytest.mark.slow)
    for name, space in CASES
    for size in (2, 3, 5)
    if space != "polynomials"
]


@pytest.mark.parametrize(("name", "space", "size"), SHARED)
def test_processes_that_share_the_points_obtain_the_whole_functional(name, space, size):
    """Sums of parts differ from the sum of the whole by rounding errors; rows are the same rows."""
    whole, c = make(name, space)
    with joined(Reduce(0, size)):
        divided, _ = make(name, space)
    assert len(divided.blocks) >= size
    noise = torch.randn(whole.num_rows, generator=stream(2, "test"), dtype=torch.float64)

    def results(over):
        part = SplitFunctional(divided, over)
        rows, own = part.equivalent_rows(c, noise), part.partial_rows(c)
        residual = part.residual(c)
        return {
            **part.terms(c),
            "value": part.value(c),
            "gradient": part.value_and_gradient(c)[1],
            **{f"trace {term}": trace for term, trace in part.traces(c).items()},
            "F^T F": rows.factor.T @ rows.factor,
            "F^T F of partial rows": own.over.sum(own.factor.T @ own.factor),
            "F": part.gauss_newton_factor(c).square().sum(dim=0),
            "noise": (rows.columns[0].square().sum() - noise.square().sum()).abs() < 1e-10,
            **({} if residual is None else {"F^T r": rows.factor.T @ rows.residual, "r": residual.square().sum()}),
        }

    found, *others = in_threads(size, results)
    assert all(torch.equal(value, other[name]) for other in others for name, value in found.items())
    factor, residual = whole.gauss_newton_factor(c), whole.residual(c)
    expected = {
        **whole.terms(c),
        "value": whole.value(c),
        "gradient": whole.gradient(c),
        **{f"trace {term}": trace for term, trace in whole.traces(c).items()},
        "F^T F": factor.T @ factor,
        "F^T F of partial rows": factor.T @ factor,
        "F": factor.square().sum(dim=0),
        "noise": torch.tensor(True),
        **({} if residual is None else {"F^T r": factor.T @ residual, "r": residual.square().sum()}),
    }
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        scale = float(value.abs().max()) if value.is_floating_point() else 1.0
        assert torch.allclose(found[key].to(value), value, rtol=0, atol=1e-11 * max(scale, float(whole.value(c).abs()))), key


def test_rows_of_processes_are_in_the_order_of_the_points():
    whole, c = make("residual, p = 2", "network")
    with joined(Reduce(0, 3)):
        divided, _ = make("residual, p = 2", "network")
    factors = in_threads(3, lambda over: SplitFunctional(divided, over).gauss_newton_factor(c))
    assert all(torch.equal(factor, factors[0]) for factor in factors)
    assert torch.allclose(factors[0], whole.gauss_newton_factor(c), rtol=1e-12, atol=1e-14)


def test_processes_that_divide_the_points_differently_are_an_error():
    """Otherwise some points would be counted twice, and the sums would look right."""
    whole, c = make("residual, p = 2", "network")
    with joined(Reduce(0, 2)):
        divided, _ = make("residual, p = 2", "network")

    def value(over):
        with pytest.raises(RuntimeError, match="the processes evaluate"):
            SplitFunctional(divided if over.rank else whole, over).value_and_gradient(c)

    in_threads(2, value)

"""Laws of all registered terms: weak form, strong form, energy and facts agree with each other and with the formula."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.content import decode, encode
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.problem.coefficient_reader import CoefficientReader
from pdefreq.problem.expressions import ExpressionField, parse_field
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.expressions.symbolic import derivative
from pdefreq.problem.terms import TERMS

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
READER, COORDINATES = CoefficientReader(2), Scope(2).coordinates
X = SQUARE.interior(40, stream(0, "test")).x
EXAMPLES = {
    "diffusion": [
        {"diffusion": "1"},
        {"diffusion": "2 + sin(x*y)"},
        {"diffusion": [["3 + x", "x*y/4"], ["x*y/4", "2 + y**2"]]},
        {"diffusion": [["2", "-1"], ["-1", "3"]]},
        {"diffusion": "2 + x*y", "exponent": 3},
        {"exponent": 1.5},
    ],
    "convection": [{"convection": ["1", "-2"]}, {"convection": ["x*y", "cos(x)"]}],
    "reaction": [{"reaction": "-400"}, {"reaction": "3"}, {"reaction": "x - y**2"}],
    "nonlinear": [{"nonlinear": "u**3"}, {"nonlinear": "-exp(u)"}, {"nonlinear": "x*u**3 + sin(y*u)"}],
}
"""Values of keys by the name of a term; for all other terms the first key is a number."""


def term_of(name, values):
    return TERMS.load(name).read(values, 2, READER)


CASES = [(name, values) for name in TERMS for values in EXAMPLES.get(name, [{TERMS.load(name).keys[0]: "0.5"}])]
ALL = pytest.mark.parametrize("term", [pytest.param(term_of(*case), id=f"{case[0]} {case[1]}") for case in CASES])


def field(text):
    return parse_field(text, Scope(2), "test")


U = field("sin(2*x + y) + x*y**2 + 1/2")


def at_points(u=U, x=X):
    return u(x), u.gradient(x)


def draw(seed=0):
    """Random values and gradients, independent of each other."""
    generator = stream(seed, "test")
    return (torch.randn(len(X), generator=generator, dtype=X.dtype), torch.randn(X.shape, generator=generator, dtype=X.dtype))


def close(found, expected, rtol=1e-12):
    """Asserts equality up to `rtol` of the largest entry; None means zero."""
    found, expected = (X.new_zeros(()) if t is None else t for t in (found, expected))
    torch.testing.assert_close(
        *torch.broadcast_tensors(found, expected), rtol=0, atol=rtol * (float(expected.abs().max()) + 1e-2)
    )


def slope_of(function, at):
    """The derivative of values at points, ``(n,)``, in an argument; zero if they do not depend on it."""
    at = at.clone().requires_grad_()
    values = function(at)
    if values is None or not values.requires_grad:
        return torch.zeros_like(at)
    return torch.autograd.grad(values.sum(), at)[0]


def matrix_of(slopes, d=2):
    """The derivative of the flux in grad u, ``(n, d, d)``."""
    eye, total = torch.eye(d, dtype=X.dtype), torch.zeros(len(X), d, d, dtype=X.dtype)
    if slopes.isotropic is not None:
        total = total + slopes.isotropic[:, None, None] * eye
    if slopes.directed is not None:
        strength, n = slopes.directed
        total = total + strength[:, None, None] * n[:, :, None] * n[:, None, :]
    return total if slopes.matrix is None else total + slopes.matrix


def second_of(strong, u, q):
    """S as matrices."""
    second = strong.second(u, q)
    if second is None:
        return torch.zeros(len(q), 2, 2, dtype=X.dtype)
    return second if second.ndim == 3 else second.expand(len(q))[:, None, None] * torch.eye(2, dtype=X.dtype)


def applied(term, u, x=X):
    """The strong form at points."""
    strong, at = term.strong(x), at_points(u, x)
    lower = strong.lower(*at)
    return (0 if lower is None else lower) - (second_of(strong, *at) * u.hessian(x)).sum(dim=(1, 2))


@ALL
def test_a_term_is_restored_from_its_content(term):
    if term.content_type:  # other terms are opaque
        assert encode(decode(encode(term))) == encode(term)
    assert type(term).read(term.values, 2, READER) == term
    assert term.text and term.name in TERMS


@pytest.mark.parametrize(("name", "values"), CASES)
def test_a_nonfinite_coefficient_is_refused_with_its_key_and_the_point(name, values):
    broken = {key: _broken(value) if key in values else value for key, value in values.items() if key != "exponent"}
    if broken:
        with pytest.raises(ProblemFileError, match=rf"\[equation\] {name} must be .*finite.* got nan at \(0\."):
            term_of(name, broken).check(X)


def _broken(value):
    return [_broken(each) for each in value] if isinstance(value, list) else f"({value}) + log(x - 2)"


@ALL
def test_slopes_are_the_derivatives_of_the_densities(term):
    weak, (u, q) = term.weak(X), draw()
    slopes = weak.slopes(u, q)
    close(slopes.value_u, slope_of(lambda u: weak.densities(u, q).value, u))
    close(slopes.value_q, slope_of(lambda q: weak.densities(u, q).value, q))
    flux = weak.densities(u, q).flux
    for i in range(0 if flux is None else 2):
        close(matrix_of(slopes)[:, i], slope_of(lambda q, i=i: weak.densities(u, q).flux[:, i], q))
        assert not slope_of(lambda u, i=i: weak.densities(u, q).flux[:, i], u).any()


@ALL
def test_the_weak_form_is_the_derivative_of_the_energy(term):
    weak, (u, q) = term.weak(X), draw()
    if not term.has_energy:
        with pytest.raises(NotImplementedError):
            weak.energy(u, q)
        return
    densities = weak.densities(u, q)
    close(densities.value, slope_of(lambda u: weak.energy(u, q), u), rtol=1e-10)  # by quadrature in u
    close(densities.flux, slope_of(lambda q: weak.energy(u, q), q))


@ALL
def test_the_strong_form_agrees_with_the_formula(term):
    """The formula, in turn, is G - div F with the formula of the flux F."""
    formula = term.symbolic(U.expression, COORDINATES)
    close(applied(term, U), ExpressionField(formula, 2)(X), rtol=1e-11)
    densities, flux = term.weak(X).densities(*at_points()), term.symbolic_flux(U.expression, COORDINATES)
    assert (flux is None) == (densities.flux is None)
    divergence = torch.zeros_like(X[:, 0])
    for k, part in enumerate(flux or ()):
        close(densities.flux[:, k], ExpressionField(part, 2)(X))
        divergence = divergence + ExpressionField(derivative(part, COORDINATES[k]), 2)(X)
    close((0 if densities.value is None else densities.value) - divergence, ExpressionField(formula, 2)(X), rtol=1e-11)


@ALL
def test_slopes_of_the_lower_order_part_are_its_derivatives(term):
    strong, (u, q) = term.strong(X), draw()
    at_u, at_q = strong.lower_slopes(u, q)
    close(at_u, slope_of(lambda u: strong.lower(u, q), u))
    close(at_q, slope_of(lambda q: strong.lower(u, q), q))


def difference(function, k, h=1e-3):
    """The derivative along an axis by fourth-order differences."""
    step = h * torch.eye(2, dtype=X.dtype)[k]
    far, near = (function(X + m * step) - function(X - m * step) for m in (2, 1))
    return (8 * near - far) / (12 * h)


@ALL
def test_spatial_gradients_of_coefficients_agree_with_differences(term):
    strong, (u, q) = term.strong(X), draw()
    if not term.semilinear:
        return
    zero = torch.zeros_like(u)
    for k in range(2):
        lower, second = strong.lower_gradient(u, q), strong.second_gradient()
        expected = difference(lambda x: zero if (at := term.strong(x).lower(u, q)) is None else at, k)
        torch.testing.assert_close(
            zero if lower is None else lower[:, k], expected, rtol=0, atol=2e-10 * (1 + abs(applied(term, U)).max())
        )
        expected = difference(lambda x: second_of(term.strong(x), u, q), k)
        if second is None or second.ndim == 2:
            found = torch.zeros_like(expected) if second is None else second[:, k, None, None] * torch.eye(2, dtype=X.dtype)
        else:
            found = second[..., k]
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-10)


@ALL
@given(st.floats(-3, 3), st.floats(-3, 3))
@settings(max_examples=10)
def test_a_linear_term_is_linear(term, a, b):
    if not term.linear:
        return
    weak, (u, q), (v, p) = term.weak(X), draw(1), draw(2)
    both, one, other = (weak.densities(*at) for at in ((a * u + b * v, a * q + b * p), (u, q), (v, p)))
    for whole, first, second in zip(both, one, other, strict=True):
        if whole is not None:
            torch.testing.assert_close(
                whole, a * first + b * second, rtol=0, atol=1e-12 * float(1 + abs(first).max() + abs(second).max()) * 3
            )


@ALL
def test_symmetry_coercivity_and_other_facts_are_true(term):
    """Terms that are declared symmetric, coercive or semilinear have this property."""
    weak, at = term.weak(X), draw()
    slopes = weak.slopes(*at)
    if term.symmetric:
        assert slopes.value_q is None
        close(matrix_of(slopes), matrix_of(slopes).mT)
    if term.semilinear:
        strong = term.strong(X)
        assert torch.equal(second_of(strong, *at), second_of(strong, *draw(5)))
    if term.has_energy:
        assert term.symmetric
    if term.coercive:
        inside = SQUARE.quadrature(400)
        for seed in range(5):
            u = vanishing(seed)
            values, gradient = at_points(u, inside.x)
            densities = term.weak(inside.x).densities(values, gradient)
            work = 0 if densities.value is None else densities.value * values
            work = work + (0 if densities.flux is None else (densities.flux * gradient).sum(dim=1))
            assert float((inside.weights * work).sum()) > -1e-12


def vanishing(seed):
    """A random function that is zero on the boundary of the square."""
    a, b, c = torch.randn(3, generator=stream(seed, "test")).tolist()
    return field(f"sin(pi*x)*sin(pi*y)*({a} + {b}*x + {c}*y**2)")


@ALL
def test_the_symbol_is_the_factor_of_a_wave(term):
    xi = torch.tensor([[1.0, -2.0], [0.0, 0.0], [math.pi, 5.0]], dtype=X.dtype)
    symbol = term.symbol(xi)
    assert (symbol is not None) == (term.linear and term.constant)
    for k, wave in enumerate(xi.tolist() if symbol is not None else ()):
        phase = f"({wave[0]!r})*x + ({wave[1]!r})*y"
        found = torch.complex(applied(term, field(f"cos({phase})")), applied(term, field(f"sin({phase})")))
        torch.testing.assert_close(
            found, symbol[k] * torch.exp(1j * (X @ xi[k])), rtol=0, atol=1e-12 * (1 + float(abs(symbol[k])))
        )


@ALL
def test_a_term_can_be_converted_to_single_precision(term):
    like = torch.empty(0, dtype=torch.float32)
    u, q = (t.float() for t in draw())
    found = [*term.weak(X).to(like).densities(u, q), *term.weak(X).to(like).slopes(u, q)[:3], term.strong(X).to(like).lower(u, q)]
    assert {t.dtype for t in found if t is not None} <= {torch.float32}


def test_every_registered_term_has_an_example():
    assert {name for name, _ in CASES} == {*TERMS}

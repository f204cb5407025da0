"""The self-scaled Broyden method: secant condition, definiteness, invariance, termination on quadratics."""

import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError
from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.ssbroyden import Scaling, SsBroydenStepper, updated
from pdefreq.parts import SsBroyden
from tests.iterations.toys import Plain, quadratic
from tests.iterations.training.test_lbfgs import descend as with_lbfgs
from tests.iterations.training.test_lbfgs import rosenbrock, until_done

SEEDS = st.integers(0, 2**31 - 1)


def descend(functional, number):
    iteration = with_lbfgs(functional, number)
    iteration._stepper = SsBroydenStepper()
    return iteration


def matrices(seed, number, spread=2.0):
    """A symmetric positive definite H with condition up to 10^(2 spread), B s and a y with s . y > 0."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.linalg.qr(torch.randn(number, number, generator=generator, dtype=torch.float64))[0]
    eigenvalues = 10 ** (spread * (2 * torch.rand(number, generator=generator, dtype=torch.float64) - 1))
    h, b = (basis * eigenvalues) @ basis.T, (basis / eigenvalues) @ basis.T
    s, y = (torch.randn(number, generator=generator, dtype=torch.float64) for _ in range(2))
    return (h + h.T) / 2, s, y * s.dot(y).sign(), b @ s


@given(SEEDS, st.integers(2, 12), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_update_satisfies_the_secant_condition_and_stays_symmetric_and_positive_definite(seed, number, first):
    h, s, y, load = matrices(seed, number)
    found = updated(h, s, y, load, first=first)
    assert torch.equal(found, found.T)
    # products lose digits by the size of the terms that cancel, |H+| |y|
    torch.testing.assert_close(found @ y, s, rtol=0, atol=1e-13 * float(found.norm() * y.norm()) + 1e-13)
    least, *_, largest = torch.linalg.eigvalsh(found).tolist()
    assert least > -1e-14 * largest  # eigenvalues below the rounding error of the largest are not resolved


def published(b, h, number, *, first):
    """tau and theta as published, without protection against cancellation (arXiv 2405.04230, equations 13-23)."""
    a = b * h - 1
    rho_minus = min(1.0, h * (1 - math.sqrt(a / (1 + a))))
    theta = max((rho_minus - 1) / a, min(1 / rho_minus, (1 - b) / b))
    sigma = 1 + a * theta
    if first:
        return h / sigma, theta
    rho, power = min(1.0, 1 / b), sigma ** (1 / (1 - number))
    return (min(rho * power, sigma) if theta <= 0 else rho * min(power, 1 / theta)), theta


@given(SEEDS, st.integers(2, 10), st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_update_is_the_inverse_of_the_published_update_of_the_hessian(seed, number, first):
    """B+ = tau (B - B s s^T B / s^T B s + theta s^T B s w w^T) + y y^T / s^T y with w = y / s^T y - B s / s^T B s."""
    h, s, y, load = matrices(seed, number, spread=0.5)
    if float(s.dot(y)) < 0.05 * float(s.norm() * y.norm()):
        return  # the condition number of B+ would cost the digits that are compared
    sy, sbs, b = float(s.dot(y)), float(s.dot(load)), torch.linalg.inv(h)
    tau, theta = published(sbs / sy, float(y.dot(h @ y)) / sy, number, first=first)
    w = y / sy - load / sbs
    hessian = tau * (b - torch.outer(load, load) / sbs + theta * sbs * torch.outer(w, w)) + torch.outer(y, y) / sy
    product = updated(h, s, y, load, first=first) @ hessian
    torch.testing.assert_close(product, torch.eye(number, dtype=torch.float64), rtol=0, atol=1e-8)


@given(SEEDS, st.integers(2, 8))
@settings(max_examples=40, deadline=None)
def test_the_smallest_eigenvalue_is_positive_beyond_rounding(seed, number):
    """det H+ = det H tau^(1 - P) (s . y / y^T H y) (1 + phi a) / ..., all factors positive: of well-conditioned matrices."""
    h, s, y, load = matrices(seed, number, spread=0.5)
    if float(s.dot(y)) > 0.05 * float(s.norm() * y.norm()):
        assert float(torch.linalg.eigvalsh(updated(h, s, y, load))[0]) > 0


@given(st.floats(1e-6, 1e6), st.floats(1.0 + 1e-9, 1e9), st.integers(2, 10_000), st.booleans())
def test_the_parameters_are_admissible(b, product, number, first):
    """tau > 0, and 1 + phi a > 0 in the inverse form: both are needed for positive definiteness."""
    scaling = Scaling.of(b, product / b, number, first=first)
    assert 0 < scaling.tau < math.inf
    a = product - 1
    assert 1 + scaling.phi * a > 0
    if not first:
        assert scaling.tau <= 1 + 1e-12  # H is only ever enlarged


def test_parallel_changes_give_the_same_matrix_for_each_member_of_the_family():
    """If y = B s / b, then v = 0 and H+ = (H - s s^T / s . y b^2 ...) has the inverse curvature along s alone."""
    h, s, _, load = matrices(3, 5)
    found = updated(h, s, 2 * load, load)  # the objective is twice as curved as the matrix: b = 1/2, tau = 1
    expected = h - torch.outer(s, s) / (2 * float(s.dot(load)))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_quadratic_is_minimized_to_rounding_in_a_few_times_its_dimension():
    """With exact line searches every member of the Broyden family ends after n steps (Nocedal and Wright, theorem 6.4)."""
    n = 6
    functional = quadratic(n)
    state, steps = until_done(descend(functional, n), 60)
    expected = torch.linalg.solve(functional.matrix, functional.load)
    torch.testing.assert_close(state.coefficients, expected, rtol=0, atol=1e-6)  # as in test_lbfgs
    assert state.done and steps < 60


def test_with_exact_line_searches_a_quadratic_ends_after_n_steps():
    n = 5
    functional = quadratic(n)
    a, c = functional.matrix, torch.ones(n, dtype=torch.float64)
    h, first = torch.eye(n, dtype=torch.float64), True
    start = float(functional.gradient(c).norm())
    for _ in range(n):
        g = functional.gradient(c)
        d = -h @ g
        length = -float(g.dot(d) / d.dot(a @ d))
        c = c + length * d
        h, first = updated(h, length * d, functional.gradient(c) - g, -length * g, first=first), False
    assert float(functional.gradient(c).norm()) < 1e-9 * start  # rounding times the condition number, about 1e3, and growth


def test_rosenbrock_is_minimized_in_as_many_steps_as_bfgs():
    functional = Functional([Plain("valley", rosenbrock)])
    iteration = descend(functional, 10)
    start = iteration.init().coefficients.numpy().copy()
    reference = scipy.optimize.minimize(
        lambda c: tuple(np.asarray(t) for t in functional.value_and_gradient(torch.from_numpy(c))),
        start, jac=True, method="BFGS", options={"gtol": 1e-8},
    )  # fmt: skip
    state, steps = until_done(iteration, 3 * reference.nit)
    assert float(functional.value(state.coefficients)) < 1e-12
    assert steps <= 3 * reference.nit


def test_the_size_of_the_objective_has_no_influence_after_the_first_step():
    """The first scaling replaces the identity by the inverse curvature: iterates of f and of 4^5 f agree to rounding."""
    n, factor = 5, 4.0**5
    plain = quadratic(n)
    iterates = []
    for functional in (
        plain.weighted({"quadratic": 1e3, "linear": 1e3}),
        plain.weighted(dict.fromkeys(plain.names, 1e3 * factor)),
    ):
        iteration = descend(functional, n)
        state = iteration.init()
        for _ in range(6):  # gradients are longer than one in the first step, so that its length is one
            state = iteration.step(state)
        iterates.append(state.coefficients.clone())
    torch.testing.assert_close(iterates[0], iterates[1], rtol=1e-6, atol=1e-6)  # rounding errors grow by the condition number


def test_memory_is_limited():
    SsBroyden().require_memory(1, 11_585)
    with pytest.raises(
        OptionError, match=r"ssbroyden would hold a matrix of 11,586 x 11,586 entries, 1.0 GiB, .* optimizer=lbfgs"
    ):
        SsBroyden().require_memory(1, 11_586)

"""Predicted dynamics compared with iterations in the coefficients, which are implemented here."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.theory.dynamics import (
    GaussNewtonFilter,
    GradientDescentFilter,
    GradientFlowFilter,
    HeavyBallFilter,
    LinearDynamics,
    dynamics_from_factor,
    dynamics_from_kernel,
    gauss_newton_certificate,
    gauss_newton_residual,
)

STEPS = torch.tensor([0, 1, 2, 3, 10, 100, 1000])


def normal(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def descend(factor, gradient, probe, start, rate, steps):
    """``c <- c - rate (F^T F c + G)`` from c = 0, one step at a time."""
    c, rows = torch.zeros_like(gradient), {0: start}
    for t in range(1, int(steps.max()) + 1):
        c = c - rate * (factor.T @ (factor @ c) + gradient)
        rows[t] = start + probe @ c
    return torch.stack([rows[t] for t in steps.tolist()])


def two_layer(width=200, n=20):
    """Jacobian of a random two-layer ReLU network at n points and at 31 other points, by its formula."""
    a, w, b = normal(width), normal(width, seed=1), normal(width, seed=2)
    scale = width**-0.5

    def jacobian(x):
        h = x[:, None] * w + b
        return scale * torch.cat([h.relu(), a * (h > 0) * x[:, None], a * (h > 0)], dim=1)

    return jacobian(torch.linspace(-1, 1, n, dtype=torch.float64)), jacobian(torch.linspace(-1, 1, 31, dtype=torch.float64))


def test_gradient_descent_of_a_linearized_network():
    """Within 1e-10 of the initial norm at the data and between them, from the factor and from kernels alone."""
    f, j = two_layer()
    r, e = normal(20, seed=3), normal(31, seed=4)
    rate = 1.5 / float(torch.linalg.matrix_norm(f, 2)) ** 2
    for probe, start in ((f, r), (j, e)):
        measured = descend(f, f.T @ r, probe, start, rate, STEPS)
        for dynamics in (
            dynamics_from_factor(f, probe, f.T @ r, start),
            dynamics_from_kernel(f @ f.T, probe @ f.T, r, start),
        ):
            predicted = dynamics.errors(GradientDescentFilter(rate), STEPS)
            assert (predicted - measured).norm(dim=1).max() <= 1e-10 * start.norm()


def test_each_eigenvector_of_the_kernel_decays_independently():
    """By the factor (1 - eta kappa)^t, with alternating signs if eta kappa > 1."""
    f, _ = two_layer()
    kappa, v = torch.linalg.eigh(f @ f.T)
    rate = 1.9 / float(kappa[-1])
    r = normal(20, seed=3)
    measured = descend(f, f.T @ r, v.T @ f, v.T @ r, rate, STEPS)
    expected = (1 - rate * kappa) ** STEPS[:, None] * (v.T @ r)
    assert (measured - expected).abs().max() <= 1e-10 * r.norm()
    predicted = dynamics_from_kernel(f @ f.T, v.T @ f @ f.T, r, v.T @ r).errors(GradientDescentFilter(rate), STEPS)
    assert (predicted - expected).abs().max() <= 1e-10 * r.norm()


def test_momentum_agrees_with_its_steps_for_every_eigenvalue():
    """Real and complex roots, the double roots at both ends of the complex interval, and negative roots up to the stable limit.

    Double roots are separated by 1e-5: an error of 1e-10 times t^2 / 2 in the slope of g_t, relative to g_t itself, which is small
    then.
    """
    eta, mu = 0.1, 0.9
    ends = [(1 - math.sqrt(mu)) ** 2 / eta, (1 + math.sqrt(mu)) ** 2 / eta]
    method = HeavyBallFilter(eta, mu)
    kappa = torch.tensor([0.0, 1e-13, 1e-3, ends[0], 0.5, 3.0, 10.0, ends[1], 0.999 * method.stable_below], dtype=torch.float64)
    position, velocity, found = torch.zeros_like(kappa), torch.zeros_like(kappa), [torch.zeros_like(kappa)]
    for _ in range(400):  # the displacement phi_t of a gradient kappa c - 1, from c = 0
        velocity = mu * velocity + (1 - kappa * position)
        position = position + eta * velocity
        found.append(position)
    steps = torch.tensor([0, 1, 2, 3, 10, 100, 400])
    measured = torch.stack(found)[steps]
    np.testing.assert_allclose(method.filter_function(kappa, steps.double()), measured, rtol=1e-7, atol=1e-7)
    small = kappa < 1e-2
    np.testing.assert_allclose(method.filter_function(kappa, steps.double())[:, small], measured[:, small], rtol=1e-9)
    np.testing.assert_allclose(method.residual_polynomial(kappa, steps.double()), 1 - kappa * measured, atol=1e-6)


@given(st.floats(0.05, 0.95), st.floats(1e-6, 0.999))
def test_the_rate_of_momentum_is_that_of_its_larger_root(mu, share):
    method = HeavyBallFilter(0.3, mu)
    kappa = torch.tensor([share * method.stable_below], dtype=torch.float64)
    roots = np.abs(np.roots([1, -(1 + mu - 0.3 * float(kappa)), mu]))
    assert method.log_residual_polynomial(kappa).item() == pytest.approx(math.log(roots.max()), abs=1e-4)  # sqrt of 1e-10
    assert roots.max() < 1
    beyond = torch.tensor([1.001 * method.stable_below], dtype=torch.float64)
    assert method.log_residual_polynomial(beyond).item() > 0


def test_gradient_flow_is_the_limit_of_gradient_descent():
    """Half the rate and twice the steps halve the distance to the flow: first order."""
    f, j = two_layer(50, 8)
    r, e = normal(8, seed=3), normal(31, seed=4)
    dynamics = dynamics_from_factor(f, j, f.T @ r, e)
    time, unit = 20.0, 1 / float(torch.linalg.matrix_norm(f, 2)) ** 2
    flow = dynamics.errors(GradientFlowFilter(), torch.tensor([time * unit]))
    distances = [
        float((dynamics.errors(GradientDescentFilter(unit / n), torch.tensor([time * n])) - flow).norm()) for n in (16, 32, 64)
    ]
    orders = np.log2(np.divide(distances[:-1], distances[1:]))
    np.testing.assert_allclose(orders, 1, atol=0.1)


def test_damped_gauss_newton_steps():
    f, j = two_layer(50, 8)
    r, e = normal(8, seed=3), normal(31, seed=4)
    damping, steps = 1e-3, torch.tensor([0, 1, 2, 7])
    c, rows = torch.zeros(f.shape[1], dtype=torch.float64), {0: e}
    for t in range(1, 8):
        residual = r + f @ c
        c = c - torch.linalg.solve(f.T @ f + damping * torch.eye(len(c)), f.T @ residual)
        rows[t] = e + j @ c
    measured = torch.stack([rows[t] for t in steps.tolist()])
    predicted = dynamics_from_factor(f, j, f.T @ r, e).errors(GaussNewtonFilter(damping), steps)
    assert (predicted - measured).abs().max() < 1e-9 * e.norm()  # the condition number of the solution above is 1e4
    once = gauss_newton_residual(f @ f.T, r, damping)
    left = dynamics_from_factor(f, f, f.T @ r, r).errors(GaussNewtonFilter(damping), torch.tensor([1]))[0]
    assert (once - left).abs().max() < 1e-12 * r.norm()


def test_an_energy_with_a_load_outside_the_range_has_linear_growth():
    """With fewer rows than coefficients and a general gradient, gradient descent grows without bound in the null space of F."""
    f, j, g, e = normal(5, 12), normal(4, 12, seed=1), normal(12, seed=2), normal(4, seed=3)
    rate = 1 / float(torch.linalg.matrix_norm(f, 2)) ** 2
    measured = descend(f, g, j, e, rate, STEPS)
    dynamics = dynamics_from_factor(f, j, g, e)
    assert dynamics.secular_rate.norm() > 0.1
    predicted = dynamics.errors(GradientDescentFilter(rate), STEPS)
    assert (predicted - measured).abs().max() <= 1e-10 * measured.abs().max()


@pytest.mark.parametrize("digits", [8, 16, 24])
def test_ill_conditioned_and_singular_kernels(digits):
    """Singular values of F down to 10^-digits, and two equal rows: gradient descent and theory agree, and are finite."""
    q, _ = torch.linalg.qr(normal(30, 10))
    f = torch.linalg.qr(normal(10, 10, seed=1))[0] @ torch.diag(torch.logspace(0, -digits, 10, dtype=torch.float64)) @ q.T
    f = torch.cat([f, f[:1]])
    r, j, e = normal(11, seed=2), normal(6, 30, seed=3), normal(6, seed=4)
    measured = descend(f, f.T @ r, j, e, 0.4, STEPS)
    scale = e.norm()
    exact = dynamics_from_factor(f, j, f.T @ r, e).errors(GradientDescentFilter(0.4), STEPS)
    assert (exact - measured).abs().max() <= 1e-10 * scale
    from_kernel = dynamics_from_kernel(f @ f.T, j @ f.T, r, e).errors(GradientDescentFilter(0.4), STEPS)
    assert (from_kernel - measured).abs().max() <= 1e-10 * scale
    assert dynamics_from_kernel(f @ f.T, j @ f.T, r, e).errors(GradientDescentFilter(0.4), torch.tensor([10**9])).isfinite().all()


@given(st.floats(1e-18, 1), st.integers(0, 10**18))
def test_powers_are_accurate_where_one_minus_eta_kappa_rounds_to_one(kappa, t):
    """Against log(1 - x) = -x - x^2/2 for tiny x, and log1p otherwise."""
    method, k, steps = (
        GradientDescentFilter(0.5),
        torch.tensor([kappa], dtype=torch.float64),
        torch.tensor([float(t)], dtype=torch.float64),
    )
    exponent = t * math.log1p(-0.5 * kappa)
    assert method.residual_polynomial(k, steps).item() == pytest.approx(math.exp(exponent), rel=1e-12, abs=1e-300)
    assert method.filter_function(k, steps).item() == pytest.approx(-math.expm1(exponent) / kappa, rel=1e-12)


def test_the_null_space_is_the_limit_of_small_eigenvalues():
    steps = torch.tensor([0.0, 1, 2, 50], dtype=torch.float64)
    for method in (GradientDescentFilter(0.3), GradientFlowFilter(), GaussNewtonFilter(0.2)):
        zero, small = (method.filter_function(torch.tensor([k], dtype=torch.float64), steps) for k in (0.0, 1e-12))
        assert torch.allclose(zero, small, rtol=1e-9)
        assert torch.allclose(method.residual_polynomial(torch.tensor([0.0]), steps), torch.ones(4, 1, dtype=torch.float64))


def test_gradient_descent_diverges_for_large_rates_and_ends_in_one_step_at_the_exact_rate():
    method, steps = GradientDescentFilter(1.0), torch.tensor([0.0, 1, 2, 3], dtype=torch.float64)
    residual = method.residual_polynomial(torch.tensor([3.0, 1.0], dtype=torch.float64), steps)
    assert torch.allclose(residual, torch.tensor([[1.0, 1], [-2, 0], [4, 0], [-8, 0]], dtype=torch.float64), rtol=1e-14)
    filtered = method.filter_function(torch.tensor([3.0, 1.0], dtype=torch.float64), steps)
    assert torch.allclose(filtered, torch.tensor([[0.0, 0], [1, 1], [-1, 1], [3, 1]], dtype=torch.float64), rtol=1e-14)


def test_initial_and_asymptotic_rates_agree_with_the_curves():
    """Eigenvalues 1, 1/2, 1/10. Modes contain all three eigenvectors, except the last mode, which is the second eigenvector."""
    u = torch.linalg.qr(normal(3, 3))[0]
    f = u @ torch.diag(torch.tensor([1.0, 0.5, 0.1], dtype=torch.float64).sqrt())
    r, modes = normal(3, seed=3), torch.cat([torch.eye(3, dtype=torch.float64), u[:, 1:2]], dim=1)
    method = GradientDescentFilter(0.9)
    dynamics = dynamics_from_factor(f, modes.T @ f, f.T @ r, modes.T @ r)
    curves = dynamics.errors(method, torch.tensor([0, 1, 20, 21, 150, 151]))
    assert torch.allclose(dynamics.initial_rates(method), 1 - curves[1] / curves[0], rtol=1e-12)
    measured = torch.log(curves[[4, 4, 4, 2], range(4)] / curves[[5, 5, 5, 3], range(4)])
    assert torch.allclose(dynamics.asymptotic_rates(method), measured, rtol=1e-6)  # the others are (0.55 / 0.91)^150
    still = dynamics_from_factor(f, f, torch.zeros(3, dtype=torch.float64), r)
    assert still.asymptotic_rates(method).isnan().all()


def test_growing_components_dominate_asymptotically():
    """The factor is 1 - 3 = -2 in a direction with 1e-9 of the error; without a minimum the error is linear in t."""
    kappa, start = torch.tensor([3.0, 0.5], dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    response = kappa * torch.tensor([[1e-9, 1 - 1e-9]], dtype=torch.float64)
    dynamics, method = LinearDynamics(kappa, response, torch.zeros(1, dtype=torch.float64), start), GradientDescentFilter(1.0)
    late = dynamics.errors(method, torch.tensor([100, 101])).abs()
    assert float(dynamics.asymptotic_rates(method)) == pytest.approx(float(torch.log(late[0] / late[1])), rel=1e-9)
    assert float(dynamics.asymptotic_rates(method)) == pytest.approx(-math.log(2))
    falling = LinearDynamics(kappa, response, torch.full((1,), 1e-6, dtype=torch.float64), start)
    assert falling.asymptotic_rates(GradientDescentFilter(0.1)).isnan().all()  # decreases first, then increases by 1e-7 per step
    assert float(falling.errors(GradientDescentFilter(0.1), torch.tensor([10**8]))) == pytest.approx(-10, rel=1e-9)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(1e-6, 1e2), st.floats(0, 3))
def test_the_certificate_holds_for_every_mode_of_nonlinear_problems(seed, damping, bend):
    """|v_k.r+| <= q_k |r| + |r(c + d) - r - J d| is a theorem, up to rounding."""
    matrix, target, c = normal(6, 9, seed=seed), normal(6, seed=seed + 1), normal(9, seed=seed + 2)
    residual = lambda c: torch.sin(bend * matrix @ c) + matrix @ c - target  # noqa: E731
    f, r = torch.func.jacrev(residual)(c), residual(c)
    step = -torch.linalg.solve(f.T @ f + damping * torch.eye(9), f.T @ r)
    after = residual(c + step)
    modes = torch.linalg.qr(normal(6, 6, seed=seed + 3))[0]
    bound = gauss_newton_certificate(f @ f.T, modes, damping) * r.norm() + (after - r - f @ step).norm()
    assert ((modes.T @ after).abs() <= bound * (1 + 1e-9) + 1e-9 * r.norm()).all()


def test_the_certificate_is_not_relative_to_the_mode_itself():
    """A mode that is zero before a step can be nonzero after it: the bound contains |r|, not |v_k.r|."""
    kernel = torch.tensor([[2.0, 1.0], [1.0, 2.0]], dtype=torch.float64)
    after = gauss_newton_residual(kernel, torch.tensor([1.0, 0.0], dtype=torch.float64), 1.0)
    assert after[1].abs() > 0.1

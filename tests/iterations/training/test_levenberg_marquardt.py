"""Gauss-Newton steps against closed forms, the certificate of every mode, and the laws of a damped method."""

import math

import numpy as np
import pytest
import scipy.optimize
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.fields import ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
from pdefreq.iterations.training.quadratic_model import QuadraticModel
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.spectral.sine_series import SineSeries
from pdefreq.spectrum.modes import make_modes
from pdefreq.theory.dynamics import GaussNewtonFilter, gauss_newton_certificate, gauss_newton_residual
from tests.iterations.toys import Constant, Numbers, Plain, Rows, quadratic

LIKE = torch.empty(0, dtype=torch.float64)


def lower(functional, number, damping=None):
    return TrainingIteration(Numbers(number), Constant(functional), LevenbergMarquardtStepper(damping), seed=0, like=LIKE)


def rows(n, p, seed=0):
    generator = stream(seed, "test")
    return Rows(
        "rows",
        torch.randn(n, p, generator=generator, dtype=torch.float64),
        torch.randn(n, generator=generator, dtype=torch.float64),
    )


def until_done(iteration, most):
    state = iteration.init()
    for step in range(most):
        state = iteration.step(state)
        if state.done:
            return state, step + 1
    return state, most


@pytest.mark.parametrize(("n", "p"), [(9, 5), (5, 9), (6, 6)])
@pytest.mark.parametrize("damping", [1e-6, 1e-2, 1.0, 1e3])
def test_a_step_solves_the_damped_equations_in_coefficient_space_and_in_row_space(n, p, damping):
    """Against least squares with an augmented matrix: normal equations lose at most the factor cond^2 = 1 + s^2 / lambda."""
    block = rows(n, p)
    c = torch.randn(p, generator=stream(1, "test"), dtype=torch.float64)
    model = QuadraticModel.at(Functional([block]), c)
    assert model.system.is_dual == (n < p)
    augmented = torch.cat([block.matrix, math.sqrt(damping) * torch.eye(p, dtype=torch.float64)])
    right = torch.cat([-block.residual(c), torch.zeros(p, dtype=torch.float64)])
    expected = np.linalg.lstsq(augmented.numpy(), right.numpy(), rcond=None)[0]
    largest = float(torch.linalg.matrix_norm(block.matrix, 2)) ** 2
    np.testing.assert_allclose(
        model.step(damping), expected, rtol=0, atol=1e-14 * (1 + largest / damping) * np.linalg.norm(expected)
    )


@settings(max_examples=30, deadline=None)
@given(n=st.integers(1, 8), p=st.integers(1, 8), exponent=st.floats(-3, 3), seed=st.integers(0, 10**6))
def test_the_predicted_decrease_is_exact_for_squares_of_linear_rows(n, p, exponent, seed):
    """For them the model is exact, so that the gain ratio is one."""
    functional = Functional([rows(n, p, seed)])
    c = torch.randn(p, generator=stream(seed, "start"), dtype=torch.float64)
    model = QuadraticModel.at(functional, c)
    d = model.step(10**exponent)
    # differences of numbers of the size of the objective
    assert model.decrease(d) == pytest.approx(model.objective - float(functional.value(c + d)), abs=1e-13 * model.objective)
    assert model.decrease(d) >= 0


def test_one_undamped_step_minimizes_squares_of_linear_rows():
    block = rows(9, 5)
    iteration = lower(Functional([block]), 5, damping=0.0)
    found = iteration.step(iteration.init()).coefficients
    expected = np.linalg.lstsq(block.matrix.numpy(), block.load.numpy(), rcond=None)[0]
    # the smallest damping, n eps tr(F^T F), over the smallest eigenvalue: about 1e-13
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.linalg.norm(expected))


def test_one_undamped_step_minimizes_an_energy_on_a_linear_space():
    """F^T F is the Hessian, so that this is a Newton step. For -u'' = f in sines, coefficient k is that of f over k^2."""
    weights = {1: 1.0, 4: 0.5, 7: -2.0}
    box = Box((0.0,), (math.pi,))
    problem = Problem(domain=box, source=lambda x: sum(w * torch.sin(k * x[:, 0]) for k, w in weights.items()), boundary=0.0)
    space = SineSeries(box, (8,), ConstantField(0.0))
    functional = RitzEnergy(problem, space, box.quadrature(200), like=LIKE)
    found = QuadraticModel.at(functional, torch.zeros(8, dtype=torch.float64)).step(0.0)
    x = box.quadrature(50).x
    exact = sum(w / k**2 * torch.sin(k * x[:, 0]) for k, w in weights.items())
    # the rule integrates products of these sines up to rounding
    torch.testing.assert_close(space.at(x).value(found), exact, rtol=0, atol=1e-12)


def rosenbrock_rows(c):
    return torch.cat([10 * (c[1:] - c[:-1].square()), 1 - c[:-1]])


class Curved(Rows):
    """Rosenbrock's function as squares: |r|^2 / 2."""

    def __init__(self):
        super().__init__("valley", None, None)

    def residual(self, c):
        return rosenbrock_rows(c)

    def gauss_newton_factor(self, c):
        n = len(c)
        slope = torch.eye(n, dtype=c.dtype).roll(1, dims=1)[:-1] * 10
        slope[range(n - 1), range(n - 1)] = -20 * c[:-1].detach()
        return torch.cat([slope, -torch.eye(n, dtype=c.dtype)[:-1]])


def test_rosenbrock_is_minimized():
    """In 10 unknowns the minimum is zero at (1, ..., 1), and the Levenberg-Marquardt method of MINPACK finds it, too."""
    iteration = lower(Functional([Curved()]), 10)
    start = iteration.init().coefficients.numpy().copy()
    reference = scipy.optimize.least_squares(
        lambda c: rosenbrock_rows(torch.from_numpy(c)).numpy(), start, method="lm", xtol=1e-15, ftol=1e-15, gtol=1e-15
    )
    state, steps = until_done(iteration, 200)
    np.testing.assert_allclose(reference.x, 1, atol=1e-12)
    # for a zero residual the convergence is superlinear, down to rounding of the residual
    torch.testing.assert_close(state.coefficients, torch.ones(10, dtype=torch.float64), rtol=0, atol=1e-12)
    assert steps <= 200


def test_the_objective_decreases_in_every_accepted_step():
    functional = Functional([Curved()])
    iteration = lower(functional, 6)
    state, values = iteration.init(), []
    for _ in range(60):
        values.append(float(functional.value(state.coefficients)))
        state = iteration.step(state)
        if state.done:
            break
    assert all(b < a for a, b in zip(values, values[1:], strict=False))
    assert len(values) > 5


def test_the_iteration_is_done_if_the_model_predicts_no_decrease():
    iteration = lower(Functional([rows(9, 5)]), 5)
    state, steps = until_done(iteration, 50)
    assert state.done and steps < 50
    again = iteration.step(state)
    assert again.done and torch.equal(again.coefficients, state.coefficients)


@pytest.mark.parametrize("scale", [1e-8, 1e8])
def test_scaling_the_objective_does_not_change_the_steps(scale):
    """The initial damping is proportional to F^T F, and gain ratios are quotients."""
    functional = Functional([Curved()])
    ends = []
    for same in (functional, functional.weighted({"valley": scale})):
        iteration = lower(same, 6)
        state = iteration.init()
        for _ in range(8):
            state = iteration.step(state)
        ends.append(state.coefficients)
    torch.testing.assert_close(ends[0], ends[1], rtol=1e-6, atol=0)  # rounding, amplified by eight steps along a curved valley


@pytest.mark.parametrize("scale", [0.0, math.nan])
def test_gauss_newton_factors_of_nothing_and_of_no_number_end(scale):
    """A dead network has F = 0, and the iteration is done. A nonfinite F gives nonfinite coefficients, which the loop detects."""
    block = rows(4, 3)
    block.matrix = scale * block.matrix
    state = lower(Functional([block]), 3)
    state = (iteration := state).step(iteration.init())
    if scale == 0:
        assert iteration.step(state).done and state.coefficients.isfinite().all()
    else:
        assert state.coefficients.isnan().all()


def test_an_energy_with_zero_factor_takes_damped_gradient_steps():
    """The energy -b.c has F = 0: it has no quadratic part, and each step is lambda^-1 b."""
    b = torch.arange(1.0, 4.0, dtype=torch.float64)

    class Load(Plain):
        def gauss_newton_factor(self, c):
            return c.new_zeros(1, len(c))

    functional = Functional([Load("load", lambda c: -b @ c)])
    torch.testing.assert_close(QuadraticModel.at(functional, torch.zeros_like(b)).step(0.5), b / 0.5)


def test_gauss_newton_in_single_precision():
    functional = quadratic(dtype=torch.float32)
    exact = torch.linalg.cholesky(functional.matrix).T

    class Exact(Functional):
        def gauss_newton_factor(self, c):
            return exact

    whole = Exact(functional.blocks)
    iteration = TrainingIteration(Numbers(6), Constant(whole), LevenbergMarquardtStepper(), seed=0, like=torch.empty(0))
    state, _ = until_done(iteration, 100)
    assert state.coefficients.dtype == torch.float32 and state.done


CASES = {  # a functional of every kind, with more rows than coefficients and with fewer
    "residual": ("poisson", {"number": 40}),
    "residual, few coefficients": ("poisson", {"number": 60, "widths": (5,)}),
    "residual, penalty": ("poisson-boltzmann", {"number": 40, "boundary": "penalty", "widths": (6, 6)}),
    "p-laplacian": ("p-laplacian", {"loss": "residual", "number": 30, "widths": (6, 6)}),
    "plane": ("quadratic", {"number": 49, "widths": (8, 8)}),
    "misfit": ("tones", {"loss": "misfit", "widths": (8, 8)}),
    "gradient of a misfit": ("tones-known", {"loss": "misfit", "gradient": 1.0, "number": 40, "widths": (8, 8)}),
}


def prepared(case, **options):
    problem, chosen = CASES[case]
    solver = make_solver("gauss-newton", chosen | options)
    return solver.prepare(load_problem(problem).blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)


@pytest.mark.parametrize("fixed", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_certificate_holds_for_every_mode_in_every_step(case, fixed):
    """|v.r+| <= q |r| + |r(c + d) - r - F d|, and the linearized residual is lambda (K + lambda)^-1 r.

    Modes: all vectors of a cosine transform of the rows, complete and orthonormal.
    """
    iteration = prepared(case)
    functional, state = iteration._objectives.at(0), iteration.init()
    if fixed:
        damping = 0.1 * QuadraticModel.at(functional, state.coefficients).largest
        iteration = prepared(case, damping=damping)
    bounds = []
    for _ in range(4):
        c = state.coefficients.clone()
        f, before = functional.gauss_newton_factor(c), functional.residual(c).detach()
        state = iteration.step(state)
        d, after = state.coefficients - c, functional.residual(state.coefficients).detach()
        used = damping_of(f, before, d)
        assert not fixed or used == pytest.approx(damping, rel=1e-6)
        kernel = f @ f.T
        n = len(before)
        k, i = np.arange(n)[None], np.arange(n)[:, None]
        modes = np.cos(np.pi * (i + 0.5) * k / n) * np.sqrt(2 / n) / np.where(k == 0, np.sqrt(2), 1)
        modes = torch.from_numpy(modes)
        certificate = gauss_newton_certificate(kernel, modes, used)
        nonlinear = after - before - f @ d
        bound = certificate * before.norm() + nonlinear.norm()
        assert bool(((modes.T @ after).abs() <= bound * (1 + 1e-6)).all())  # lambda is known up to 1e-8
        left = gauss_newton_residual(kernel, before, used)
        torch.testing.assert_close(before + f @ d, left, rtol=0, atol=1e-6 * float(before.norm()))
        bounds.append(float(certificate.min()))
    assert min(bounds) < 1  # the bound is not trivial


def damping_of(f, residual, d):
    """The lambda of a step: lambda d = -F^T (r + F d), in the sense of least squares."""
    return float(-(f.T @ (residual + f @ d)) @ d / (d @ d))


@pytest.mark.parametrize("loss", ["residual", "ritz"])
def test_the_predicted_curves_agree_with_those_of_a_lazy_network(loss):
    """Small targets keep a network near its linearization: the difference is proportional to the target."""
    box, tones = Box((-1.0,), (1.0,)), (1, 2, 3)
    steps, distances = [0, 1, 2, 4, 8], []
    modes = make_modes("sine", box, [[k] for k in tones])
    for scale in (1e-3, 1e-4, 1e-5):
        waves = [(k, k * math.pi / 2) for k in tones]

        def tone(x, power, scale=scale, waves=waves):
            return scale * sum(w**power * torch.sin(w * (x[:, 0] + 1)) for _, w in waves)

        problem = Problem(domain=box, source=lambda x, t=tone: t(x, 2), boundary=0.0)
        options = {"loss": loss, "number": 60, "start": "antisymmetric", "damping": 1e-2, "activation": "tanh"}
        options |= {"scaling": "none"}  # in units of the data the network would be as far from lazy at any scale
        solver = make_solver("gauss-newton", options | {"widths": (20,), "initialization": "ntk"})
        iteration = solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
        state = iteration.init()
        space, x = state.space, modes.points(state.space)
        target = tone(x, 0)
        predicted = iteration.predict(modes, torch.tensor(steps), target, cheap=True)
        assert predicted is not None
        measured = []
        for step in range(steps[-1] + 1):
            if step in steps:
                with torch.no_grad():
                    measured.append(modes.coefficients((space.at(x).value(state.coefficients) - target).numpy(), space))
            state = iteration.step(state)
        curves = np.abs(np.array(measured)) / scale
        assert curves[-1].max() < 0.5  # all tones decrease
        distances.append(np.abs(curves - predicted.curves.abs().numpy()).max())
    assert distances[-1] < 1e-2
    np.testing.assert_array_less(0.7, -np.diff(np.log10(distances)))


def test_a_damping_far_above_the_kernel_gives_gradient_descent():
    """(F^T F + lambda)^-1 G tends to G / lambda."""
    functional = Functional([rows(9, 5)])
    c = torch.randn(5, generator=stream(3, "test"), dtype=torch.float64)
    step = QuadraticModel.at(functional, c).step(1e8)
    torch.testing.assert_close(step, -functional.gradient(c) / 1e8, rtol=1e-6, atol=0)  # |F|^2 / lambda: about 1e-7


def test_the_filter_uses_the_eigenvalues_of_the_linearization():
    """One damped step of a linear model multiplies each eigenvector by lambda / (kappa + lambda)."""
    kappa = torch.tensor([1e3, 1.0, 1e-4], dtype=torch.float64)
    left = GaussNewtonFilter(1e-2).residual_polynomial(kappa, torch.tensor([1]))[0]
    torch.testing.assert_close(left, 1e-2 / (kappa + 1e-2), rtol=1e-12, atol=0)

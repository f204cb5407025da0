import numpy as np
import pytest
import scipy.optimize
import torch

from pdefreq.core.streams import stream
from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.lbfgs import LbfgsStepper, two_loop
from pdefreq.iterations.training.levenberg_marquardt import LevenbergMarquardtStepper
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver
from tests.iterations.toys import Changing, Constant, Numbers, Plain, Rows, quadratic

LIKE = torch.empty(0, dtype=torch.float64)


def descend(functional, number, pairs=20, like=LIKE):
    return TrainingIteration(Numbers(number), Constant(functional), LbfgsStepper(pairs), seed=0, like=like)


def until_done(iteration, most):
    state = iteration.init()
    for step in range(most):
        state = iteration.step(state)
        if state.done:
            return state, step + 1
    return state, most


def test_the_direction_agrees_with_the_inverse_hessian_of_scipy():
    """SciPy starts from the identity; scaling every y and the product by gamma is equivalent to a start from gamma I."""
    generator = stream(0, "test")
    s, y = (torch.randn(5, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    y = y * (s * y).sum(dim=1, keepdim=True).sign()  # positive curvature
    g = torch.randn(8, generator=generator, dtype=torch.float64)
    gamma = float((s[-1] @ y[-1]) / (y[-1] @ y[-1]))
    expected = gamma * scipy.optimize.LbfgsInvHessProduct(s.numpy(), gamma * y.numpy()).matvec(g.numpy())
    np.testing.assert_allclose(two_loop(s, y, g).numpy(), expected, rtol=1e-10)


def test_a_quadratic_is_minimized_to_rounding():
    """With as many pairs as unknowns, it is near the minimum in a few times n steps (n with exact searches), and then done."""
    n = 6
    functional = quadratic(n)
    state, steps = until_done(descend(functional, n), 60)
    expected = torch.linalg.solve(functional.matrix, functional.load)
    # error of the coefficients: root of the rounding error of the objective, times the root of the condition number, 1e3
    torch.testing.assert_close(state.coefficients, expected, rtol=0, atol=1e-6)
    assert state.done and steps < 60
    reference = scipy.optimize.minimize(lambda c: float(functional.value(torch.from_numpy(c))), np.zeros(n), method="L-BFGS-B")
    assert float(functional.value(state.coefficients)) <= reference.fun + 1e-12


@pytest.mark.parametrize(("stiffness", "first"), [(0.5, 0.5), (1e4, 1.0)])
def test_the_first_trial_step_is_minus_the_gradient_with_a_length_of_at_most_one(stiffness, first):
    """a c^2 / 2 with |c| = 1 initially; for a = 1/2 the step halves the slope, which the line search accepts: one trial."""
    seen = []

    def bowl(c):
        seen.append(float(c.detach()))
        return stiffness * c.square().sum() / 2

    iteration = descend(Functional([Plain("bowl", bowl)]), 1)
    state = iteration.init()
    state.coefficients.copy_(state.coefficients.sign())
    start = float(state.coefficients)
    end = float(iteration.step(state).coefficients)
    trials = [abs(c - start) for c in seen if c != start]
    assert trials[0] == pytest.approx(first, rel=1e-12)
    if stiffness == 0.5:
        assert abs(end) == pytest.approx(0.5, rel=1e-12) and set(trials) == {trials[0]}


def rosenbrock(c):
    return (100 * (c[1:] - c[:-1].square()).square() + (1 - c[:-1]).square()).sum()


def test_rosenbrock_is_minimized():
    """In 10 unknowns the minimum is 0 at (1, ..., 1); the L-BFGS method of SciPy needs about as many gradients."""
    functional = Functional([Plain("valley", rosenbrock)])
    iteration = descend(functional, 10)
    start = iteration.init().coefficients.numpy().copy()
    reference = scipy.optimize.minimize(
        lambda c: tuple(np.asarray(t) for t in functional.value_and_gradient(torch.from_numpy(c))),
        start, jac=True, method="L-BFGS-B", options={"maxcor": 20, "ftol": 0, "gtol": 1e-8},
    )  # fmt: skip
    state, steps = until_done(iteration, 3 * reference.nit)
    assert float(functional.value(state.coefficients)) < 1e-12
    assert steps <= 3 * reference.nit


def test_the_objective_never_increases():
    functional = Functional([Plain("valley", rosenbrock)])
    iteration = descend(functional, 6, pairs=3)
    state, values = iteration.init(), []
    for _ in range(40):
        values.append(float(functional.value(state.coefficients)))
        state = iteration.step(state)
    assert all(b <= a for a, b in zip(values, values[1:], strict=False))


def test_the_iteration_is_done_if_no_step_lowers_the_objective():
    functional = quadratic()
    iteration = descend(functional, 6)
    state, _ = until_done(iteration, 60)
    again = iteration.step(state)
    assert again.done and torch.equal(again.coefficients, state.coefficients)


@pytest.mark.parametrize("optimizer", [LbfgsStepper(), LevenbergMarquardtStepper()])
def test_the_minimum_of_a_temporary_functional_does_not_end_the_run(optimizer):
    """The first functional is minimal after a few steps but is used for 40; the minimum of the second one then ends the run."""
    a, b = torch.eye(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    first, second = (Functional([Rows("rows", a, shift * b)]) for shift in (1.0, -2.0))
    iteration = TrainingIteration(Numbers(3), Changing(first, second, at=40), optimizer, seed=0, like=LIKE)
    state = iteration.init()
    for step in range(40):
        state = iteration.step(state)
        assert not state.done, step
    # squares are minimal up to rounding, the shift up to the root of it
    torch.testing.assert_close(state.coefficients, b, rtol=0, atol=1e-7)
    while not state.done and int(state.memory["steps"]) < 80:
        state = iteration.step(state)
    assert state.done
    torch.testing.assert_close(state.coefficients, -2 * b, rtol=0, atol=1e-7)


def test_the_minimum_of_balanced_terms_does_not_end_the_run():
    """Gauss-Newton minimizes the residual of two units at six points to rounding in 29 steps; step 40 changes the weights."""
    small = {"widths": [2], "number": 6, "boundary": "penalty", "beta": 1.0, "optimizer": "gauss-newton", "balance_every": 40}
    iteration = make_solver("pinn", small).prepare(
        load_problem("quadratic").blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state = iteration.init()
    for _ in range(50):
        state = iteration.step(state)
        assert not state.done


def test_pairs_are_discarded_when_the_functional_changes():
    first, second = quadratic(), Functional([Plain("valley", rosenbrock)])

    class Alternating(Constant):
        def at(self, step):
            return second if step >= 5 else first

        def key(self, step):
            return step >= 5

    iteration = TrainingIteration(Numbers(6), Alternating(None), LbfgsStepper(), seed=0, like=LIKE)
    state = iteration.init()
    for _ in range(5):
        state = iteration.step(state)
    assert int(state.memory["kept"]) > 1
    c = state.coefficients.clone()
    state = iteration.step(state)
    assert int(state.memory["kept"]) == 1
    direction = -second.gradient(c)
    cosine = torch.nn.functional.cosine_similarity(state.coefficients - c, direction, dim=0)
    assert float(cosine) == pytest.approx(1, abs=1e-12)  # along the new gradient


def test_lbfgs_in_single_precision():
    functional = quadratic(dtype=torch.float32)
    state, _ = until_done(descend(functional, 6, like=torch.empty(0)), 60)
    assert state.coefficients.dtype == torch.float32 and state.done
    expected = torch.linalg.solve(functional.matrix.double(), functional.load.double())
    assert float(functional.value(state.coefficients)) == pytest.approx(float(-functional.load.double() @ expected / 2), rel=1e-4)

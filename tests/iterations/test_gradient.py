from dataclasses import dataclass

import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.functionals.functional import Functional
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.sampling import Sampling
from pdefreq.iterations.gradient import Adam, Gradient, GradientDescent
from pdefreq.problem import Problem
from pdefreq.spaces.mlp import Mlp
from pdefreq.spaces.trial_space import Network
from pdefreq.streams import stream

LIKE = torch.empty(0, dtype=torch.float64)
BOX = Box((0.0, 0.0), (1.0, 1.0))


@dataclass(frozen=True)
class Numbers(Network):
    """Coefficients and nothing else."""

    number: int

    @property
    def shapes(self):
        return {"c": (self.number,)}

    smoothness = 0

    def initialize(self, stream):
        return torch.randn(self.number, generator=stream, dtype=torch.float64)

    def at(self, x):
        raise NotImplementedError


class Quadratic(Functional):
    """c^T A c / 2 - b^T c."""

    order = 0
    tends_to_zero = False

    def __init__(self, matrix, load):
        self.matrix, self.load = matrix, load

    def terms(self, c):
        return {"quadratic": c @ self.matrix @ c / 2, "linear": -self.load @ c}


def quadratic(number=6):
    generator = stream(0, "test")
    root = torch.randn(number, number, generator=generator, dtype=torch.float64)
    return Quadratic(root @ root.T, torch.randn(number, generator=generator, dtype=torch.float64))


def descend(optimizer, functional, number=6):
    return Gradient(Numbers(number), lambda _: functional, optimizer, seed=0, like=LIKE)


def run(iteration, state, steps):
    for _ in range(steps):
        state = iteration.step(state)
    return state


def test_gradient_descent_is_the_power_of_one_matrix():
    """c_k - c_inf = (I - eta A)^k (c_0 - c_inf)."""
    functional = quadratic()
    iteration = descend(GradientDescent(0.01), functional)
    start = iteration.init().coefficients.clone()
    limit = torch.linalg.solve(functional.matrix, functional.load)
    factor = torch.linalg.matrix_power(torch.eye(6, dtype=torch.float64) - 0.01 * functional.matrix, 50)
    found = run(iteration, iteration.init(), 50).coefficients
    torch.testing.assert_close(found, limit + factor @ (start - limit), rtol=0, atol=1e-12)  # condition of A: about 1e3


@pytest.mark.parametrize("half_life", [None, 7.0])
def test_adam_is_that_of_torch(half_life):
    functional = quadratic()
    iteration = descend(Adam(0.05, half_life), functional)
    c = iteration.init().coefficients.clone().requires_grad_(True)
    reference = torch.optim.Adam([c], lr=0.05, foreach=False)
    state = iteration.init()
    for step in range(100):
        for group in reference.param_groups:
            group["lr"] = 0.05 if half_life is None else 0.05 * 2 ** (-step / half_life)
        reference.zero_grad()
        torch.stack(list(functional.terms(c).values())).sum().backward()
        reference.step()
        state = iteration.step(state)
        assert torch.equal(state.coefficients, c.detach()), step


@pytest.mark.parametrize("optimizer", [Adam, GradientDescent])
def test_the_learning_rate_halves_in_a_half_life(optimizer):
    rates = [optimizer(0.4, 10.0).rate(step) for step in (0, 10, 20, 30)]
    assert rates == pytest.approx([0.4, 0.2, 0.1, 0.05])
    assert optimizer(0.4).rate(1000) == 0.4


@pytest.mark.parametrize("optimizer", [Adam(0.05, 9.0), GradientDescent(0.01, 9.0)])
def test_a_restored_run_ends_like_the_uninterrupted_one(optimizer):
    """With points drawn anew every third step, and stopped between two draws: the same to the last bit."""
    problem = Problem(domain=BOX, source=lambda x: x[:, 0].exp(), diffusion=0.0, reaction=1.0)
    space, sampling = Mlp(BOX, (8, 8)), Sampling("sobol", 32, 8, 3, seed=5)

    def make():
        def functional(step):
            return Misfit(problem, space, sampling.interior(BOX, sampling.draw(step)), like=LIKE)

        return Gradient(space, functional, optimizer, seed=5, like=LIKE)

    whole = run(make(), make().init(), 17)
    half = run(make(), make().init(), 7)
    saved = half.coefficients.clone(), {name: value.clone() for name, value in half.memory.items()}
    run(make(), half, 3)  # goes on with the tensors that were saved
    for _ in range(2):  # a restored state does not share the tensors it was given
        resumed = run(make(), make().restore(*saved), 10)
    assert torch.equal(resumed.coefficients, whole.coefficients)
    assert all(torch.equal(resumed.memory[name], whole.memory[name]) for name in whole.memory)
    assert set(resumed.memory) == set(whole.memory)
    assert make().objective(resumed) == make().objective(whole)


def test_points_change_when_they_are_due():
    used = []
    functional = quadratic()

    def functional_at(step):
        used.append(step)
        return functional

    iteration = Gradient(Numbers(6), functional_at, GradientDescent(0.01), seed=0, like=LIKE)
    used.clear()
    state = run(iteration, iteration.init(), 3)
    iteration.objective(state)
    assert used == [0, 1, 2, 3]  # the objective is taken where the next step will look


def test_the_seed_decides_the_start():
    iteration, other = descend(Adam(0.1), quadratic()), Gradient(Numbers(6), lambda _: quadratic(), Adam(0.1), seed=1, like=LIKE)
    first = iteration.init().coefficients.clone()
    run(iteration, iteration.init(), 2)  # changes its tensors in place
    assert torch.equal(iteration.init().coefficients, first)
    assert not torch.equal(other.init().coefficients, first)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_tensors_have_the_dtype_asked_for(dtype):
    functional = quadratic()
    functional.matrix, functional.load = functional.matrix.to(dtype), functional.load.to(dtype)
    iteration = Gradient(Numbers(6), lambda _: functional, Adam(0.1), seed=0, like=torch.empty(0, dtype=dtype))
    state = iteration.step(iteration.init())
    assert state.coefficients.dtype == state.memory["m"].dtype == state.memory["v"].dtype == dtype
    double = {name: value.double() for name, value in state.memory.items()}
    assert iteration.restore(state.coefficients.double(), double).memory["v"].dtype == dtype


def test_whether_the_objective_tends_to_zero_is_the_functionals():
    assert not descend(Adam(0.1), quadratic()).tends_to_zero
    problem = Problem(domain=BOX, source=1.0, diffusion=0.0, reaction=1.0)
    misfit = Misfit(problem, Mlp(BOX, (3,)), BOX.quadrature(9), like=LIKE)
    assert Gradient(Mlp(BOX, (3,)), lambda _: misfit, Adam(0.1), seed=0, like=LIKE).tends_to_zero

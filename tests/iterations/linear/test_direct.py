import time

import numpy as np
import pytest
import scipy.sparse as sp
import torch

import pdefreq
from pdefreq.core import step_clock
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.defaults import notes_of
from pdefreq.iterations.linear.direct import DirectSolve
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spaces.trial_space import LinearSystem

BOX = Box((0.0, 0.0), (1.0, 2.0))
GRID = Grid(BOX, (9, 8))
PROBLEM = Problem(domain=BOX, source=lambda x: x[:, 0], diffusion=lambda x: 1 + x[:, 1], boundary=lambda x: x[:, 0].exp())


def prepared(dtype=torch.float64, guess=None):
    return DirectSolve(GRID, GRID.assemble(PROBLEM), like=torch.empty(0, dtype=dtype), guess=guess)


def test_one_step_reaches_the_discrete_solution():
    iteration = prepared()
    start = iteration.init()
    assert not start.done
    assert torch.equal(start.coefficients, GRID.stencil(PROBLEM).start.reshape(-1))
    assert abs(float(iteration.objective(start)["residual"]) - 1) < 1e-15
    end = iteration.step(start)
    assert end.done
    assert float(iteration.objective(end)["residual"]) < 1e-15  # backward stable
    assert torch.equal(end.coefficients, iteration.discrete_solution(end))


def test_the_solution_does_not_depend_on_the_initial_guess():
    plain, guessed = prepared(), prepared(guess=as_field(lambda x: 7 + x[:, 0]))
    start = guessed.init()
    inside = (GRID.nodes - 0.4).abs().max(dim=1).values < 0.3
    assert torch.equal(start.coefficients[inside], 7 + GRID.nodes[inside, 0])
    assert torch.equal(guessed.step(start).coefficients, plain.step(plain.init()).coefficients)


def test_with_zero_data_the_residual_is_absolute():
    problem = Problem(domain=BOX, source=0.0, boundary=0.0)
    iteration = DirectSolve(GRID, GRID.assemble(problem), like=torch.empty(0, dtype=torch.float64), guess=as_field(1.0))
    start = iteration.init()
    expected = GRID.stencil(problem).residual(start.coefficients.reshape(GRID.shape)).norm()
    assert abs(float(iteration.objective(start)["residual"] / expected) - 1) < 1e-14
    assert not iteration.step(start).coefficients.any()


def test_single_precision_rounds_the_double_precision_solution():
    iteration = prepared(torch.float32)
    end = iteration.step(iteration.init())
    assert torch.equal(end.coefficients, prepared().discrete_solution(end).float())


def test_a_restored_state_is_bit_identical():
    iteration = prepared()
    end = iteration.step(iteration.init())
    assert torch.equal(iteration.restore(end.coefficients.clone(), {}).coefficients, end.coefficients)


def test_condensation_agrees_with_dense_elimination():
    rng = np.random.default_rng(0)
    b = rng.random((6, 6))
    matrix = b @ b.T + 6 * np.eye(6)  # symmetric positive definite, condition below 10
    fixed, values, load = np.array([4, 1]), np.array([2.0, -1.0]), rng.random(6)
    c = CondensedSystem(LinearSystem(sp.csr_array(matrix), load, fixed, values)).solve()
    free = [0, 2, 3, 5]
    expected = np.linalg.solve(matrix[np.ix_(free, free)], load[free] - matrix[np.ix_(free, fixed)] @ values)
    assert c[fixed].tolist() == values.tolist()
    assert np.allclose(c[free], expected, rtol=0, atol=1e-14)


def test_a_singular_system_is_refused_in_one_sentence():
    none = np.empty(0, dtype=int)
    system = LinearSystem(sp.csr_array(np.diag([1.0, 0.0])), np.ones(2), none, np.empty(0))
    with pytest.raises(IncompatibleError, match="singular"):
        CondensedSystem(system).solve()


@pytest.mark.parametrize(("reaction", "noted"), [(-9, True), (-9.5, False), (9, False)])
def test_a_note_states_how_many_digits_a_resonance_costs(reaction, noted):
    """The eigenvalue of linear elements differs from that of -u'' by a factor of 1 + O(h^2), so that the system is not singular."""
    problem = Problem(domain=Box((0,), (1,)), exact="sin(2*pi*x)", reaction=reaction * np.pi**2)
    iteration = make_solver("fem").prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    end = iteration.step(iteration.init())
    assert any("10 of 16 digits are lost" in note for note in notes_of(iteration, end)) == noted


def test_the_solution_is_computed_once_and_its_time_is_that_of_the_step(monkeypatch):
    calls, pause = [], 0.05
    compute = CondensedSystem.solve

    def slow(system):
        calls.append(system)
        time.sleep(pause)
        return compute(system)

    monkeypatch.setattr(CondensedSystem, "solve", slow)
    solution = pdefreq.solve(PROBLEM, make_solver("fem", {"cells": 6}), reference=as_field(1.0))
    assert len(calls) == 1  # the probes measure the algebraic error before the step
    assert solution.seconds >= pause
    assert solution.history.column("seconds").tolist() == [0.0, solution.seconds]
    iteration = prepared()
    began = step_clock.now()
    iteration.step(iteration.init())
    iteration.step(iteration.init())  # the same work for those who measure it
    assert len(calls) == 2
    assert step_clock.now() - began >= 2 * pause


def test_a_state_does_not_share_memory_with_the_discrete_solution():
    iteration = prepared()
    end = iteration.step(iteration.init())
    end.coefficients.zero_()
    assert iteration.discrete_solution(end).any()

import numpy as np
import torch

from pdefreq.domains.box import Box
from pdefreq.iterations.linear.conjugate_gradients import ConjugateGradients
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from tests.iterations.grids import GRIDS, LIKE, dirichlet, mixed, run


def test_each_iterate_is_the_best_of_its_krylov_space():
    """u_k minimises the energy of the error over span(b, A b, ..., A^(k-1) b): by least squares, here."""
    grid = GRIDS[1]
    system = CondensedSystem(grid.assemble(mixed(grid.box)))
    matrix = system.matrix.toarray()
    root = np.linalg.cholesky(matrix).T
    exact = np.linalg.solve(matrix, system.load)
    iteration = ConjugateGradients(mixed(grid.box), grid, like=LIKE)
    state, basis = iteration.init(), np.empty((len(exact), 0))
    for k in range(1, 7):
        state = iteration.step(state)
        basis = np.linalg.qr(np.column_stack([basis, np.linalg.matrix_power(matrix / 100, k - 1) @ system.load]))[0]
        best = basis @ np.linalg.lstsq(root @ basis, root @ exact, rcond=None)[0]
        assert np.abs(state.coefficients.numpy()[system.free] - best).max() < 1e-9  # a basis of powers is ill-conditioned


def test_it_ends_after_as_many_steps_as_there_are_different_modes():
    """sin(pi x) sin(2 pi y) and two more: three eigenvalues, three steps."""
    box = Box((0.0, 0.0), (1.0, 1.0))

    def source(x):
        s = torch.sin(torch.pi * x)
        return s.prod(dim=1) + torch.sin(2 * torch.pi * x).prod(dim=1) + s[:, 0] * torch.sin(3 * torch.pi * x[:, 1])

    iteration = ConjugateGradients(Problem(domain=box, source=source, boundary=0.0), Grid(box, (16, 16)), like=LIKE)
    assert float(iteration.objective(run(iteration, 2))["residual"]) > 1e-3
    assert float(iteration.objective(run(iteration, 3))["residual"]) < 1e-11  # rounding, and modes that it stirs up


def test_without_a_residual_it_is_done_and_stays():
    grid = GRIDS[1]
    iteration = ConjugateGradients(Problem(domain=grid.box, source=0.0, boundary=0.0), grid, like=LIKE)
    state = iteration.init()
    assert state.done
    assert not iteration.step(state).coefficients.any()
    iteration = ConjugateGradients(dirichlet(grid.box), grid, like=LIKE)
    state = run(iteration, 200)  # long after convergence the residual that is updated goes on to fall
    assert state.done
    assert bool(state.coefficients.isfinite().all())
    again = iteration.restore(state.coefficients.clone(), {name: value.clone() for name, value in state.memory.items()})
    assert again.done

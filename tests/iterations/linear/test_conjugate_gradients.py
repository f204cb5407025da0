import numpy as np
import torch

from pdefreq.domains.box import Box
from pdefreq.iterations.linear.conjugate_gradients import ConjugateGradients
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from tests.iterations.grids import GRIDS, LIKE, dirichlet, mixed, run


def test_each_iterate_is_optimal_in_its_krylov_space():
    """u_k minimizes the energy norm of the error over span(b, A b, ..., A^(k-1) b), computed here by least squares."""
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
        assert np.abs(state.coefficients.numpy()[system.free] - best).max() < 1e-9  # the basis of powers is ill-conditioned


def test_conjugate_gradients_end_after_as_many_steps_as_there_are_distinct_eigenvalues():
    """sin(pi x) sin(2 pi y) and two other modes: three eigenvalues, three steps."""
    box = Box((0.0, 0.0), (1.0, 1.0))

    def source(x):
        s = torch.sin(torch.pi * x)
        return s.prod(dim=1) + torch.sin(2 * torch.pi * x).prod(dim=1) + s[:, 0] * torch.sin(3 * torch.pi * x[:, 1])

    iteration = ConjugateGradients(Problem(domain=box, source=source, boundary=0.0), Grid(box, (16, 16)), like=LIKE)
    assert float(iteration.objective(run(iteration, 2))["residual"]) > 1e-3
    assert float(iteration.objective(run(iteration, 3))["residual"]) < 1e-11  # rounding, and the modes that it excites


def test_with_zero_residual_the_iteration_is_done_and_does_not_change():
    grid = GRIDS[1]
    iteration = ConjugateGradients(Problem(domain=grid.box, source=0.0, boundary=0.0), grid, like=LIKE)
    state = iteration.init()
    assert state.done
    assert not iteration.step(state).coefficients.any()
    iteration = ConjugateGradients(dirichlet(grid.box), grid, like=LIKE)
    state = run(iteration, 200)  # after convergence the recursive residual continues to decrease
    assert state.done
    assert bool(state.coefficients.isfinite().all())
    again = iteration.restore(state.coefficients.clone(), {name: value.clone() for name, value in state.memory.items()})
    assert again.done

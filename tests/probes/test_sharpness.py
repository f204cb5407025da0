"""The probe of the sharpness, against dense Hessians."""

import numpy as np
import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.iterations.protocols import HasFunctional
from pdefreq.probes.probe import make_probe
from pdefreq.problem.files import load_problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver

OPTIONS = {"widths": (6,), "optimizer": "gd", "learning_rate": 1e-3, "half_life": None}


def recorded(problem, method, steps=2, **options):
    solver = make_solver(method, OPTIONS | options)
    return solver, solve(problem, solver, stop=Stop(steps=steps), probes=("sharpness",), predict=False)


@pytest.mark.parametrize(("problem", "method"), [("tones", "regression"), ("poisson", "deep-ritz"), ("poisson", "pinn")])
def test_the_columns_are_the_largest_eigenvalues_of_dense_matrices(problem, method):
    """The tolerance is that of the Lanczos iteration, 1e-4; the Hessian is symmetric up to rounding."""
    options = {} if problem == "tones" else {"number": 20}
    solver, found = recorded(problem, method, **options)
    iteration = solver.prepare(load_problem(problem).blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    functional = iteration.find(HasFunctional).functional(found.state)
    c = found.state.coefficients
    hessian = torch.autograd.functional.hessian(lambda c: torch.stack(list(functional.terms(c).values())).sum(), c)
    factor = functional.gauss_newton_factor(c).detach()
    row = found.history.column("sharpness")[-1], found.history.column("gauss_newton_sharpness")[-1]
    np.testing.assert_allclose(row[0], float(torch.linalg.eigvalsh(hessian)[-1]), rtol=2e-4)
    np.testing.assert_allclose(row[1], float(torch.linalg.matrix_norm(factor, 2)) ** 2, rtol=2e-4)


def test_the_sharpness_is_that_of_all_points_if_steps_use_batches():
    values = [
        recorded("tones", "regression", steps=0, **batch)[1].history.column("sharpness")[0] for batch in ({}, {"batch": 10})
    ]
    assert values[0] == values[1] > 0


def test_methods_without_an_objective_record_nothing():
    history = solve("poisson", "jacobi:intervals=8", stop=Stop(steps=1), probes=("sharpness",)).history
    assert "sharpness" not in history


@pytest.mark.parametrize(("products", "sentence"), [(19, "at least 20, got 19"), (20.5, "whole number"), (True, "whole number")])
def test_too_few_products_are_refused(products, sentence):
    with pytest.raises(OptionError, match=sentence):
        make_probe("sharpness").with_options(products=products)

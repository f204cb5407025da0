"""Weights of terms from the traces of their kernels (Wang, Yu, Perdikaris, 2022)."""

import numpy as np
import pytest
import torch

from pdefreq.core.history import Stop
from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.balancing import balanced
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from tests.iterations.toys import Rows

DOUBLE = torch.float64


def test_weights_are_ratios_of_kernel_traces():
    """Rows by hand: tr K_1 = 1 + 4, tr K_2 = 9; the third term depends on no coefficient and keeps the weight 1."""
    a, b, zero = (torch.tensor(rows, dtype=DOUBLE) for rows in ([[1.0, 0.0], [0.0, 2.0]], [[3.0, 0.0]], [[0.0, 0.0]]))
    functional = Functional([Rows(name, m, torch.ones(len(m), dtype=DOUBLE)) for name, m in (("a", a), ("b", b), ("c", zero))])
    assert balanced(functional, torch.ones(2, dtype=DOUBLE)).tolist() == pytest.approx([14 / 5, 14 / 9, 1.0])
    # rows that cancel: the summed gradient is zero, but the sum of squared gradients is not
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=DOUBLE)
    both = Functional([Rows("a", opposite, torch.zeros(2, dtype=DOUBLE)), Rows("b", b, torch.zeros(1, dtype=DOUBLE))])
    assert balanced(both, torch.ones(2, dtype=DOUBLE)).tolist() == pytest.approx([11 / 2, 11 / 9])


OPTIONS = {"widths": [6, 6], "number": 20, "boundary": "penalty", "balance_every": 4}


def prepared(**options):
    from pdefreq.core.devices import as_device
    from pdefreq.problem.files import load_problem

    solver = make_solver("pinn", {**OPTIONS, **options})
    return solver.prepare(load_problem("poisson").blind(), seed=0, device=as_device("cpu"), dtype=DOUBLE)


def test_weights_of_a_network_agree_with_gradients_of_single_samples():
    """Against one backward pass per row; a factor beta of a term cancels."""
    iteration = prepared()
    state = iteration.init()
    functional, c = iteration._objectives.at(0), state.coefficients
    sizes = {}
    for block in functional.blocks:
        x = c.detach().requires_grad_(True)
        rows = [torch.autograd.grad(r, x, retain_graph=True)[0] for r in block.residual(x)]
        sizes[block.name] = sizes.get(block.name, 0.0) + sum(float(row.square().sum()) for row in rows)
    weights = dict(zip(functional.names, balanced(functional, c).tolist(), strict=True))
    assert weights == pytest.approx({name: sum(sizes.values()) / size for name, size in sizes.items()}, rel=1e-10)
    other = prepared(beta=3.0)
    scaled = dict(zip(functional.names, balanced(other._objectives.at(0), c).tolist(), strict=True))
    assert scaled["boundary"] * 3 / weights["boundary"] / 500 == pytest.approx(scaled["residual"] / weights["residual"])


def test_weights_are_recorded_constant_between_updates_and_resumed(tmp_path):
    solver, stop = make_solver("pinn", OPTIONS), Stop(steps=12)
    whole = solve("poisson", solver, stop=stop)
    weights = whole.history.column("weight.boundary")
    changes = np.flatnonzero(np.diff(weights)) + 1
    assert changes.tolist() == [5, 9]  # updated before steps 4 and 8, which end in rows 5 and 9
    terms = sum(whole.history.column(f"objective.{name}") for name in ("residual", "boundary"))
    np.testing.assert_allclose(terms, whole.history.column("objective"))
    solve("poisson", solver, stop=stop, folder=tmp_path / "run", callback=lambda step, *_: step == 6)
    again = resume(tmp_path / "run")
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)
    np.testing.assert_array_equal(again.history.column("weight.residual"), whole.history.column("weight.residual"))

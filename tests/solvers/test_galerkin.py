import numpy as np
import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.fields import as_field
from pdefreq.problem import BoundaryPart, Problem
from pdefreq.registry import options_of
from pdefreq.solvers.galerkin import Fem

BOX = Box((-1.0,), (1.0,))


def solved(problem, **options):
    iteration = Fem(**options).prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
    return iteration.step(iteration.init())


def test_the_four_tone_problem_is_nodally_exact_with_default_options():
    def source(x):
        x = x[:, 0]
        return x.sin() + 4 * (4 * x).sin() - 8 * (8 * x).sin() + 16 * (24 * x).sin()

    def particular(x):
        return np.sin(x) + np.sin(4 * x) / 4 - np.sin(8 * x) / 8 + np.sin(24 * x) / 36

    state = solved(Problem(domain=BOX, source=source, boundary=0.0))
    x = state.space.nodes[:, 0].numpy()
    assert state.done
    assert len(x) == 1001
    # rounding only: eps times part of the condition number 4e5
    assert np.abs(state.coefficients.numpy() - (particular(x) - particular(1) * x)).max() < 1e-12


def test_neumann_and_robin_ends():
    """-u'' = 2, u'(-1) = 0 and u'(1) + u(1) = 0: u = 8 - (x + 1)^2, exact at the vertices."""
    parts = (BoundaryPart("robin", "x-min"), BoundaryPart("robin", "x-max", alpha=as_field(1.0)))
    state = solved(Problem(domain=BOX, source=2.0, boundary=parts), cells=10)
    x = state.space.nodes[:, 0]
    assert torch.allclose(state.coefficients, 8 - (x + 1) ** 2, rtol=0, atol=1e-12)


def test_options():
    assert all(option.doc for option in options_of(Fem))
    for options, message in (
        ({"cells": 0}, "`cells` must be at least 1, got 0"),
        ({"quadrature": 0}, "`quadrature` must be a degree from 1 to 60, got 0"),
        ({"cells": 10**12}, r"`cells` = 1000000000000 would need about [\d,]+ GiB"),
    ):
        with pytest.raises(OptionError, match=message):
            solved(Problem(domain=BOX, source=1.0, boundary=0.0), **options)


NEUMANN = (BoundaryPart("robin"),)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domain": Box((0.0, 0.0), (1.0, 1.0))}, "at most 1 dimension and this problem has 2: use `jacobi` or `deep-ritz`"),
        ({"domain": Box((0.0,) * 4, (1.0,) * 4)}, "at most 1 dimension and this problem has 4: use `deep-ritz`"),
        ({"exponent": 3.0}, "exponent = 2, got 3: use `deep-ritz`"),
        ({"diffusion": 0.0, "reaction": 1.0}, "use `regression`"),
        ({"boundary": NEUMANN}, "pure Neumann"),
        ({"boundary": NEUMANN, "diffusion": lambda x: 1 + x[:, 0] ** 2, "reaction": lambda x: 0 * x[:, 0]}, "pure Neumann"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name_of_what_can(fields, message):
    with pytest.raises(IncompatibleError, match=message):
        solved(Problem(**({"domain": BOX, "source": 1.0, "boundary": 0.0} | fields)))


def test_neumann_with_a_reaction_has_one_solution():
    state = solved(Problem(domain=BOX, source=3.0, reaction=2.0, boundary=NEUMANN), cells=50)
    assert torch.allclose(state.coefficients, torch.tensor(1.5, dtype=torch.float64), rtol=0, atol=1e-12)

"""The description of a problem in words."""

import pytest

from pdefreq import Box, Problem
from pdefreq.core.fields import as_field
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import describe

FLUXES = {
    "du/dn": {},
    "(2) du/dn": {"diffusion": 2.0},
    "(1 + x) du/dn": {"diffusion": "1 + x"},
    "|grad u|^1 du/dn": {"exponent": 3.0},
    "(1 + x) |grad u|^1 du/dn": {"diffusion": "1 + x", "exponent": 3.0},
    "([[2, 0], [0, 1]] grad u) . n": {"diffusion": [[2.0, 0.0], [0.0, 1.0]]},
}


@pytest.mark.parametrize("flux", FLUXES)
def test_a_boundary_condition_states_the_flux_with_its_coefficient(flux):
    robin = BoundaryPart("robin", alpha=as_field(0.5), flux=as_field(3.0))
    rows = describe(Problem(domain=Box((0.0, 0.0), (1.0, 1.0)), source=1.0, boundary=(robin,), **FLUXES[flux]))
    assert dict(rows)["boundary"] == f"{flux} + (0.5) u = 3 on the whole boundary"

import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField, as_field
from pdefreq.domains.box import Box
from pdefreq.functionals.boundary_penalty import ConditionsAtPoints, PenaltyBlock
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from tests.functionals.polynomials import Polynomials

BOX = Box((0.0, 0.0), (2.0, 3.0))
LIKE = torch.empty(0, dtype=torch.float64)


def conditions_of(problem, samples):
    return ConditionsAtPoints.of(problem.boundary, problem.part_of(samples), samples, LIKE)


def make(*parts):
    return Problem(domain=BOX, source=1.0, boundary=parts)


def test_each_integral_extends_over_its_own_part():
    """u = x, g = y, alpha = 2, flux = 1 on a box of size 2 x 3; the integrals are computed by hand."""
    problem = make(
        BoundaryPart("dirichlet", name="x-min", value=CallableField(lambda x: x[:, 1])),
        BoundaryPart("robin", name="x-max", alpha=as_field(2.0), flux=as_field(1.0)),
        BoundaryPart("robin"),
    )
    conditions = conditions_of(problem, BOX.boundary(80))
    u = conditions.x[:, 0]
    assert float(conditions.dirichlet.sum()) == pytest.approx(3) and float(conditions.robin.sum()) == pytest.approx(3 + 4)
    [dirichlet] = conditions.where("dirichlet")
    assert dirichlet is not None
    penalty = PenaltyBlock(Polynomials(1, 2), dirichlet, beta=5.0)
    zero = torch.zeros(4, dtype=torch.float64)
    assert float(penalty.value(zero)) == pytest.approx(5 * 9)  # 5 times the integral of y^2 over x = 0
    assert float(conditions.robin_energy(u)) == pytest.approx(3 * (2**2 - 2))  # x = 2; the last part has alpha = flux = 0


def test_the_first_of_two_overlapping_parts_applies():
    problem = make(
        BoundaryPart("robin", where=lambda x: x[:, 0] < 1),
        BoundaryPart("dirichlet"),
    )
    conditions = conditions_of(problem, BOX.boundary(400))
    assert ((conditions.robin > 0) == (conditions.x[:, 0] < 1)).all()
    assert ((conditions.dirichlet > 0) == (conditions.x[:, 0] >= 1)).all()


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((BoundaryPart("dirichlet", name="x-min"),), "no part covers"),
        ((BoundaryPart("robin", alpha=as_field(-1.0)),), r"\[boundary\] alpha must be finite and at least 0, got -1"),
        ((BoundaryPart("dirichlet", value=CallableField(lambda x: x[:, 0].log())),), r"\[boundary\] value must be finite"),
    ],
)
def test_wrong_data_are_refused(parts, message):
    with pytest.raises(ProblemFileError, match=message):
        conditions_of(make(*parts), BOX.boundary(16))

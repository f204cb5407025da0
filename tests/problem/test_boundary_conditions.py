import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import ConstantField
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryConditions, BoundaryPart

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
INTERVAL = Box((0.0,), (1.0,))


def square(boundary):
    return BoundaryConditions(domain=SQUARE, boundary=boundary)


def test_the_first_matching_part_governs_a_boundary_point():
    left = BoundaryPart("robin", name="x-min")
    low = BoundaryPart("dirichlet", where=lambda x: x[:, 1] < 0.5)
    rest = BoundaryPart("dirichlet", value=ConstantField(2.0))
    edge = SQUARE.boundary(80)
    index = square(boundary=(left, low, rest)).part_of(edge)
    x, y = edge.x.T
    expected = torch.where(x == 0, 0, torch.where(y < 0.5, 1, 2))
    assert torch.equal(index, expected)
    assert torch.equal(square(boundary=(low, left, rest)).part_of(edge), torch.where(y < 0.5, 0, torch.where(x == 0, 1, 2)))


def test_a_part_may_have_a_name_and_a_condition():
    corner = BoundaryPart("robin", name="x-min", where=lambda x: x[:, 1] < 0.5)
    edge = SQUARE.boundary(80)
    index = square(boundary=(corner, BoundaryPart("dirichlet"))).part_of(edge)
    assert torch.equal(index == 0, (edge.x[:, 0] == 0) & (edge.x[:, 1] < 0.5))


def test_an_uncovered_point_is_named():
    with pytest.raises(ProblemFileError, match=r"no part covers the boundary point \(1\)"):
        BoundaryConditions(domain=INTERVAL, boundary=(BoundaryPart("dirichlet", name="x-min"),)).part_of(INTERVAL.boundary(2))


def test_only_one_condition_on_the_whole_boundary_counts_as_dirichlet_data():
    assert square(boundary=(BoundaryPart("dirichlet", value=ConstantField(1.0)),)).dirichlet == ConstantField(1.0)
    for parts in [
        (),
        (BoundaryPart("robin"),),
        (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("dirichlet")),
        (BoundaryPart("dirichlet", where=lambda x: x[:, 0] < 1),),
    ]:
        assert square(boundary=parts).dirichlet is None

"""Points outside the domain of a solution."""

import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver


def on_interval(name):
    return solve("poisson", make_solver(name), stop=Stop(steps=1), probes=[])


@pytest.mark.parametrize("name", ["ritz-galerkin", "fem", "sine", "jacobi", "deep-ritz:widths=[5],number=50"])
def test_points_outside_the_domain_are_refused_or_have_no_value(name):
    solution = on_interval(name)
    x = torch.tensor([[0.3], [5.0], [-1.0]], dtype=torch.float64)
    with pytest.raises(OptionError, match=r"the point \(5\) lies outside the domain, interval \(-1, 1\): leave it out, or pass"):
        solution(x)
    with pytest.raises(OptionError, match=r"the point \(5\)"):
        solution.gradient(x)
    values, slopes = solution(x, outside="nan"), solution.gradient(x, outside="nan")
    assert values.isnan().tolist() == slopes.isnan()[:, 0].tolist() == [False, True, False]
    assert torch.equal(values[[0, 2]], solution(x[[0, 2]]))
    with pytest.raises(OptionError, match="'refuse' or 'nan', got 'zero'"):
        solution(x, outside="zero")


def test_points_that_rounding_moved_out_of_the_domain_belong_to_it():
    solution = on_interval("fem")
    edge = torch.tensor([[math.nextafter(1, 2)], [-1 - 1e-15]], dtype=torch.float64)
    assert torch.allclose(solution(edge), torch.zeros(2, dtype=torch.float64), atol=1e-11)  # slopes are below 1e3
    assert solution(edge.float()).isfinite().all()

"""The errors of linear problems do not depend on the amplitude of the solution: no threshold is absolute."""

import numpy as np
import pytest

from pdefreq import solve
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem

LINE, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
METHODS = {
    "fem:cells=16": LINE,
    "ritz-galerkin:number=6": LINE,
    "sine:intervals=16": LINE,
    "cg:intervals=24": LINE,
    "jacobi:intervals=8": LINE,
    "multigrid:intervals=16": LINE,
    "gmres:intervals=8": SQUARE,
    "fem:cells=3,element=P2": SQUARE,
}


def of_amplitude(a, box):
    """u = A sin(3 x) exp(2 y) (y = 0 in one dimension): all modes take part, unlike in eigenvectors."""

    def y(x):
        return x[:, 1] if box.dimension == 2 else 0 * x[:, 0]

    exact = CallableField(lambda x: a * (3 * x[:, 0]).sin() * (2 * y(x)).exp())
    factor = 9.0 - 4.0 * (box.dimension - 1)
    source = CallableField(lambda x: factor * a * (3 * x[:, 0]).sin() * (2 * y(x)).exp())
    return Problem(domain=box, source=source, boundary=exact, exact=exact)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("a", [1e-150, 1e150])
def test_relative_errors_do_not_depend_on_the_amplitude(method, a):
    one, other = (solve(of_amplitude(amplitude, METHODS[method]), method) for amplitude in (1.0, a))
    assert (one.status, one.step) == (other.status, other.step)
    for name in ("l2", "h1"):
        # rounding: A is not a power of two
        assert other.error(name) == pytest.approx(one.error(name), rel=1e-6, abs=1e-14)
    for name in ("relative_l2", "mode_error_total"):
        np.testing.assert_allclose(other.history.last(name), one.history.last(name), rtol=1e-4, atol=1e-10)
    assert other.history.last("objective") == pytest.approx(one.history.last("objective"), rel=1e-3, abs=1e-12)

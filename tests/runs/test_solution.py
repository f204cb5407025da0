import pytest

from pdefreq import Box, Problem
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.history import Stop
from pdefreq.runs.lifecycle import load_run
from pdefreq.runs.solve import solve


def test_a_residual_at_data_points_says_so():
    assert any("at the 6 points of [data] only" in note for note in solve("sampled-1d", "pinn", stop=Stop(steps=1)).notes)


def test_a_saved_run_keeps_the_time_of_its_measurements(tmp_path):
    """A limit on all seconds of a resumed run counts them."""
    solution = solve("poisson", "jacobi", steps=3)
    assert solution.elapsed > solution.seconds
    solution.save(tmp_path / "run")
    assert load_run(tmp_path / "run").elapsed == solution.elapsed


@pytest.mark.parametrize("method", ["fem", "deep-ritz:widths=[4],number=16", "pinn:widths=[4],number=16"])
def test_a_problem_without_boundary_conditions_is_refused_by_every_method(method):
    """Without a condition -u'' = sin(pi x) has many solutions, and a network must not return one of them."""
    problem = Problem(domain=Box(0, 1), source="sin(pi*x)")
    with pytest.raises(ProblemFileError, match="no boundary conditions: give boundary="):
        solve(problem, method, stop=Stop(steps=1))

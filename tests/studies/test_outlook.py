"""What `pdefreq check` foretells is what happens: the watched modes of a run, and the methods that refuse a problem."""

import numpy as np
import pytest

from pdefreq import Box, Problem
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Stop
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.runs.solve import solve
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.requirements import instead, require
from pdefreq.spectrum.watched import WatchedModes
from pdefreq.studies.outlook import outlook


@pytest.mark.parametrize(("name", "method"), [("poisson", "sine"), ("poisson-chirp", "fem"), ("neumann", "fem:cells=64")])
def test_the_foretold_modes_are_those_of_a_run(name, method):
    problem = load_problem(name, **({"dimension": 1} if name == "poisson-chirp" else {}))
    found = outlook(problem)
    watched = WatchedModes.in_facts(solve(problem, method, stop=Stop(steps=1), predict=False).history.facts)
    assert found.is_complete and found.family == watched.kind
    # on the grid of a method, the amplitudes of the weakest modes may fall below the threshold
    common = {f"{xi:.6g}" for xi in found.wavenumbers} & {f"{xi:.6g}" for xi in watched.wavenumber}
    assert len(common) >= 0.95 * max(len(found.wavenumbers), len(np.unique(watched.wavenumber.round(9))))


@pytest.mark.parametrize("name", ["poisson", "four-discs", "convection-diffusion", "tones", "neumann", "p-laplacian"])
def test_every_method_is_listed_once_and_refuses_as_foretold(name):
    problem = load_problem(name)
    found = outlook(problem)
    unable = [method for names in found.unable.values() for method in names]
    able = [method.partition(":")[0] for method in found.able]
    assert sorted([*able, *unable, "auto"]) == sorted(SOLVERS)
    for method in found.able:
        require(problem, method, make_solver(method).needs)
    for lacking, names in found.unable.items():
        for method in names:
            with pytest.raises(IncompatibleError) as refused:
                require(problem, method, make_solver(method).needs)
            assert lacking in str(refused.value)


def test_no_modes_are_foretold_where_a_run_has_none():
    problem = load_problem("five-points")
    found, solution = outlook(problem), solve(problem, "regression", stop=Stop(steps=1))
    reason = "the function to fit is known only at the points of [data]"
    assert not found.is_measured and reason in found.watched
    assert not solution.spectrum().rows and reason in solution.spectrum().sentence


def test_a_network_is_offered_with_a_residual_where_there_is_no_energy():
    problem = load_problem("convection-diffusion")
    assert "network:loss=residual" in outlook(problem).able
    assert solve(problem, "network:loss=residual,widths=[4],number=50", stop=Stop(steps=1)).status.exit_code == 0


def test_elements_in_space_are_offered_only_if_a_mesh_can_be_made(monkeypatch):
    text = """
    [domain]
    kind = "unit_cube"
    holes = [{kind = "ball", midpoint = [0.5, 0.5, 0.5], radius = 0.2}]
    [equation]
    source = "1"
    [boundary]
    value = "0"
    """
    problem = problem_from_text(text)
    for known in (None, "gmsh"):
        monkeypatch.setattr("pdefreq.solvers.requirements.find_spec", lambda _, known=known: known)
        found = outlook(problem)
        assert ("fem" in found.able) == (known is not None)
        assert any("pip install 'pdefreq[mesh]'" in reason for reason in found.unable) == (known is None)
    plane = problem_from_text(text.replace("unit_cube", "unit_square").replace("[0.5, 0.5, 0.5]", "[0.5, 0.5]"))
    monkeypatch.setattr("pdefreq.solvers.requirements.find_spec", lambda _: None)
    assert "fem" in outlook(plane).able and "`fem`" in instead(plane, "cg")  # the package has a mesh generator for the plane


def test_modes_with_the_same_wavenumber_are_counted_separately():
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(pi*x)*sin(2*pi*y) + sin(2*pi*x)*sin(pi*y)")
    found = outlook(problem)
    watched = WatchedModes.in_facts(solve(problem, "sine", stop=Stop(steps=1), predict=False).history.facts)
    assert found.watched == "2 sine modes with wavenumbers 7.02481" and len(watched) == 2


def test_a_solution_without_modes_of_the_family_is_told():
    problem = Problem(domain=Box((0, 0), (1, 1)), exact="sin(pi*x)")  # interpolated from its values at y = 0 and y = 1
    assert outlook(problem).watched.startswith("no modes, since u has none of the family sine")


def test_named_wavenumbers_are_told_where_modes_need_eigenfunctions():
    text = '[domain]\nkind = "unit_disk"\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n[spectrum]\nwavenumbers = [9, 3]\n'
    found = outlook(problem_from_text(text))
    assert not found.is_complete and found.wavenumbers == (3.0, 9.0)
    assert found.watched == "the strongest eigen modes of the solution and those nearest to the wavenumbers 3, 9"

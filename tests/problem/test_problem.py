import dataclasses
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

import pdefreq
from pdefreq.core.errors import FormulaError, ProblemFileError
from pdefreq.core.fields import CallableField, ConstantField, as_field
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.problem.terms.diffusion import Diffusion
from pdefreq.problem.terms.reaction import Reaction
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.requirements import instead

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


def square(**changes):
    return Problem(**{"domain": SQUARE, "source": 1.0, "boundary": 0.0, **changes})


def test_fields_may_be_numbers_and_callables():
    problem = square(source=lambda x: x[:, 0], diffusion=2, boundary=3.0, exact=lambda x: x.sum(dim=1))
    x = SQUARE.quadrature(9).x
    assert torch.equal(problem.source(x), x[:, 0]) and problem.diffusion.constant == 2.0
    assert problem.dirichlet == ConstantField(3.0)
    torch.testing.assert_close(problem.exact.gradient(x), torch.ones_like(x))
    with pytest.raises(FormulaError, match="NoneType"):
        square(source=lambda x: x[:, 0], diffusion=[[1, None], [0, 1]])


def test_formulas_are_fields_that_depend_on_the_parameters_of_the_problem():
    problem = square(source="sin(w*x)", parameters={"w": 2.0}, boundary="y", convection=["1", "x"], nonlinear="u**3 + y*u")
    x = SQUARE.quadrature(9).x
    torch.testing.assert_close(problem.source(x), torch.sin(2 * x[:, 0]))
    assert torch.equal(problem.boundary[0].value(x), x[:, 1])
    assert [term.name for term in problem.terms] == ["diffusion", "convection", "nonlinear"]
    with pytest.raises(ProblemFileError, match=r"'u' is the solution, but .* given by the key `nonlinear`"):
        square(source="u")


def test_the_source_and_the_boundary_values_follow_from_a_formula_of_the_solution():
    problem = Problem(domain=SQUARE, exact="x**2*y", convection=["1", "2"], reaction=-3, diffusion=[["2", "1"], ["1", "4"]])
    x = SQUARE.quadrature(9).x
    a, b = x.T
    torch.testing.assert_close(problem.source(x), -(4 * b + 4 * a) + 2 * a * b + 2 * a**2 - 3 * a**2 * b)
    assert problem.dirichlet == problem.exact


def test_a_blind_problem_differs_only_in_its_missing_exact_solution():
    problem = square(exact=1.0, name="here", parameters={"mu": 1.0})
    assert problem.blind().exact is None and dataclasses.replace(problem.blind(), exact=problem.exact) == problem
    with pytest.raises(dataclasses.FrozenInstanceError):
        problem.exponent = 3.0


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"exponent": 1.0}, "above 1"),
        ({"exponent": float("nan")}, "above 1"),
        ({"diffusion": -1.0}, "diffusion must be finite and nonnegative"),
        ({"diffusion": [[1, 2]]}, "matrix of 2 rows"),
        ({"convection": [1, 2, 3]}, "list of 2"),
        ({"diffusion": 0, "convection": [1, 0]}, "convection needs a nonzero diffusion"),
        ({"diffusion": 0.0}, "both zero: give"),
        ({"boundary": (BoundaryPart("dirichlet", name="left"),)}, "x-min, x-max, y-min, y-max"),
    ],
)
def test_invalid_problems_are_refused(changes, hint):
    with pytest.raises(ProblemFileError, match=hint) as refusal:
        square(**changes)
    assert "\n" not in str(refusal.value)


def test_fields_of_callables_and_constants():
    x = SQUARE.quadrature(16).x
    u = CallableField(lambda x: x[:, 0] ** 2 * x[:, 1])
    torch.testing.assert_close(u.gradient(x), torch.stack([2 * x[:, 0] * x[:, 1], x[:, 0] ** 2], dim=1))
    assert torch.equal(CallableField(lambda x: x[:, :1] * 0 + 1).gradient(x), torch.zeros_like(x))
    assert torch.equal(CallableField(lambda x: torch.ones(len(x))).gradient(x), torch.zeros_like(x))
    assert as_field(u) is u and as_field(2).constant == 2.0
    c = ConstantField(0.1)
    assert c(x.float()).dtype == torch.float32 and c.gradient(x).shape == x.shape and c.text == "0.1"


def test_no_module_accesses_a_coefficient_by_its_keyword():
    """The mathematics of a term is contained in its own module only."""
    package = Path(pdefreq.__file__).parent
    pattern = re.compile(r"problem\.(diffusion|exponent|reaction|convection|nonlinear)\b")
    readers = [path.name for path in package.rglob("*.py") if pattern.search(path.read_text())]
    assert readers == []


def test_arrays_of_the_dimension_of_space_are_matrices_and_vectors():
    problem = square(diffusion=np.array([[2.0, 1.0], [1.0, 3.0]]), convection=torch.tensor([1.0, 2.0]))
    assert problem.equation.text == "-div( [[2, 1], [1, 3]] grad u ) + (1, 2) . grad u"
    assert "3 x 4 cells" in square(diffusion=np.arange(1.0, 13.0).reshape(3, 4)).equation.text


def test_data_derived_from_the_solution_are_updated_when_the_problem_is_changed():
    problem = Problem(domain=SQUARE, exact="sin(pi*x)*sin(pi*y)", reaction=1)
    x = SQUARE.quadrature(9).x
    u = problem.exact(x)
    torch.testing.assert_close(dataclasses.replace(problem, reaction=5).source(x), (2 * math.pi**2 + 5) * u)
    torch.testing.assert_close(dataclasses.replace(problem, exact="x*y").source(x), x.prod(dim=1))
    assert dataclasses.replace(problem, title="same").source is problem.source is problem.blind().source
    assert dataclasses.replace(problem, source=1.0, reaction=5).source.constant == 1


def test_a_coefficient_replaces_only_the_first_term_of_its_kind():
    terms = [Diffusion(), Reaction(as_field(1.0)), Reaction(as_field(5.0))]
    assert dataclasses.replace(square(terms=terms), reaction=2).equation.text == "-div( grad u ) + (2) u + (5) u"


@pytest.mark.parametrize(
    "changes",
    [
        {"diffusion": [[2, 1], [1, 3]]},
        {"convection": [1, 2]},
        {"reaction": -400},
        {"reaction": "0.5 - x"},
        {"nonlinear": "u**3"},
        {"boundary": (BoundaryPart("robin", name="x-min"), BoundaryPart("dirichlet"))},
        {"convection": [1, 2], "boundary": (BoundaryPart("robin", name="x-min"), BoundaryPart("dirichlet"))},
        {"diffusion": "where(x < 0.5, 1, 10)"},
    ],
)
def test_a_refusal_names_methods_whose_requirements_are_satisfied(changes):
    problem = square(**changes)
    for method in SOLVERS:
        if problem.lacks(make_solver(method).needs) is not None:
            names = re.findall("`([a-z-]+(?::boundary=penalty)?)`", instead(problem, method))
            assert names and all(problem.lacks(make_solver(name).needs) is None for name in names), method


@pytest.mark.parametrize("point", [(), (0.5,), (0.5, 0.5, 0.5), (0.5, math.nan)])
def test_singular_points_have_the_coordinates_of_the_domain(point):
    with pytest.raises(ProblemFileError, match="singular must be a list of points with 2 coordinates"):
        square(singular=[point])

"""Periodic sides in problem files and problems: names, precedence, refusals, and consistency with `exact`."""

import math

import pytest
import torch

from pdefreq import load_problem
from pdefreq.core.errors import ProblemFileError
from pdefreq.core.fields import CallableField
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import describe
from pdefreq.problem.identity import WrittenProblem
from pdefreq.problem.problem import Problem

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
PAIR = '[[boundary.part]]\nname = "x"\nkind = "periodic"\n'


def write(folder, boundary, equation='source = "1"', domain='kind = "box"\ndimension = 2\nlower = 0\nupper = 1'):
    path = folder / "mine.toml"
    path.write_text(f"[domain]\n{domain}\n[equation]\n{equation}\n{boundary}")
    return str(path)


@pytest.mark.parametrize("name", ["x", "x-min", "x-max"])
def test_either_side_identifies_the_pair(name, tmp_path):
    problem = load_problem(write(tmp_path, PAIR.replace('"x"', f'"{name}"') + '[[boundary.part]]\nvalue = "0"\n'))
    assert problem.periodic_axes == (0,)
    assert problem.boundary[0] == BoundaryPart("periodic", "x")
    assert ("boundary", "u is periodic along x") in describe(problem)
    assert problem.dirichlet is not None and not problem.is_periodic


def test_naming_both_sides_gives_one_pair(tmp_path):
    both = PAIR.replace('"x"', '"x-min"') + PAIR.replace('"x"', '"x-max"')
    problem = load_problem(write(tmp_path, both + '[boundary]\nvalue = "0"\n'))
    assert [part.kind for part in problem.boundary] == ["periodic", "dirichlet"]


def test_conditions_on_the_other_sides_follow_from_the_exact_solution(tmp_path):
    problem = load_problem(write(tmp_path, PAIR, 'exact = "sin(2*pi*x)*y"'))
    assert [part.kind for part in problem.boundary] == ["periodic", "dirichlet"]


def test_a_periodic_pair_takes_effect_at_any_position_of_the_list():
    """Corners belong to the other sides, which have Dirichlet values; a part with a condition on x does not override the pair."""
    first = BoundaryPart("dirichlet", where=lambda x: x[:, 0] > 0.5, value=1.0)
    problem = Problem(domain=SQUARE, source=1.0, boundary=(first, BoundaryPart("dirichlet"), BoundaryPart("periodic", "x")))
    samples = SQUARE.boundary(400)
    part, side = problem.part_of(samples), samples.parts
    assert (part[side < 2] == 2).all()
    assert ((part == 0) == ((side >= 2) & (samples.x[:, 0] > 0.5))).all()


@pytest.mark.parametrize(
    ("parts", "constant"),
    [
        ((BoundaryPart("periodic", "x"), BoundaryPart("periodic", "y")), True),
        ((BoundaryPart("periodic", "x"), BoundaryPart("robin", flux=1.0)), True),
        ((BoundaryPart("periodic", "x"), BoundaryPart("robin", alpha=1.0)), False),
        ((BoundaryPart("periodic", "x"), BoundaryPart("dirichlet")), False),
    ],
)
def test_which_problems_have_solutions_up_to_a_constant(parts, constant):
    problem = Problem(domain=SQUARE, source=0.0, boundary=parts)
    assert problem.is_up_to_constant is constant
    assert not Problem(domain=SQUARE, source=0.0, boundary=parts, reaction=1.0).is_up_to_constant


def test_a_periodic_problem_is_restored_from_its_content():
    problem = Problem(domain=SQUARE, source=1.0, boundary=(BoundaryPart("periodic", "y-max"), BoundaryPart("dirichlet")))
    again = WrittenProblem.of(problem).read()
    assert (again.digest, again.periodic_axes) == (problem.digest, (1,))


DISK = 'kind = "ball"\ndimension = 2\nmidpoint = [0, 0]\nradius = 1'


@pytest.mark.parametrize(
    ("text", "domain", "message"),
    [
        (PAIR + 'value = "0"', None, r'value has no effect on a part with kind = "periodic": leave it out'),
        (PAIR + 'flux = "1"', None, r'flux has no effect on a part with kind = "periodic": leave it out'),
        (PAIR + 'where = "y > 0"', None, r"where has no effect"),
        (
            '[[boundary.part]]\nkind = "periodic"',
            None,
            r"name must be the pair of sides that is periodic, x or y, but it is missing",
        ),
        (PAIR.replace('"x"', '"z"'), None, r"has no pair of sides 'z'"),
        (
            PAIR,
            DISK,
            r'kind = "periodic" joins opposite sides of a box, but the domain is a disk.*: prescribe a value or a flux instead',
        ),
        (PAIR, None, r"no part covers the boundary point"),
    ],
)
def test_invalid_periodic_sides_are_refused(text, domain, message, tmp_path):
    with pytest.raises(ProblemFileError, match=message) as caught:
        load_problem(write(tmp_path, text, **({} if domain is None else {"domain": domain})))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("exact", "message"),
    [
        ("x*y", r'name = "x" is periodic and \[equation\] exact is not: u is 0 at \(0, .*\) and .* at \(1, .*\); change exact'),
        ("x*(1-x)", r"its flux is 1 at \(0, .*\) and -1 at \(1, .*\)"),
    ],
)
def test_a_periodic_exact_solution_must_have_a_periodic_flux(exact, message, tmp_path):
    with pytest.raises(ProblemFileError, match=message):
        load_problem(write(tmp_path, PAIR, f'exact = "{exact}"'))


def test_invalid_periodic_parts_are_refused_in_python():
    with pytest.raises(ProblemFileError, match='kind = "dirichlet", "robin" or "periodic", got \'open\''):
        BoundaryPart("open", "x")
    with pytest.raises(ProblemFileError, match="name the pair"):
        BoundaryPart("periodic")
    with pytest.raises(ProblemFileError, match="has no data: leave flux out"):
        BoundaryPart("periodic", "x", flux=1.0)
    with pytest.raises(ProblemFileError, match="pairs of opposite sides of a box, but the domain is a disk"):
        Problem(domain=Ball((0.0, 0.0), 1.0), source=1.0, boundary=(BoundaryPart("periodic", "x"),))
    with pytest.raises(ProblemFileError, match="name must be one of x, y, got 'z'"):
        Problem(domain=SQUARE, source=1.0, boundary=(BoundaryPart("periodic", "z"),))


def test_distance_and_lifting_with_some_periodic_axes():
    x = SQUARE.interior(50, torch.Generator().manual_seed(0)).x
    distance, lifting = (
        SQUARE.distance_from(["y-min", "y-max"]),
        SQUARE.lifting_from(dict.fromkeys(["y-min", "y-max"], CallableField(lambda x: x[:, 1] ** 2 + x[:, 0]))),
    )
    torch.testing.assert_close(distance(x), 4 * x[:, 1] * (1 - x[:, 1]))
    torch.testing.assert_close(distance.gradient(x), torch.stack([0 * x[:, 0], 4 - 8 * x[:, 1]], dim=1))
    torch.testing.assert_close(lifting(x), x[:, 1] + x[:, 0])  # linear between the values at y = 0 and y = 1
    assert math.isclose(float(SQUARE.distance()(torch.full((1, 2), 0.5, dtype=torch.float64))), 1)

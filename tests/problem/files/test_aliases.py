"""Usual names of kinds and keys: the problem is the same as with the names of the package."""

import pytest

from pdefreq.core.errors import ProblemFileError
from pdefreq.problem.files import problem_from_text

REST = '[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n'
SAME = {
    "interval": ('kind = "interval"\nlower = 0\nupper = 1', 'kind = "box"\ndimension = 1\nlower = 0\nupper = 1'),
    "square": ('kind = "square"\nlower = 0\nupper = 1', 'kind = "box"\ndimension = 2\nlower = 0\nupper = 1'),
    "rectangle": ('kind = "rectangle"\nlower = 0\nupper = [1, 2]', 'kind = "box"\nlower = 0\nupper = [1, 2]'),
    "cube": ('kind = "cube"\nlower = 0\nupper = 1', 'kind = "box"\ndimension = 3\nlower = 0\nupper = 1'),
    "disk": ('kind = "disk"\ncenter = [1, 2]\nradius = 3', 'kind = "ball"\nmidpoint = [1, 2]\nradius = 3'),
    "sphere": ('kind = "sphere"\nradius = 3', 'kind = "ball"\ndimension = 3\nradius = 3'),
    "annulus": ('kind = "annulus"\ninner = 1\nouter = 2', 'kind = "ring"\ndimension = 2\ninner = 1\nouter = 2'),
    "vertices": ('kind = "polygon"\nvertices = [[0,0],[1,0],[0,1]]', 'kind = "polygon"\npoints = [[0,0],[1,0],[0,1]]'),
    "unit_square": ('kind = "unit_square"', 'kind = "box"\nlower = [0, 0]\nupper = [1, 1]'),
    "unit-cube": ('kind = "unit-cube"', 'kind = "box"\ndimension = 3\nlower = 0\nupper = 1'),
    "unit_disk": ('kind = "unit_disk"\ncenter = [1, 2]', 'kind = "ball"\nmidpoint = [1, 2]\nradius = 1'),
    "holes": (
        'kind = "square"\nlower = 0\nupper = 1\nholes = [{kind = "circle", center = [0.5, 0.5], radius = 0.1}]',
        'kind = "box"\ndimension = 2\nlower = 0\nupper = 1\nholes = [{kind = "ball", midpoint = [0.5, 0.5], radius = 0.1}]',
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_an_alias_gives_the_same_problem(name):
    alias, own = (problem_from_text(f"[domain]\n{text}\n{REST}") for text in SAME[name])
    assert alias.digest == own.digest


def test_a_neumann_condition_is_a_robin_condition_without_alpha_also_in_a_variant():
    text = '[domain]\nkind = "square"\nlower = 0\nupper = 1\n' + REST
    part = '[[{}]]\nname = "x-max"\nkind = "{}"\nflux = "y"\n'
    own = problem_from_text(text + part.format("boundary.part", "robin"))
    assert problem_from_text(text + part.format("boundary.part", "neumann")).digest == own.digest
    varied = text + part.format("variant.hard.boundary.part", "neumann")
    assert problem_from_text(varied, name="p:hard").digest == own.digest != problem_from_text(varied).digest


CONTRADICTIONS = {
    'kind = "disk"\ndimension = 3\nradius = 1': 'dimension must be 2 for kind = "disk"',
    'kind = "disk"\ncenter = [0, 0]\nmidpoint = [0, 0]\nradius = 1': "center and midpoint are the same",
    'kind = "cube"\nlower = 0\nupper = 1\nholes = [{kind = "disk", radius = 0.1}]': "a disk has dimension 2, but the domain",
}


@pytest.mark.parametrize("domain", CONTRADICTIONS)
def test_a_contradiction_is_refused(domain):
    with pytest.raises(ProblemFileError, match=CONTRADICTIONS[domain]):
        problem_from_text(f"[domain]\n{domain}\n{REST}")


def test_aliases_under_a_misspelled_key_are_no_further_errors():
    """The only error is the key: the values below it are read with the names that they have under the right key."""
    domain = SAME["holes"][0].replace("holes =", "hole =")
    with pytest.raises(ProblemFileError) as error:
        problem_from_text(f"[domain]\n{domain}\n{REST}")
    assert str(error.value) == "[domain] unknown key 'hole': did you mean 'holes'?"


@pytest.mark.parametrize(("key", "other"), [("alpha", "robin"), ("value", "dirichlet")])
def test_keys_of_other_conditions_do_not_belong_to_neumann(key, other):
    part = f'[[boundary.part]]\nname = "x-max"\nkind = "neumann"\n{key} = "1"\n'
    with pytest.raises(ProblemFileError, match=f'{key} belongs to kind = "{other}"'):
        problem_from_text(f'[domain]\nkind = "interval"\nlower = 0\nupper = 1\n{REST}{part}')

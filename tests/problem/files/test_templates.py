"""Templates and the reference page are generated from the definitions by which problem files are read."""

import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

from pdefreq.core.errors import ProblemFileError, UnknownNameError
from pdefreq.core.history import Stop
from pdefreq.core.number_kinds import Number, Numbers, PerAxis, Whole
from pdefreq.core.streams import stream
from pdefreq.core.table_keys import Key, Table
from pdefreq.domains import DOMAINS
from pdefreq.problem.files import problem_directories, problem_from_text, template
from pdefreq.problem.files.aliases import DOMAIN_ALIASES
from pdefreq.problem.files.domains import DOMAIN_KEYS
from pdefreq.problem.files.keys import document_keys
from pdefreq.problem.files.reference import reference_page
from pdefreq.runs.solve import solve
from pdefreq.studies.outlook import outlook

ROOT = Path(__file__).parents[3]
KINDS = [*DOMAINS, *DOMAIN_ALIASES]


@pytest.fixture
def locate(tmp_path):
    """The files that the templates name."""
    (tmp_path / "holes.csv").write_text("x,y,r\n0.5,0.5,0.1\n")
    (tmp_path / "coefficient.csv").write_text("1,2\n3,4\n")
    (tmp_path / "my_mesh.msh").write_bytes((problem_directories()[-1] / "meshes" / "l-shape.msh").read_bytes())
    return tmp_path.joinpath


def test_the_reference_page_is_up_to_date():
    """To write it: python -m pdefreq.problem.files.reference > docs/problem_reference.md."""
    assert (ROOT / "docs" / "problem_reference.md").read_text() == reference_page()


def all_keys(keys=None, path=""):
    for key in document_keys() if keys is None else keys:
        yield path, key
        if isinstance(key.kind, Table):
            yield from all_keys(key.kind.keys or (), f"{path}.{key}".strip("."))
    if keys is None:
        yield from (("domain", key) for key in DOMAIN_KEYS)
        yield from ((f"domain {name}", key) for name in DOMAINS for key in DOMAINS.load(name).keys)


def test_every_key_has_a_definition_and_is_on_the_page():
    page = reference_page()
    for path, key in all_keys():
        assert isinstance(key, Key) and key.meaning and key.kind.words, (path, key)
        assert f"`{key}`" in page or f"{key}]" in page, (path, key)


@pytest.mark.parametrize("complete", [False, True], ids=["short", "complete"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_template_is_read(kind, complete, locate):
    text = template(kind, complete=complete)
    problem = problem_from_text(text, locate=locate)
    expected = DOMAIN_ALIASES.get(kind, {"kind": kind})["kind"]
    assert isinstance(problem.domain, DOMAINS.load(expected))
    assert problem_from_text(text, name="my:hard", locate=locate).parameters["k1"] == 50
    assert max(map(len, text.splitlines())) <= 130


@pytest.mark.parametrize("kind", ["square", "disk", "ring", "polygon", "ellipse", "unit-disk"])
def test_the_hole_of_a_short_template_is_inside_the_domain(kind):
    whole = problem_from_text(template(kind)).domain
    text = re.sub("^# (?=holes)", "", template(kind), flags=re.MULTILINE)
    domain = problem_from_text(text).domain
    assert domain.part_names == (*whole.part_names, "hole-1")
    assert 0 < domain.measure < whole.measure


@pytest.mark.parametrize("complete", [False, True], ids=["short", "complete"])
@pytest.mark.parametrize("kind", ["interval", "square", "cube"])
def test_the_solution_of_a_template_has_modes(kind, complete):
    assert outlook(problem_from_text(template(kind, complete=complete))).num_modes == 2


@pytest.mark.parametrize("kind", ["box", "disk", "ring", "polygon"])
def test_a_complete_template_is_solved(kind):
    """u = s(pi) + s(10 pi) / 10 with s(k) = sin(kx) sin(ky): linear cells of width h = 1/40 have an error of about (10 pi h)^2 / 8
    = 0.08 of the second wave, 0.008 of u.
    """
    problem = problem_from_text(template(kind, complete=True))
    size = problem.domain.measure**0.5
    solution = solve(problem, f"fem:cells={round(40 * size)}", stop=Stop(steps=50), probes=[], predict=False)
    samples = problem.domain.interior(500, stream(0, "templates"))
    error = torch.as_tensor(solution(samples.x)) - problem.exact(samples.x)
    assert solution.status.exit_code == 0
    assert float(error.norm() / problem.exact(samples.x).norm()) < 0.05


def units(text):
    """The alternatives in a complete template: successive lines that begin with # and a key or a table."""
    found, lines = [], text.splitlines()
    for place, line in enumerate(lines):
        if re.match(r"#[\[a-z]", line):
            joins = found and found[-1][-1] == place - 1 and not line.startswith("#[")
            starts = joins and re.match(r"#(\[|kind)", lines[found[-1][0]])
            found = [*found[:-1], [*found[-1], place]] if starts else [*found, [place]]
    return lines, found


LINES, UNITS = units(template("box", complete=True))
TITLES = [" ".join(LINES[place].lstrip("#").split(" #")[0] for place in unit) for unit in UNITS]


@pytest.mark.parametrize("unit", UNITS, ids=TITLES)
def test_every_alternative_of_the_complete_template_can_be_used(unit, locate):
    """With the keys that it replaces removed: another value of the key, the other kind of domain, or `exact`."""
    text = "\n".join([*LINES[: unit[0]], *(LINES[place][1:] for place in unit), *LINES[unit[-1] + 1 :]])
    own = LINES[unit[0]][1:]
    key = own.split(" =")[0]
    if key == "kind":  # of the domain
        text = re.sub(r"^(kind = \"box\"|lower = .*|upper = .*|dimension = .*)$", "", text, flags=re.MULTILINE)
    elif not own.startswith("["):
        text = re.sub(rf"^{key} = (?!{re.escape(own[len(key) + 3 :])}$).*$", "", text, flags=re.MULTILINE)
    if key in ("source", "value", "[[boundary.part]]", "interpolation", "shades", "[data]") or "coefficient.csv" in own:
        text = (
            re.sub(r"^exact = .*$", 'source = "1"', text, flags=re.MULTILINE)
            if key != "source"
            else re.sub(r"^exact = .*$", "", text, flags=re.MULTILINE)
        )
        text = text if key == "value" else text.replace('#value = "0"', 'value = "0"', 1)
    if key in ("interpolation", "shades"):
        text = re.sub(r"^diffusion = .*$", 'diffusion = "coefficient.csv"', text, flags=re.MULTILINE)
    if key == "mesh":
        text = text.replace("#holes = [", "holes = [", 1)
        with pytest.raises(ProblemFileError, match="must name its boundaries"):  # it is a mesh of another domain
            problem_from_text(text, locate=locate)
        return
    if key == "holes":
        text = re.sub(r"^exact = .*$", 'source = "1"', text, flags=re.MULTILINE).replace('#value = "0"', 'value = "0"', 1)
    tomllib.loads(text)
    problem_from_text(text, locate=locate)


def test_an_unknown_kind_of_domain_is_refused():
    with pytest.raises(UnknownNameError, match="did you mean 'disk'"):
        template("dsk")


def bounds(kind):
    """Values outside and at the ends of the range of a kind of value."""
    if isinstance(kind, Whole):
        return [kind.least - 1, kind.most + 1], [kind.least, kind.most]
    each = kind if isinstance(kind, Number) else kind.each
    tiny = 1e-9
    outside = [each.least - tiny, each.above, each.most * (1 + tiny), each.below]
    inside = [each.least, each.above + tiny, each.most, each.below - 0.01]
    return [v for v in outside if np.isfinite(v)], [v for v in inside if np.isfinite(v)]


RANGED = [
    (kind, key)
    for kind in DOMAINS
    for key in DOMAINS.load(kind).keys
    if isinstance(key.kind, (Whole, Number, PerAxis)) and any(bounds(key.kind))
]


@pytest.mark.parametrize(("kind", "key"), RANGED, ids=lambda value: str(value))
def test_the_stated_ranges_of_domains_are_those_that_are_checked(kind, key):
    values = {"kind": kind, **DOMAINS.load(kind).example}

    def read(value):
        listed = [value, value] if isinstance(values.get(key), list) else value
        if key == "dimension":  # lists would contradict it
            values.update({name: v for name, v in values.items() if not isinstance(v, list)})
        own = {name: (1 if isinstance(v, list) and key == "dimension" else v) for name, v in values.items()} | {str(key): listed}
        own = own | ({"outer": 10} if key == "inner" else {}) | ({"inner": 1e-12} if key == "outer" else {})
        own = own | ({"lower": 0, "upper": 1} if key == "dimension" and kind == "box" else {})
        body = "\n".join(f"{name} = {str(v) if not isinstance(v, str) else repr(v)}" for name, v in own.items())
        return problem_from_text(f'[domain]\n{body}\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n')

    outside, inside = bounds(key.kind)
    for value in inside:
        if kind != "mesh" and not (key == "dimension" and value > 10):  # the size of a solid needs gmsh
            read(value)
    for value in outside:
        with pytest.raises(ProblemFileError, match=rf"\[domain\] {key} must be"):
            read(value)


TEXT = """
[domain]
kind = "unit_square"
[equation]
diffusion = "0"
source = "1"
reaction = "1"
{equation}
[data]
number = 20
{data}
[spectrum]
{spectrum}
[run]
{run}
"""
OTHERS = [
    (table, key)
    for table in document_keys()
    if table in ("data", "spectrum", "run")
    for key in table.kind.keys
    if isinstance(key.kind, (Whole, Number, Numbers)) and any(bounds(key.kind)) and key != "number"
]


@pytest.mark.parametrize(("table", "key"), OTHERS, ids=lambda value: str(value))
def test_the_stated_ranges_of_other_tables_are_those_that_are_checked(table, key):
    blank = dict.fromkeys(("equation", "data", "spectrum", "run"), "")
    outside, inside = bounds(key.kind)
    for value in inside:
        problem_from_text(TEXT.format(**blank | {str(table): f"{key} = {value}"}))
    for value in outside:
        with pytest.raises(ProblemFileError, match=rf"\[{table}\] {key} must be"):
            problem_from_text(TEXT.format(**blank | {str(table): f"{key} = {value}"}))


def test_the_method_of_a_run_table_must_be_a_registered_name():
    for entry in ('method = "mine.py:Solver"', 'set = {network = "mine.py:net"}'):
        with pytest.raises(ProblemFileError, match="must be a registered name"):
            problem_from_text(TEXT.format(equation="", data="", spectrum="", run=entry))

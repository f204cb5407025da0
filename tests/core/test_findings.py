"""All errors of a problem file are reported at once."""

import itertools

import pytest

from pdefreq.core.errors import DataError, DomainError, ProblemFileError, UnknownNameError
from pdefreq.problem.files import problem_from_text

GOOD = {
    "parameter": 'k = "2"',
    "diffusion": 'diffusion = "1 + x**2"',
    "source": 'source = "sin(k*x)"',
    "value": 'value = "0"',
    "name": 'name = "x-min"',
    "flux": 'flux = "1"',
    "modes": 'modes = "sine"',
    "singular": "singular = [[0.5]]",
}
BAD = {
    "parameter": ('k = "2*q"', "unknown name 'q'"),
    "diffusion": ('diffusion = "1 +"', "'1 \\+' is not an expression"),
    "source": ('source = "sin(k*w)"', "unknown name 'w'"),
    "value": ('value = "foo(x)"', "unknown function 'foo'"),
    "name": ('name = "x-mun"', "no boundary 'x-mun'"),
    "flux": ('flux = "zz"', "unknown name 'zz'"),
    "modes": ('modes = "sin"', 'modes must be "sine" or'),
    "singular": ("singular = [0.5, 0.5]", "a list of points with 1 coordinate"),
}
TEXT = """
[parameters]
{parameter}
[domain]
kind = "interval"
lower = 0
upper = 1
[equation]
{diffusion}
{source}
{singular}
[boundary]
{value}
[[boundary.part]]
kind = "neumann"
{name}
{flux}
[spectrum]
{modes}
"""


def test_the_file_without_errors_is_read():
    assert problem_from_text(TEXT.format(**GOOD)).domain.dimension == 1


@pytest.mark.parametrize("wrong", [*((each,) for each in BAD), *itertools.combinations(BAD, 2), tuple(BAD)], ids="-".join)
def test_every_error_is_named_once_and_no_other(wrong):
    """Also the flux of a part with a wrong name."""
    lines = GOOD | {key: BAD[key][0] for key in wrong}
    expected = wrong
    with pytest.raises((ProblemFileError, UnknownNameError)) as found:
        problem_from_text(TEXT.format(**lines))
    message, shown = str(found.value), found.value.lines
    assert len(shown) == (1 if len(expected) == 1 else 1 + len(expected))
    assert "\n" not in message and (len(expected) == 1 or f"has {len(expected)} errors" in message)
    for key in expected:
        with pytest.raises((ProblemFileError, UnknownNameError), match=BAD[key][1]):
            raise found.value


def test_unknown_keys_are_listed_together():
    text = TEXT.format(**GOOD).replace("flux", "fluxx").replace("modes", "modus") + "[dta]\n"
    with pytest.raises(ProblemFileError, match=r"3 errors.*fluxx.*modus.*dta"):
        problem_from_text(text)


def test_at_most_ten_errors_are_listed():
    with pytest.raises(ProblemFileError, match="has 30 errors, of which the first 10 are") as found:
        problem_from_text(TEXT.format(**GOOD) + "".join(f"[key{k}]\n" for k in range(30)))
    assert len(found.value.lines) == 11


def test_the_command_prints_one_line_for_each_error(tmp_path, capsys):
    from pdefreq.cli import main

    (tmp_path / "p.toml").write_text(TEXT.format(**GOOD | {key: BAD[key][0] for key in ("source", "modes")}))
    with pytest.raises(SystemExit) as ended:
        import sys

        sys.argv = ["pdefreq", "check", str(tmp_path / "p.toml")]
        main()
    lines = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2 and lines[0] == "error: the problem file has 2 errors"
    assert lines[1].startswith("(1) [equation] source") and lines[2].startswith("(2) [spectrum] modes")


WRONG_KEYS = {  # a misspelled key, and an error in its value
    "sorce": ('source = "sin(k*x)"', 'sorce = "sin(w)"', "unknown key 'sorce'.*did you mean 'source'", "unknown name 'w'"),
    "fluxx": ('flux = "1"', 'fluxx = "zz"', "unknown key 'fluxx'", "unknown name 'zz'"),
    "uper": ("upper = 1", "uper = -1", "unknown key 'uper'", "lower must be below upper"),
    "boundry": ("[boundary]\n", "[boundry]\n", "unknown key 'boundry'", None),
    "modus": ('modes = "sine"', 'modus = "sin"', "unknown key 'modus'", 'modes must be "sine"'),
}


@pytest.mark.parametrize("name", [*WRONG_KEYS])
def test_the_value_of_a_misspelled_key_is_checked_as_well(name):
    old, new, *messages = WRONG_KEYS[name]
    text = TEXT.format(**GOOD)
    assert text.count(old) == 1
    with pytest.raises(ProblemFileError) as found:
        problem_from_text(text.replace(old, new))
    if name == "boundry":  # [[boundary.part]] exists, so that this table is left out
        assert "1 error" not in str(found.value)
    for message in filter(None, messages):
        with pytest.raises(ProblemFileError, match=message):
            raise found.value


def test_a_key_without_resemblance_is_the_only_error_although_another_one_is_missing():
    text = TEXT.format(**GOOD).replace("source =", "rhs =")
    with pytest.raises(ProblemFileError, match=r"^\[equation\] unknown key 'rhs'"):
        problem_from_text(text)


def test_formulas_are_checked_although_the_domain_has_errors():
    """The dimension follows from the kind or is stated; where it contradicts a list, formulas are not read."""
    bad = TEXT.format(**GOOD | {key: BAD[key][0] for key in ("diffusion", "source", "value", "modes")})
    text = bad.replace("upper = 1", 'upper = "q"').replace("lower = 0", "lower = -1e999")
    with pytest.raises(ProblemFileError, match="has 6 errors") as found:
        problem_from_text(text)
    for message in ("lower must be", r"upper: unknown name 'q'", *(BAD[key][1] for key in ("diffusion", "source", "value"))):
        with pytest.raises(ProblemFileError, match=message):
            raise found.value
    with pytest.raises(ProblemFileError, match=r"^\[domain\] lower must be one number"):
        problem_from_text(bad.replace("lower = 0", "lower = [0, 0]"))


def test_all_holes_with_errors_are_listed():
    holes = 'holes = [{kind = "disk", radius = 0}, {kind = "disc", radus = 0.1}, {kind = "sphare"}]'
    text = f'[domain]\nkind = "square"\nlower = 0\nupper = 1\n{holes}\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n'
    with pytest.raises(ProblemFileError, match=r"3 errors.*radius must be a number above 0.*'radus'.*did you mean 'sphere'"):
        problem_from_text(text)


@pytest.mark.parametrize("rows", [None, "a,b\n1,2\n", "x,value\n0.5,zz\n", "x,value\n0.5,1,2\n", "x,value\n7,1\n"])
def test_an_error_in_a_file_of_values_is_the_only_one_although_the_source_is_missing(tmp_path, rows):
    if rows is not None:
        (tmp_path / "d.csv").write_text(rows)
    text = '[domain]\nlower = 0\nupper = 1\n[data]\npoints = "d.csv"\n[boundary]\nvalue = "0"\n'
    with pytest.raises(DataError, match=r"d\.csv"):
        problem_from_text(text, locate=tmp_path.joinpath)
    with pytest.raises(DomainError, match="lower must be below upper"):  # the file can't be read without the domain
        problem_from_text(text.replace("upper = 1", "upper = -1"), locate=tmp_path.joinpath)


def test_a_misspelled_kind_of_domain_hides_no_other_error():
    text = TEXT.format(**GOOD | {key: BAD[key][0] for key in ("source", "value", "modes")})
    with pytest.raises(ProblemFileError, match=r"has 4 errors.*did you mean 'box'.*'w'.*'foo'.*modes"):
        problem_from_text(text.replace("interval", "bx").replace("lower = 0\nupper = 1", "lower = [0]\nupper = [1]"))


def test_what_exact_contradicts_is_listed_together():
    lines = GOOD | {"source": 'source = "3"\nexact = "sin(x)"', "value": 'value = "2"', "flux": 'flux = "7"'}
    with pytest.raises(ProblemFileError, match=r"3 errors.*source and.*exact disagree.*flux and.*value and.*exact disagree"):
        problem_from_text(TEXT.format(**lines))


def test_a_source_that_cannot_be_derived_is_listed_with_other_errors(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n")
    text = TEXT.format(**GOOD | {"diffusion": 'diffusion = "a.csv"', "source": 'exact = "x"', "value": BAD["value"][0]})
    with pytest.raises(ProblemFileError, match=r"2 errors.*can't be derived.*unknown function 'foo'"):
        problem_from_text(text, locate=tmp_path.joinpath)


def test_values_out_of_range_at_points_are_listed_together():
    lines = GOOD | {"diffusion": 'diffusion = "-1 - x"', "source": 'source = "1/x"', "flux": 'flux = "log(x - 2)"'}
    with pytest.raises(ProblemFileError, match=r"3 errors.*source is not finite.*diffusion must be.*flux is not finite"):
        problem_from_text(TEXT.format(**lines).replace("singular = [[0.5]]", "").replace("lower = 0", "lower = -1"))


SUGGESTIONS = {
    'kind = "disq"': "did you mean 'disk'",
    'kind = "rectngle"': "did you mean 'rectangle'",
    'kind = "ringg"': "did you mean 'ring'",
    'kind = "unit_sqare"': "did you mean 'unit_square'",
}


@pytest.mark.parametrize("kind", SUGGESTIONS)
def test_usual_names_are_suggested_for_kinds_of_domains(kind):
    with pytest.raises(ProblemFileError, match=SUGGESTIONS[kind]):
        problem_from_text(TEXT.format(**GOOD).replace('kind = "interval"', kind))


@pytest.mark.parametrize("kind", ["neuman", "Neumann", "neumannn"])
def test_neumann_is_suggested_for_kinds_of_conditions(kind):
    with pytest.raises(ProblemFileError, match="did you mean 'neumann'"):
        problem_from_text(TEXT.format(**GOOD).replace('kind = "neumann"', f'kind = "{kind}"'))

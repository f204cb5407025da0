"""All errors of a problem file are reported at once."""

import itertools

import pytest

from pdefreq.core.errors import ProblemFileError, UnknownNameError
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
    """A part with a wrong name is left out, so that its flux is not read."""
    lines = GOOD | {key: BAD[key][0] for key in wrong}
    expected = [key for key in wrong if not (key == "flux" and "name" in wrong)]
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

"""What the documents say is done here to the letter: blocks are applied, commands are run, links lead somewhere."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pdefreq.solvers import SOLVERS

ROOT = Path(__file__).parent.parent
DOCS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> dict[str, str]:
    """Titled blocks of a page by their title; what a diff adds comes under the name of the file it changes."""
    return {title: body for _, title, body in BLOCK.findall(path.read_text()) if title}


def applied(text: str, diff: str) -> str:
    """A text with one hunk applied; its context must be found exactly once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert text.count(before) == 1, f"the context of the diff is not in the file: {before}"
    return text.replace(before, after)


EXTENSIONS = blocks(ROOT / "docs" / "extend.md")


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the project with the blocks of docs/extend.md applied."""
    home = tmp_path_factory.mktemp("extended")
    for name in ("pdefreq", "problems", "tests"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", home)
    for title, body in EXTENSIONS.items():
        target = home / title
        if title.startswith(("pdefreq/", "problems/")):
            target.write_text(applied(target.read_text(), body) if target.exists() else body)
    return home


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    """A folder with the files of docs/extend.md by themselves, and an installed package that announces what they define."""
    home = tmp_path_factory.mktemp("outside")
    for title, body in EXTENSIONS.items():
        if title.endswith(".py") and body.lstrip()[0] not in "+-":
            (home / Path(title).name).write_text(body)
    meta = home / "other-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (meta / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in entries.items())
            for group, entries in ANNOUNCED.items()
        )
    )
    return home


ANNOUNCED = tomllib.loads(EXTENSIONS["pyproject.toml of your package"])["project"]["entry-points"]


def python(home: Path, *args: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *args], cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pdefreq(home: Path, *args: str) -> str:
    return python(home, "-c", "from pdefreq.cli import main; main()", *args)


def test_the_added_problem_and_method_solve(extended):
    out = pdefreq(extended, "solve", "bump", "--method", "richardson", "--steps", "50", "--json")
    assert '"status": "steps"' in out
    assert "damping" in pdefreq(extended, "methods", "richardson")
    assert "bump" in pdefreq(extended, "problems")


@pytest.mark.parametrize(
    ("files", "names"),
    [
        (["tests/test_contracts.py"], "richardson or bump or size"),
        (["tests/spaces/test_activations.py", "tests/spaces/test_derivatives.py"], "gaussian"),
        (["tests/spaces/test_initialization.py"], "orthogonal"),
        (["tests/reproduce/test_limit.py"], "sweeps"),
    ],
)
def test_what_was_added_passes_the_contract_tests(extended, files, names):
    out = python(extended, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *files, "-k", names)
    assert re.search(r"\d+ passed", out) and "failed" not in out


def test_the_added_probe_records(extended):
    code = EXTENSIONS["use a probe"].replace('"jacobi"', '"jacobi", stop=__import__("pdefreq").Stop(steps=3)')
    assert python(extended, "-c", code).startswith("[0. ")


def test_a_function_of_ones_own_is_measured():
    out = python(ROOT, "-c", blocks(ROOT / "docs" / "extend.md")["measure a function of your own"])
    assert float(out.split()[-1]) == pytest.approx(-2, abs=1e-9)


def test_the_network_from_parts_starts_at_zero(extended):
    python(extended, "-c", EXTENSIONS["networks from parts"])  # its assertions are the test


@pytest.mark.parametrize("title", blocks(ROOT / "docs" / "theory.md"))
def test_theory_from_python(title):
    python(ROOT, "-c", blocks(ROOT / "docs" / "theory.md")[title])  # its assertions are the test


def test_the_added_activation_initialization_and_experiment_are_used(extended):
    settings = ["--set", "activation=gaussian", "--set", "initialization=orthogonal"]
    assert '"status": "steps"' in pdefreq(extended, "solve", "poisson", "-m", "deep-ritz", *settings, "--steps", "3", "--json")
    assert "| sor " in pdefreq(extended, "reproduce", "sweeps", "--steps", "5")
    assert "equally many sweeps" in pdefreq(extended, "reproduce")


def test_each_change_inside_the_package_is_one_file_and_one_line():
    """Of those that are said to be; a method has its step in a file of its own."""
    for title, body in EXTENSIONS.items():
        if title.endswith("__init__.py"):
            assert sum(line.startswith(("+", "-")) for line in body.splitlines()) == 1, title
    headings = re.split(r"^## ", (ROOT / "docs" / "extend.md").read_text(), flags=re.MULTILINE)
    told = [section for section in headings if section.partition("\n")[0].endswith("one file and one line")]
    assert len(told) >= 4
    for section in told:
        inside = [title for _, title, _ in BLOCK.findall(section) if title.startswith("pdefreq/")]
        assert len(inside) == 2 and inside[1].endswith("__init__.py"), inside


OUTSIDE = re.search(r"^## From outside.*?^```sh\n(.*?)^```", (ROOT / "docs" / "extend.md").read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("line", OUTSIDE[1].splitlines() if OUTSIDE else [])
def test_from_a_file(outside, line):
    program, *arguments = shlex.split(line)
    assert program == "pdefreq" and "runs/" in pdefreq(outside, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "poisson", "-m", "gentle", "--set", "intervals=20", "--steps", "9", "--probe", "size"],
        ["solve", "poisson", "-m", "pinn", "--steps", "3", "-s", "activation=gaussian", "-s", "initialization=orthogonal"],
        ["reproduce", "sweeps", "--steps", "5"],
    ],
    ids=" ".join,
)
def test_from_another_package(outside, arguments):
    assert "runs/" in pdefreq(outside, *arguments)


def test_what_another_package_announces_is_listed_and_used_above(outside):
    assert "gentle" in pdefreq(outside, "methods") and "sweeps" in pdefreq(outside, "reproduce")
    assert {f"pdefreq.{kind}" for kind in ("solvers", "probes", "activations", "initializations", "experiments")} <= {*ANNOUNCED}


def test_the_readme_lists_every_method():
    text = (ROOT / "README.md").read_text()
    assert [name for name in SOLVERS if f"`{name}`" not in text] == []


@pytest.mark.parametrize("page", DOCS, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", DOCS, ids=lambda p: p.name)
def test_every_command_shown_exists_with_its_options(page):
    """Each `pdefreq ...` in a shell block parses: the command and its options are in the help."""
    for kind, _, body in BLOCK.findall(page.read_text()):
        if kind not in ("sh", "bash", "console"):
            continue
        for line in body.splitlines():
            match = re.search(r"(?:^|\s|/)pdefreq (\w+)(.*)", line.split("#")[0])
            if match is None:
                continue
            help_text = subprocess.run(
                [sys.executable, "-m", "pdefreq", match[1], "--help"],
                capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ | {"COLUMNS": "200", "TERM": "dumb"},
            ).stdout  # fmt: skip
            for option in re.findall(r"(?<=\s)(--?[a-z][\w-]*)", match[2]):
                assert option in help_text, f"{option} in: {line}"

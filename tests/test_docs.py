"""What the documents say is done here to the letter: blocks are applied, commands are run, links lead somewhere."""

import os
import re
import shutil
import subprocess
import sys
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


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the project with the blocks of docs/extend.md applied, and an installed package that adds a method."""
    home = tmp_path_factory.mktemp("extended")
    for name in ("pdefreq", "problems", "tests"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", home)
    for title, body in blocks(ROOT / "docs" / "extend.md").items():
        target = home / title
        if title.startswith(("pdefreq/", "problems/")):
            target.write_text(applied(target.read_text(), body) if target.exists() else body)
        elif title == "my_method.py":
            target.write_text(body)
    meta = home / "other-1.0.dist-info"
    meta.mkdir()
    (meta / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    toml = blocks(ROOT / "docs" / "extend.md")["pyproject.toml of your package"]
    name, target = re.search(r'^(\w+) = "(.+)"', toml, re.MULTILINE).groups()  # type: ignore[union-attr]
    (meta / "entry_points.txt").write_text(f"[pdefreq.solvers]\n{name} = {target}\n")
    return home


def python(home: Path, *args: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(home), "OMP_NUM_THREADS": "1"}
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


def test_what_was_added_passes_the_contract_tests(extended):
    out = python(
        extended,
        "-m",
        "pytest",
        "-q",
        "-n",
        "0",
        "-p",
        "no:cacheprovider",
        "tests/test_contracts.py",
        "-k",
        "richardson or bump or size",
    )
    assert re.search(r"\d\d+ passed", out) and "failed" not in out


def test_the_added_probe_records(extended):
    code = blocks(ROOT / "docs" / "extend.md")["use a probe"].replace(
        '"jacobi"', '"jacobi", stop=__import__("pdefreq").Stop(steps=3)'
    )
    assert python(extended, "-c", code).startswith("[0. ")


def test_a_function_of_ones_own_is_measured():
    out = python(ROOT, "-c", blocks(ROOT / "docs" / "extend.md")["measure a function of your own"])
    assert float(out.split()[-1]) == pytest.approx(-2, abs=1e-9)


def test_the_network_from_parts_starts_at_zero(extended):
    python(extended, "-c", blocks(ROOT / "docs" / "extend.md")["networks from parts"])  # its assertions are the test


@pytest.mark.parametrize("title", blocks(ROOT / "docs" / "theory.md"))
def test_theory_from_python(title):
    python(ROOT, "-c", blocks(ROOT / "docs" / "theory.md")[title])  # its assertions are the test


def test_methods_from_a_file_and_from_another_package(extended):
    assert "gentle" in pdefreq(extended, "methods")
    for method in ("gentle", "my_method.py:gentle"):
        assert '"status": "steps"' in pdefreq(
            extended, "solve", "poisson", "-m", method, "--set", "intervals=20", "--steps", "9", "--json"
        )


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

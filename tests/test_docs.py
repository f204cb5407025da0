"""The additions of docs/extend.md are made and used, and the methods that the pages name exist; `test_docs_laws` has the rest."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from pdefreq import load_problem, load_run, rerun, resume, solve
from pdefreq.core.content import opaque_parts
from pdefreq.core.errors import UntrustedCodeError
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver

ROOT = Path(__file__).parents[1]
DOCS = sorted([*(ROOT / "docs").glob("*.md"), *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md"])
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)


def blocks(path: Path) -> dict[str, str]:
    """Titled blocks of a page by their title; the contents of a diff are listed under the name of the file that it changes."""
    return {title: body for _, title, body in BLOCK.findall(path.read_text()) if title}


def applied(text: str, diff: str) -> str:
    """A text with one hunk applied; its context must occur exactly once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    assert text.count(before) == 1, f"the context of the diff is not in the file: {before}"
    return text.replace(before, after)


CHANGES = [(title, body) for _, title, body in BLOCK.findall((ROOT / "docs" / "extend.md").read_text()) if title]
EXTENSIONS = dict(CHANGES)


@pytest.fixture(scope="module")
def extended(tmp_path_factory) -> Path:
    """A copy of the project with the blocks of docs/extend.md applied."""
    home = tmp_path_factory.mktemp("extended")
    for name in ("pdefreq", "problems", "tests"):
        shutil.copytree(ROOT / name, home / name)  # with the compiled files, which stay valid
    shutil.copy(ROOT / "pyproject.toml", home)
    for title, body in CHANGES:
        target = home / title
        if title.startswith(("pdefreq/", "problems/")):
            target.write_text(applied(target.read_text(), body) if target.exists() else body)
    return home


@pytest.fixture(scope="module")
def outside(tmp_path_factory) -> Path:
    """A folder with the separate files of docs/extend.md, and an installed package that announces their definitions."""
    home = tmp_path_factory.mktemp("outside")
    for title, body in EXTENSIONS.items():
        if title.endswith((".py", ".toml")) and body.lstrip()[0] not in "+-":
            (home / Path(title).name).write_text(body)
    (home / "own-domain.toml").write_text(OWN_DOMAIN)
    (home / "announced-domain.toml").write_text(OWN_DOMAIN.replace("half_disk.py:HalfDisk", "half-disk"))
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


OWN_DOMAIN = EXTENSIONS["own-domain.toml"]
ANNOUNCED = tomllib.loads(EXTENSIONS["pyproject.toml of your package"])["project"]["entry-points"]


INTERPRETER = """
import contextlib, io, json, sys, traceback

replies = sys.stdout
for line in sys.stdin:
    code, *sys.argv[1:] = json.loads(line)
    failed, out, err = False, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            exec(compile(code, "docs", "exec"), {"__name__": "__main__"})
        except SystemExit as end:
            failed = bool(end.code)
        except BaseException:
            failed = True
            traceback.print_exc()
    print(json.dumps([failed, out.getvalue(), err.getvalue()]), file=replies, flush=True)
"""
"""Reads code and its arguments from lines of JSON: PyTorch is imported once for all the code that is run in one folder."""
INTERPRETERS: dict[Path, subprocess.Popen[str]] = {}


@pytest.fixture(scope="module", autouse=True)
def interpreters():
    yield
    while INTERPRETERS:
        INTERPRETERS.popitem()[1].communicate()  # ends at the end of its input


def start(home: Path, *args: str, **pipes) -> subprocess.Popen[str]:
    """A process of Python in a folder whose modules can be imported, before those of the project."""
    environment = os.environ | {"PYTHONPATH": f"{home}{os.pathsep}{ROOT}", "OMP_NUM_THREADS": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a copy of the package is compiled once, not in each of these processes
    return subprocess.Popen([sys.executable, *args], cwd=home, env=environment, stdout=subprocess.PIPE, text=True, **pipes)


def python(home: Path, code: str, *arguments: str) -> str:
    """The output of code that is run in a folder, by an interpreter that may have run other code there."""
    if home not in INTERPRETERS:
        INTERPRETERS[home] = start(home, "-c", INTERPRETER, stdin=subprocess.PIPE)
    inputs, outputs = INTERPRETERS[home].stdin, INTERPRETERS[home].stdout
    assert inputs is not None and outputs is not None
    print(json.dumps([code, *arguments]), file=inputs, flush=True)
    failed, out, err = json.loads(outputs.readline())
    assert not failed, out + err
    return out


def pdefreq(home: Path, *args: str) -> str:
    return python(home, "from pdefreq.cli import main; main()", *args)


def test_the_added_problem_can_be_solved_by_the_added_method(extended):
    out = pdefreq(extended, "solve", "bump", "--method", "richardson", "--steps", "50", "--json")
    assert '"status": "steps"' in out
    assert "damping" in pdefreq(extended, "methods", "richardson")
    assert "bump" in pdefreq(extended, "problems")


SLOW = pytest.mark.slow  # these start Python and torch again; one or two tests of each kind are in the default suite
LAWS = {  # files of laws, and the names of added entries that obey them
    "tests/problem/terms/test_laws.py": ["eikonal"],
    "tests/spaces/networks/test_initializations.py": ["orthogonal"],
    "tests/domains/test_laws.py": ["half-disk"],
    "tests/experiments/test_point_sources.py": ["sweeps"],
}
LONG_LAWS = {
    "tests/test_contracts.py": ["richardson", "bump", "size"],
    "tests/spaces/networks/test_activations.py": ["lorentzian"],
    "tests/spaces/test_derivative_laws.py": ["lorentzian"],
    "tests/parts/test_laws.py": [
        "gated",
        "sobolev",
        "rmsprop",
        "latin",
        "gaussians",
        "powers",
        "octaves",
        "small-output",
        "layered",
        "ramp",
        "marquardt",
        "minibatch",
    ],
}


@pytest.mark.parametrize("laws", [pytest.param(LAWS, id="short"), pytest.param(LONG_LAWS, id="long", marks=SLOW)])
def test_added_entries_satisfy_the_contract_tests(extended, laws):
    """In one process, whose report must name each entry in its file."""
    names = " or ".join(name for entries in laws.values() for name in entries)
    options = ["-v", "-n", "0", "-p", "no:cacheprovider", "-k", names]
    with start(extended, "-m", "pytest", *laws, *options, stderr=subprocess.STDOUT) as run:
        out, _ = run.communicate()
    assert run.returncode == 0, out
    passed = [line for line in out.splitlines() if " PASSED" in line]
    for file, entries in laws.items():
        for name in entries:
            assert any(line.startswith(file) and name in line for line in passed), (file, name)
    assert "failed" not in out


def test_the_added_probe_is_recorded(extended):
    code = EXTENSIONS["use a probe"].replace('"jacobi"', '"jacobi", stop=__import__("pdefreq").Stop(steps=3)')
    assert python(extended, code).startswith("[0. ")


@pytest.mark.slow
def test_the_added_term_can_be_used_in_all_ways(extended, outside, tmp_path):
    """By its key in [equation] if it is registered or announced, as an object in Python, and by its path in a problem file."""
    assert float(python(outside, EXTENSIONS["use a term"])) < 1e-4
    text = EXTENSIONS["front.toml"]
    rows = text[text.index("[[equation.term]]") :]
    (tmp_path / "front.toml").write_text(text.replace(rows, 'eikonal = "0.5"\n'))
    (tmp_path / "path").mkdir()
    shutil.copy(outside / "eikonal.py", tmp_path / "path")
    (tmp_path / "path" / "front.toml").write_text(text)
    options = ["-m", "pinn:widths=[8]", "--steps", "3", "--no-figures", "--json"]
    found = [pdefreq(home, "solve", str(tmp_path / "front.toml"), *options) for home in (extended, outside)]
    found.append(pdefreq(ROOT, "solve", str(tmp_path / "path" / "front.toml"), "--trust", *options))
    errors = [json.loads(out)["relative_l2"] for out in found]
    assert len(set(errors)) == 1, errors
    elements = pdefreq(outside, "solve", str(tmp_path / "front.toml"), "-m", "fem:cells=32", "--no-figures", "--json")
    assert json.loads(elements)["relative_l2"] < 5e-3
    with pytest.raises(AssertionError, match="executed only if you trust it"):
        pdefreq(ROOT, "solve", str(tmp_path / "path" / "front.toml"), *options)


def run_here(code: str) -> None:
    """Run code that needs neither a changed package nor another folder, without a new process."""
    exec(compile(code, "docs", "exec"), {"__name__": "__main__"})


def test_a_user_defined_function_is_measured(capsys):
    run_here(blocks(ROOT / "docs" / "extend.md")["measure a function of your own"])
    assert float(capsys.readouterr().out.split()[-1]) == pytest.approx(-2, abs=1e-9)


def test_the_network_from_parts_is_zero_initially():
    run_here(EXTENSIONS["networks from parts"])  # its assertions are the test


@pytest.mark.slow
def test_the_added_activation_initialization_and_experiment_are_used(extended):
    settings = ["--set", "activation=lorentzian", "--set", "initialization=orthogonal"]
    assert '"status": "steps"' in pdefreq(extended, "solve", "poisson", "-m", "deep-ritz", *settings, "--steps", "3", "--json")
    assert "| sor " in pdefreq(extended, "reproduce", "sweeps", "--steps", "5")
    listed = pdefreq(extended, "reproduce")
    assert re.search(r"^sweeps(, .*)?: \w", listed, re.MULTILINE), listed  # its name, its time and its summary


PARTS = {  # kind of part: its file and class, its name, a suitable method and problem, an option that changes the solution
    "network": ("gated.py:Gated", "gated", "deep-ritz", "poisson", {"depth": 2, "width": 8}),
    "loss": ("sobolev.py:Sobolev", "sobolev", "regression:widths=[8]", "tones", {"order": -1.5}),
    "optimizer": ("rmsprop.py:RmsProp", "rmsprop", "pinn:widths=[8]", "poisson", {"beta": 0.5}),
    "points": ("latin.py:LatinHypercube", "latin", "mscale:widths=[8]", "poisson-chirp", {"resample_every": 2}),
    "network.input": ("octaves.py:Octaves", "octaves", "pinn:widths=[8]", "poisson", {"octaves": 3}),
    "network.start": ("small_output.py:SmallOutput", "small-output", "deep-ritz:widths=[8]", "poisson", {"factor": 0.2}),
    "boundary": ("layered.py:Layered", "layered", "deep-ritz:widths=[8]", "poisson", {"width": 0.3}),
    "boundary.schedule": (
        "ramp.py:Ramp",
        "ramp",
        "deep-ritz:widths=[8],boundary=penalty",
        "poisson",
        {"factor": 0.5},
    ),  # the objective decreases
    "optimizer.control": ("marquardt.py:Marquardt", "marquardt", "gauss-newton:widths=[8]", "poisson", {"factor": 4.0}),
    "training": ("minibatch.py:Minibatch", "minibatch", "pinn:widths=[8]", "poisson", {"batch": 100}),
}
RUN_PARTS = """
import pathlib, sys

import numpy as np

from pdefreq import Stop, make_solver, resume, solve

for kind, name, method, problem, options in {parts!r}:
    print(kind)
    solver = make_solver(method, {{kind: name, **options}})
    assert solver == make_solver(method, {{kind: name}}).with_options(options)
    dotted = {{f"{{kind}}.{{key}}": v for key, v in options.items()}}
    assert solver == make_solver(method).with_options({{kind: name}}).with_options(dotted)
    run = {{"stop": Stop(steps=6), "seed": 1, "predict": False, "probes": ["error"]}}
    whole, folder = solve(problem, solver, **run), pathlib.Path(sys.argv[1], kind)
    losses = whole.history.column("objective")
    assert np.isfinite(losses).all() and losses[-1] < losses[0], losses
    c, other = (solution.state.coefficients for solution in (whole, solve(problem, make_solver(method, {{kind: name}}), **run)))
    assert len(other) != len(c) or not (other == c).all()
    solve(problem, solver, **run, folder=folder, callback=lambda step, *_: step == 3)
    np.testing.assert_array_equal(resume(folder, trust={trust}).state.coefficients, c)
"""


@pytest.mark.parametrize("way", ["table", pytest.param("file", marks=SLOW), pytest.param("entry point", marks=SLOW)])
def test_added_parts_can_be_trained_and_resumed_with_their_options(way, request, tmp_path):
    """One process for all kinds."""
    home = request.getfixturevalue("extended" if way == "table" else "outside")
    parts = [(kind, str(home / file) if way == "file" else name, *rest) for kind, (file, name, *rest) in PARTS.items()]
    assert python(home, RUN_PARTS.format(parts=parts, trust=way == "file"), str(tmp_path)).split() == list(PARTS)


@pytest.mark.parametrize("way", ["table", pytest.param("file", marks=SLOW), pytest.param("entry point", marks=SLOW)])
def test_added_features_and_singular_functions_are_used(way, request):
    """The solution has the power 3/2 of the distance from a point, so that only the added powers represent it."""
    home = request.getfixturevalue("extended" if way == "table" else "outside")
    (home / "root.toml").write_text(EXTENSIONS["root.toml"])
    waves, singular = ("gaussians.py:Gaussians", "powers.py:Powers") if way == "file" else ("gaussians", "powers")
    settings = {
        "usual": [],
        "powers": ["-s", f"singular={singular}"],
        "gaussians": ["-s", f"waves={waves}", "-s", f"singular={singular}"],
    }
    code = "import json, sys\nfrom pdefreq import load_problem, make_solver, solve\n"
    code += "print(json.dumps([solve('root.toml', make_solver('random-features', o)).error() for o in json.loads(sys.argv[1])]))"
    options = [dict(pair.split("=") for pair in each if "=" in pair) for each in settings.values()]
    usual, powers, gaussians = json.loads(python(home, code, json.dumps(options)))
    assert usual > 1e-3 > 1e-5 > gaussians and powers < 1e-12


@pytest.mark.slow
def test_code_of_a_part_in_a_run_folder_is_loaded_only_on_request(outside, tmp_path):
    """One kind represents all: `tests/runs/test_lifecycle.py` has files at every position of a run."""
    kind = "loss"
    file, _, method, problem, _ = PARTS[kind]
    run = str(tmp_path / "run")
    (tmp_path / file.split(":")[0]).write_text((outside / file.split(":")[0]).read_text())
    pdefreq(
        outside, "solve", problem, "-m", method, "-s", f"{kind}={tmp_path / file}", "--steps", "2", "--no-figures", "--out", run
    )
    (tmp_path / file.split(":")[0]).unlink()  # the copy in the folder suffices
    with pytest.raises(AssertionError, match="executed only if you trust it"):
        pdefreq(outside, "resume", run, "--steps", "4")
    pdefreq(outside, "resume", run, "--steps", "4", "--trust")


def test_code_of_a_domain_is_loaded_only_on_request(outside, tmp_path):
    """By a problem file, and by a run folder, which contains a copy; the folder of the code does not belong to the problem."""
    for name in ("half_disk.py", "own-domain.toml"):
        (tmp_path / name).write_text((outside / name).read_text())
    with pytest.raises(UntrustedCodeError, match=r"names Python code in 'half_disk.py', which is executed only if you trust it"):
        load_problem(tmp_path / "own-domain.toml")
    problem = load_problem(tmp_path / "own-domain.toml", trust=True)
    assert problem.domain.title == "half disk of radius 2" and not opaque(problem)
    assert problem.digest == load_problem(outside / "own-domain.toml", trust=True).digest
    first = solve(problem, "fem:cells=6", modes="ray", folder=tmp_path / "run")
    (tmp_path / "half_disk.py").unlink()
    for repeat in (rerun, resume, load_run):
        with pytest.raises(UntrustedCodeError, match="executed only if you trust it"):
            repeat(tmp_path / "run")
        again = repeat(tmp_path / "run", trust=True)
        assert again.problem.digest == first.problem.digest and bool((again.state.coefficients == first.state.coefficients).all())


def opaque(problem):
    return [place for place, _ in opaque_parts(problem.content())]


TABLES = ("__init__.py", "parts/tables.py")
"""Files with tables of registered names."""


def test_changes_inside_the_package_are_one_file_and_one_line():
    """This applies to the sections with this claim in their titles; the step of a method is in a separate file."""
    for title, body in CHANGES:
        if title.endswith(TABLES):
            assert sum(line.startswith(("+", "-")) for line in body.splitlines()) == 1, title
    headings = re.split(r"^## ", (ROOT / "docs" / "extend.md").read_text(), flags=re.MULTILINE)
    told = [section for section in headings if section.partition("\n")[0].endswith("one file and one line")]
    assert len(told) >= 8
    for section in told:
        inside = [title for _, title, _ in BLOCK.findall(section) if title.startswith("pdefreq/")]
        assert len(inside) == 2 and inside[1].endswith(TABLES), inside


OUTSIDE = re.search(r"^## From outside.*?^```sh\n(.*?)^```", (ROOT / "docs" / "extend.md").read_text(), re.MULTILINE | re.DOTALL)


LINES = OUTSIDE[1].splitlines() if OUTSIDE else []


@pytest.mark.parametrize(
    "line", [pytest.param(line, marks=[] if "pinn" in line and "--trust" in line else SLOW) for line in LINES]
)
def test_additions_from_a_file(outside, line):
    program, *arguments = shlex.split(line)
    assert program == "pdefreq" and "runs/" in pdefreq(outside, *arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(
            ["solve", "poisson", "-m", "gentle", "--set", "intervals=20", "--steps", "9", "--probe", "size"], marks=SLOW
        ),
        pytest.param(
            ["solve", "poisson", "-m", "pinn", "--steps", "3", "-s", "activation=lorentzian", "-s", "initialization=orthogonal"],
            marks=SLOW,
        ),
        pytest.param(
            [
                "solve",
                "poisson",
                "-m",
                "pinn",
                "--steps",
                "3",
                "-s",
                "network=gated",
                "-s",
                "optimizer=rmsprop",
                "-s",
                "points=latin",
            ],
            marks=SLOW,
        ),
        pytest.param(["solve", "tones", "-m", "regression:loss=sobolev,order=-1", "--steps", "3"], marks=SLOW),
        pytest.param(["reproduce", "sweeps", "--steps", "5"], marks=SLOW),
        ["solve", "announced-domain.toml", "-m", "fem:refinement=adaptive,levels=2", "--modes", "ray", "--no-figures"],
    ],
    ids=" ".join,
)
def test_additions_from_another_package(outside, arguments):
    assert "runs/" in pdefreq(outside, *arguments)


KINDS = (
    "solvers",
    "domains",
    "terms",
    "networks",
    "losses",
    "optimizers",
    "points",
    "activations",
    "initializations",
    "features",
    "singular",
    "inputs",
    "starts",
    "boundaries",
    "schedules",
    "step_controls",
    "trainings",
    "probes",
    "experiments",
)


def test_all_announced_additions_are_tested_above(outside):
    assert "gentle" in pdefreq(outside, "methods") and "sweeps" in pdefreq(outside, "reproduce")
    assert {f"pdefreq.{kind}" for kind in KINDS} <= {*ANNOUNCED}


def test_the_readme_lists_every_method():
    text = (ROOT / "README.md").read_text()
    assert [name for name in SOLVERS if f"`{name}`" not in text] == []


SHOWN = re.compile(r"(?:^|[\s`/])pdefreq (solve|compare|predict|refine|ntk|methods) ([^`\n#]+)", re.MULTILINE)


def methods_shown(page: Path) -> list[tuple[str, dict[str, str]]]:
    """The methods in the commands of a page, including those inside its sentences, with their options."""
    found = []
    for command, text in SHOWN.findall(page.read_text()):
        words = [word for word in shlex.split(text) if word != "..."]
        values: dict[str, list[str]] = {"--method": [], "--set": []}
        names = {"-m": "--method", "-s": "--set"}
        plain = []
        while words:
            word = words.pop(0)
            if word.startswith("-"):
                value = words.pop(0) if words and not words[0].startswith("-") else ""
                values.setdefault(names.get(word, word), []).append(value)
            else:
                plain.append(word)
        options = dict(pair.split("=", 1) for pair in values["--set"])
        named = plain if command == "methods" else plain[1:] if command == "compare" else values["--method"]
        found += [(name, options) for name in named if name not in ("NAME", "NAME+NAME") and ".py" not in name + str(options)]
    return found


@pytest.mark.parametrize("page", [page for page in DOCS if page.name != "extend.md"], ids=lambda p: p.name)
def test_every_method_in_the_documentation_exists_with_its_options(page):
    shown = methods_shown(page)
    for name, options in shown:
        make_solver(name, options)
    assert shown or page.name not in ("README.md", "get_started.md", "networks.md", "training.md", "theory.md")


def test_the_options_in_the_table_of_networks_exist():
    """Each row of docs/networks.md, for the method that the page states."""
    text = (ROOT / "docs" / "networks.md").read_text()
    rows = [
        re.findall(r"`([a-z]\w*=[^`]+)`", row.partition("|")[0]) for row in re.findall(r"^\| (.*\| [\d,]+ \| .*)$", text, re.M)
    ]
    assert len(rows) >= 14
    for pairs in rows:
        make_solver("deep-ritz", dict(pair.split("=", 1) for pair in pairs))


@pytest.mark.parametrize("title", ["use a module", "use a loss"])
def test_a_module_and_a_loss_of_the_user_are_trained(outside, title):
    assert float(python(outside, EXTENSIONS[title])) < 1e-3

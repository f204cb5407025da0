"""Laws of all pages: every block of Python and every command is executed or has a stated reason, and every link has a target."""

import re
import shlex
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import pdefreq
from pdefreq.cli import app

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md"])
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```', re.MULTILINE | re.DOTALL)
TRANSLATIONS = {"README.zh.md": "README.md", "get_started.zh.md": "get_started.md"}
EXTEND = (ROOT / "tests" / "test_docs.py").read_text()  # the tests that execute docs/extend.md
WRITTEN = [page for page in PAGES if page.name not in TRANSLATIONS]

REASONS = {  # patterns of the lines that are not executed here, and why
    "pdefreq reproduce": "takes minutes; tests/experiments make every experiment with few steps",
    "pdefreq benchmark (quick|frequency-bias)": "takes minutes; tests/studies/test_suite_file.py reads the suites",
    "pdefreq .*--(workers|dask)": "starts processes; tests/runs/test_many_runs.py",
    "python benchmarks/": "takes minutes",
    r"python -m benchmarks\.": "takes minutes",
    r"python3 -m venv \.venv": "the environment in which the tests run; .ci/run executes the command of the README",
    "python -m sphinx": ".ci/run builds the site",
    "source ": "the environment, as above",
    "pip install": "the environment, as above",
    "pre-commit": "needs a checkout; .ci/run",
    "(python -m )?pytest": "the tests themselves",
    r"\.ci/": "needs network access",
    "torchrun |python -m torch.distributed.run ": "starts processes; tests/runs/test_shared_run.py",
    r"(DASK_\w+=\w+ )?dask ": "a server; tests/runs/test_many_runs.py has one in its own process",
}


PACKAGES = {"Optuna drives the search": "optuna"}  # titles of blocks that need a package which is no requirement of pdefreq


def has_reason(line: str) -> bool:
    return any(re.match(pattern, line) for pattern in REASONS)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def lines_of(page: Path) -> list[str]:
    """The commands in the shell blocks of a page, without comments; those of the environment .venv as if it was active."""
    bodies = [body for kind, _, body in BLOCK.findall(page.read_text()) if kind in ("sh", "bash", "console")]
    text = "\n".join(bodies).replace("\\\n", " ").replace(" && ", "\n")
    return [line for line in (re.sub(r"(^|\s+)#.*|^\.venv/bin/", "", each).strip() for each in text.splitlines()) if line]


def test_no_shell_block_is_overlooked():
    found = [len(re.findall(r"^```(?:sh|python)\b", page.read_text(), re.MULTILINE)) for page in PAGES]
    matched = [sum(kind in ("sh", "python") for kind, _, _ in BLOCK.findall(page.read_text())) for page in PAGES]
    assert found == matched and sum(found) > 90


PYTHON = [
    (page, title, body)
    for page in WRITTEN
    for kind, title, body in BLOCK.findall(page.read_text())
    if kind == "python" and page.name != "extend.md"
]
LONG = {"docs/training.md", "docs/many_runs.md"}  # pages whose code takes several seconds
PRINTED = {  # patterns that the output of a block must contain
    "a monitor in a loop of your own": [r"^0\.\d+$"],  # the relative L2 error of the network after 200 steps
    "errors by kind": ["jacobi is skipped", "fem True"],
    "ten lines": ["High frequencies first", r"^fem 1\.[34]\d*e-05"],
    "your own solver": [r"^High frequencies first: wavenumber 25.1 halved at step 36, 3.14 at step 2301 \(B = -2.00\)"],
    "three waves": [r"^0\.\d+ High frequencies first"],
}


@pytest.mark.parametrize(
    ("page", "title", "body"),
    [
        pytest.param(*each, id=f"{name_of(each[0])}-{each[1]}", marks=[pytest.mark.slow] * (name_of(each[0]) in LONG))
        for each in PYTHON
    ],
)
def test_every_block_of_python_runs(page, title, body, tmp_path, monkeypatch, capsys):
    """In an empty folder; assertions in the block and the patterns above are the test."""
    if title in PACKAGES:
        pytest.importorskip(PACKAGES[title])
    monkeypatch.chdir(tmp_path)
    exec(compile(body, f"{page.name}: {title}", "exec"), {"__name__": "__main__"})
    plt.close("all")
    out = capsys.readouterr().out
    for pattern in PRINTED.get(title, ()):
        assert re.search(pattern, out, re.MULTILINE), out


def test_all_patterns_belong_to_a_block():
    assert {*PRINTED, *PACKAGES} <= {title for _, title, _ in PYTHON}


def test_every_block_of_python_on_extend_is_a_file_or_used_by_a_test():
    for kind, title, _ in BLOCK.findall((ROOT / "docs" / "extend.md").read_text()):
        if kind == "python":
            assert title.endswith(".py") or f'"{title}"' in EXTEND, title


COMMANDS = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]


def fault(line: str) -> str:
    """What the command line says about a command that is not executed: unknown commands, options and missing arguments."""
    words = shlex.split(line)[1:]
    try:
        if words and not words[0].startswith("-"):
            COMMANDS[words[0]].make_context(words[0], words[1:])
    except Exception as error:
        return f"{line}: {error!r}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_can_be_parsed(page):
    """In blocks and inside sentences, where names in capitals and dots stand for something else, and arguments may be left out."""
    shown = [line for line in lines_of(page) if line.startswith("pdefreq ")]
    named = [
        text for text in re.findall(r"`(pdefreq [a-z][^`\n]*)`", page.read_text()) if not re.search(r"\.\.|…|\b[A-Z]{3,}", text)
    ]
    faults = [
        *map(fault, shown),
        *(found for found in map(fault, named) if not re.search("MissingParameter|requires an argument", found)),
    ]
    assert not any(faults), faults


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_line_in_a_shell_block_is_a_command_that_is_executed_or_has_a_reason(page):
    for line in lines_of(page):
        assert line.startswith("pdefreq ") or has_reason(line), line
        for script in re.findall(r"^python (\S+\.py)", line):
            assert (ROOT / script).is_file(), script


def test_every_reason_is_needed():
    lines = [line for page in PAGES for line in lines_of(page)]
    assert [each for each in REASONS if not any(re.match(each, line) for line in lines)] == []


LIMITED = {"solve": "--steps 2", "compare": "--steps 2", "sweep": "--steps 2", "ntk": "--steps 2", "refine": "--levels 2"}
BEFORE = {  # commands that make what the commands of a page read
    "docs/run_folders.md": ["pdefreq solve my.toml --method jacobi --steps 2"],
}


def shortened(line: str) -> list[str]:
    """The arguments of a command with few steps or levels; the names of files, methods and options remain."""
    words = shlex.split(line)[1:]
    option, value = LIMITED.get(words[0], "--steps 4").split()
    if option in words:
        words[words.index(option) + 1] = value
    elif words[0] in LIMITED:
        words += [option, value]
    if "--frames" in words:
        words[words.index("--frames") + 1] = "0,2"
    return words


@pytest.mark.slow
@pytest.mark.parametrize(
    "page", [page for page in WRITTEN if page.name != "extend.md" and any("pdefreq" in x for x in lines_of(page))], ids=name_of
)
def test_the_commands_of_a_page_run_one_after_the_other(page, tmp_path, monkeypatch):
    """In a folder that contains the problem files of the page and of `get_started.md`; docs/extend.md has tests of its own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    x = np.linspace(-1, 1, 101)[:, None]
    np.savez("snapshots.npz", points=x, steps=np.arange(4), values=np.outer(np.arange(4) / 3, np.sin(np.pi * x[:, 0])))
    for source in (ROOT / "docs" / "get_started.md", page):
        for kind, title, body in BLOCK.findall(source.read_text()):
            if title and (kind == "toml" or title.endswith(".py")):
                Path(title).write_text(body)
    for line in [*BEFORE.get(name_of(page), ()), *lines_of(page)]:
        if not has_reason(line):
            done = CliRunner().invoke(app, shortened(line))
            # 1: the few steps do not solve the problem, which the command says
            assert done.exit_code in (0, 1) and isinstance(done.exception, SystemExit | None), f"{line}: {done.output}"
            plt.close("all")


@pytest.mark.slow
def test_the_main_command_ends_with_figures_and_says_where_they_are(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    main = lines_of(ROOT / "README.md")[2]
    assert main == "pdefreq solve poisson --method mscale"
    words = CliRunner().invoke(app, shortened(main)).output.split()
    assert words[-5:] == ["to", "runs/poisson-mscale-1:", "heatmap.png,", "modes.png,", "solution.png"]
    assert {each.name for each in Path("runs/poisson-mscale-1").glob("*.png")} == {"heatmap.png", "modes.png", "solution.png"}


@pytest.mark.parametrize(("translation", "original"), TRANSLATIONS.items())
def test_a_translation_has_the_blocks_of_the_original(translation, original):
    """They are therefore executed as well."""
    pages = {page.name: page for page in PAGES}
    one, other = ([(kind, body) for kind, _, body in BLOCK.findall(pages[name].read_text())] for name in (translation, original))
    assert one == other
    assert translation in pages[original].read_text() and original in pages[translation].read_text()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_have_existing_targets(page):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_reference_contains_every_public_name_once():
    found = re.findall(r"^\.\. auto\w+:: pdefreq\.(\w+)$", (ROOT / "docs" / "api.rst").read_text(), re.MULTILINE)
    assert sorted(found) == sorted(pdefreq.__all__)

"""Methods of other programs: a call is measured like a run of the package, and whatever goes wrong is a sentence."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from pdefreq import Stop, benchmark, load_problem, solve
from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.runs.stored_result import StoredResult
from pdefreq.studies.outside_methods import OutsideMethod, OutsideRun, measure, measure_all

ADAPTERS = '''
import numpy as np


def jacobi(problem, monitor, stop, seed):
    """Jacobi iteration for -u'' = f on a uniform grid of 128 intervals with u = 0 at both ends."""
    assert problem.exact is None  # a method does not see the solution
    import torch

    (low,), (high,) = problem.domain.bounds
    x = np.linspace(low, high, 129)
    f = problem.source(torch.from_numpy(x)[:, None]).numpy()
    u, h = np.zeros(129), x[1] - x[0]
    monitor(0, lambda p: np.interp(p[:, 0], x, u))
    for step in range(1, stop.steps + 1):
        u[1:-1] = (u[:-2] + u[2:] + h**2 * f[1:-1]) / 2
        monitor(step, lambda p: np.interp(p[:, 0], x, u), last=step == stop.steps)


def broken(problem, monitor, stop, seed):
    raise ZeroDivisionError("a\\nreason")


def silent(problem, monitor, stop, seed):
    pass
'''


SUITE = """
seeds = 2
[[problem]]
name = "poisson"
[[method]]
name = "jacobi:intervals=128"
[[budget]]
steps = 40
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(ADAPTERS)
    return path


def call(file, name, folder, problem="poisson"):
    method = OutsideMethod.parse(f"{file}:{name}")
    run = OutsideRun.of(method, load_problem(problem), modes=None, stop=Stop(steps=40), seed=0)
    return OutsideRun(**{**vars(run), "folder": folder})


def test_a_call_gives_the_result_of_the_same_method_of_the_package(file, tmp_path):
    """Jacobi iteration in NumPy and in pdefreq are the same iteration; the adapter interpolates linearly between the nodes."""
    run = call(file, "jacobi", tmp_path / "out")
    assert not run.has_ended and measure(run) == "" and run.has_ended
    found, own = StoredResult.read(tmp_path / "out"), solve("poisson", "jacobi:intervals=128", steps=40)
    assert found.summary["status"] == "recorded" and found.summary["steps"] == 40
    assert found.summary["relative_l2"] == pytest.approx(own.error(), rel=0.01)
    assert found.summary["bias_index"] < -1  # Jacobi iteration reduces high frequencies first


def test_calls_are_made_in_other_processes(file, tmp_path):
    """One of two ends its process; the other one has its record."""
    file.write_text(ADAPTERS + "\n\ndef killed(problem, monitor, stop, seed):\n    import os\n    os._exit(1)\n")
    killed, record = measure_all([call(file, name, tmp_path / name) for name in ("killed", "jacobi")])
    assert killed == "its process was killed, perhaps because the memory was exhausted."
    assert isinstance(record, StoredResult)
    assert record.summary["steps"] == 40


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("broken", "ZeroDivisionError: a reason"),
        ("silent", "the function did not call the monitor."),
    ],
)
def test_whatever_goes_wrong_is_a_sentence(file, tmp_path, name, sentence):
    run = call(file, name, tmp_path / "out")
    assert sentence in measure(run) and not run.has_ended


def test_the_identifier_depends_on_the_content_of_the_file(file):
    problem, ids = load_problem("poisson"), set()
    for change in ("", "# changed\n"):
        file.write_text(ADAPTERS + change)
        method = OutsideMethod.parse(f"{file}:jacobi")
        ids |= {method.id(problem, modes, stop, 0) for modes in (None, "sine") for stop in (Stop(steps=1), Stop(steps=2))}
    assert len(ids) == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [("mine.py", "FILE.py:NAME"), ("none.py:jacobi", "there is no file"), ("a=b", "FILE.py:NAME"), ("x.py:a b", "FILE.py:NAME")],
)
def test_adapters_that_do_not_exist_are_refused(text, message):
    with pytest.raises(OptionError, match=message):
        OutsideMethod.parse(text)


def test_a_name_that_the_file_does_not_define_is_refused_before_the_suite(file, tmp_path):
    """The file is not executed for that; the names of a star import can't be told."""
    with pytest.raises(OptionError, match=r"mine.py defines no adapter 'jakobi': did you mean 'jacobi'"):
        OutsideMethod.parse(f"{file}:jakobi")
    other = tmp_path / "other.py"
    other.write_text("from somewhere import *\nraise SystemExit\n")
    assert OutsideMethod.parse(f"{other}:anything").label == "anything"
    other.write_text("from somewhere import one as jacobi\nraise SystemExit\n")
    assert OutsideMethod.parse(f"{other}:jacobi").label == "jacobi"


def test_an_adapter_needs_a_name_of_its_own(file, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    with pytest.raises(OptionError, match="two methods have the name"):
        benchmark(tmp_path / "suite.toml", adapters=[f"{file}:jacobi", f"{file}:jacobi"])
    with pytest.raises(OptionError, match="must be a list"):
        benchmark(tmp_path / "suite.toml", adapters=f"{file}:jacobi")
    with ThreadPoolExecutor(1) as executor, pytest.raises(OptionError, match="adapters run on this machine"):
        benchmark(tmp_path / "suite.toml", adapters=[f"own={file}:jacobi"], executor=executor)
    assert OutsideMethod.parse(f"other={file}:jacobi").label == "other"


@pytest.mark.slow
def test_adapters_are_run_with_the_methods_of_a_suite_and_not_repeated(file, tmp_path):
    (tmp_path / "suite.toml").write_text(SUITE)
    adapters = [f"{file}:{name}" for name in ("jacobi", "broken", "killed")]
    file.write_text(ADAPTERS + "\n\ndef killed(problem, monitor, stop, seed):\n    import os\n    os._exit(1)\n")
    found = benchmark(tmp_path / "suite.toml", adapters=adapters, folder=tmp_path / "out", workers=2)
    rows = {row["method"]: row for row in found.rows()}
    assert rows["jacobi"]["relative_l2"] == pytest.approx(rows["jacobi:intervals=128"]["relative_l2"], rel=0.01)
    assert rows["broken"]["sentence"] == "ZeroDivisionError: a reason" and "killed" in rows["killed"]["sentence"]
    assert all(run.outside == (run.method != "jacobi:intervals=128") for run in found.runs)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/*")}
    again = benchmark(tmp_path / "suite.toml", adapters=adapters, folder=tmp_path / "out", workers=2)
    assert again.rows() == found.rows()
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*/*")}
    file.write_text(ADAPTERS)
    with pytest.raises(RunFolderError, match="contains another study"):
        benchmark(tmp_path / "suite.toml", adapters=adapters[:2], folder=tmp_path / "out")

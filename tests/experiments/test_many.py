"""Experiments on an executor: they give the same reports, and finished experiments are read from their folders."""

from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import pytest

from pdefreq.core.errors import NotConvergedError, UnknownNameError
from pdefreq.experiments import many
from pdefreq.experiments.many import Asked, reproduce_all
from tests.experiments.test_reproduction import FILE


@pytest.fixture
def asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    return [Asked("mine.py:several", {"steps": str(steps)}, tmp_path / f"of-{steps}") for steps in (2, 3, 4)]


@pytest.mark.slow
def test_processes_give_the_reports_of_one_process(asked, tmp_path):
    expected = [many.reproduced(Asked(each.name, each.options, tmp_path / "alone" / each.folder.name)) for each in asked]
    found = dict(reproduce_all(asked, workers=2))
    assert [found[place] for place in range(3)] == expected
    assert all((each.folder / "reproduce.json").is_file() for each in asked)


def test_an_executor_makes_them_and_errors_are_results(asked):
    wrong = Asked("mine.py:several", {"colour": "red"}, asked[0].folder.with_name("wrong"))
    with ThreadPoolExecutor(1) as executor:
        found = dict(reproduce_all([asked[0], wrong], workers=1, executor=executor))
        again = dict(reproduce_all([asked[0]], workers=1, executor=executor))
    assert "They ran." in found[0]
    assert isinstance(found[1], UnknownNameError) and "colour" in str(found[1])
    assert again[0].strip() == found[0].strip()  # read from its folder


class Dying:
    """An executor whose processes are killed in the first attempts."""

    def __init__(self, times):
        self.times, self.calls = times, 0

    def submit(self, function, task):
        self.calls += 1
        future: Future = Future()
        if self.calls <= self.times:
            future.set_exception(BrokenExecutor("lost"))
        else:
            future.set_result(function(task))
        return future


def test_an_experiment_whose_process_is_killed_is_tried_again(asked):
    executor = Dying(2)
    assert "They ran." in dict(reproduce_all(asked[:1], workers=1, executor=executor))[0]
    assert executor.calls == 3
    lost = dict(reproduce_all(asked[1:2], workers=1, executor=Dying(9)))
    assert isinstance(lost[0], NotConvergedError) and "was killed 3 times" in str(lost[0])

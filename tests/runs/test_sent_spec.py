"""A specification as plain data: the other process loads the files of the sender, whatever their names are."""

from pathlib import Path

import pytest

from pdefreq import Stop
from pdefreq.core.errors import RunFolderError
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.planned_run import PlannedRun
from pdefreq.runs.prepared_run import Given
from pdefreq.runs.sent_spec import SentSpec

METHOD = '''
from dataclasses import dataclass
from pdefreq.solvers.relaxation import JacobiSolver

@dataclass(frozen=True)
class Own(JacobiSolver):
    """Jacobi relaxation."""
    name = "own"
'''
PROBE = '''
from dataclasses import dataclass
import torch
from pdefreq.probes.probe import Measurement, Probe

class _Constant(Measurement):
    def __call__(self, iterate):
        return {"own": torch.tensor(7.0)}

@dataclass(frozen=True)
class Own(Probe):
    """The number 7."""
    def prepare(self, target, iterate, *, discrete_solution=None, facts=None):
        return _Constant()
'''


@pytest.fixture
def sent(tmp_path):
    """A spec that names two files `own.py`, which are gone when it is read, as on another machine."""
    for folder, text in (("method", METHOD), ("probe", PROBE)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "own.py").write_text(text)
    own = {name: f"{tmp_path / name / 'own.py'}:Own" for name in ("method", "probe")}
    run = PlannedRun.of("poisson", own["method"], probes=[own["probe"]], stop=Stop(steps=3))
    data = SentSpec.of(run.spec)
    for folder in ("method", "probe"):
        (tmp_path / folder / "own.py").unlink()
    return data


def test_two_files_of_one_name_keep_their_contents(sent, tmp_path):
    (tmp_path / "code").mkdir()
    spec = sent.read(tmp_path / "code")
    texts = [Path(file).read_text() for file in spec.code_files]
    assert texts == [METHOD, PROBE]
    run = PlannedRun(spec, Given(), trust=True)
    assert run.run().history.column("own").tolist() == [7.0] * 4
    with pytest.raises(RunFolderError, match="two Python files of one name"):
        PlannedRun(spec, Given(), folder=tmp_path / "run", trust=True).run()


def test_the_identity_of_a_run_does_not_depend_on_the_folders_of_its_files(sent, tmp_path):
    (tmp_path / "one").mkdir(), (tmp_path / "two").mkdir()
    one, two = sent.read(tmp_path / "one"), sent.read(tmp_path / "two")
    assert isinstance(one.problem, WrittenProblem)
    assert one.problem.digest == two.problem.digest
    assert one.code_files != two.code_files

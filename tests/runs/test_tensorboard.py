import sys
import types

import pytest

from pdefreq.core.errors import MissingPackageError
from pdefreq.core.history import Stop
from pdefreq.runs.solve import solve
from pdefreq.runs.tensorboard import TensorBoard
from tests.toys import Geometric, line_problem

MADE: list = []


class Recorded:
    """A substitute for the writer of torch, so that the tests do not need the package."""

    def __init__(self, folder):
        self.folder, self.scalars, self.closed = folder, [], False
        MADE.append(self)

    def add_scalar(self, name, value, step):
        self.scalars.append((name, value, step))

    def close(self):
        self.closed = True


def test_every_recorded_number_becomes_a_curve(monkeypatch, tmp_path):
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Recorded
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    MADE.clear()
    with TensorBoard(tmp_path / "curves") as board:
        assert not MADE  # no writer is created before the first value
        solution = solve(line_problem(), Geometric(), stop=Stop(steps=5), callback=board)
    (writer,) = MADE
    assert writer.closed and writer.folder == str(tmp_path / "curves")
    objective = solution.history.column("objective")
    assert [value for name, value, _ in writer.scalars if name == "objective"] == objective.tolist()
    assert {name for name, *_ in writer.scalars} >= {"objective", "objective/distance", "seconds", "relative_l2"}


def test_the_missing_package_is_reported_in_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(MissingPackageError, match=r"TensorBoard is not installed: pip install 'pdefreq\[tensorboard\]'"):
        TensorBoard(tmp_path)


def test_a_real_writer_creates_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    with TensorBoard(tmp_path / "curves") as board:
        solve(line_problem(), Geometric(), stop=Stop(steps=3), callback=board)
    assert list((tmp_path / "curves").glob("events.out.*"))

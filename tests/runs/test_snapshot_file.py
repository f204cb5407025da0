import json
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from pdefreq import load_record, measure, report
from pdefreq.cli import app
from pdefreq.core.errors import OptionError
from pdefreq.runs.snapshot_file import SnapshotFile


def written(path, points, values, **more):
    np.savez(path, points=points, steps=np.arange(len(values)), values=values, **more)
    return path


@pytest.fixture
def halves(tmp_path):
    """The solution of poisson times 1 - 2^-step, in a random order of 401 points: the error of every mode is 2^-step."""
    import torch

    from pdefreq import load_problem

    x = np.random.default_rng(0).permutation(np.linspace(-1, 1, 401))
    u = load_problem("poisson").exact(torch.from_numpy(x)[:, None]).numpy()
    return written(tmp_path / "halves.npz", x, (1 - 0.5 ** np.arange(8.0))[:, None] * u, seconds=np.arange(8) / 4)


def test_the_error_of_each_mode_is_that_of_the_snapshots(halves):
    record = measure(halves, "poisson")
    errors = record.history.column("mode_error")
    np.testing.assert_allclose(errors, np.broadcast_to(0.5 ** np.arange(8.0)[:, None], errors.shape), atol=1e-4)
    assert record.history.column("seconds").tolist() == [k / 4 for k in range(8)]
    assert record.history.column("relative_l2") == pytest.approx(0.5 ** np.arange(8.0), rel=1e-5)
    assert "interpolation between the points has a relative L2 error of" in record.notes[0]


def test_the_times_of_a_file_without_seconds_are_unknown(halves, tmp_path):
    with np.load(halves) as arrays:
        np.savez(tmp_path / "untimed.npz", **{name: arrays[name] for name in ("points", "steps", "values")})
    record = measure(tmp_path / "untimed.npz", "poisson")
    assert np.isnan(record.history.column("seconds")).all()
    assert record.history.last("relative_l2") == measure(halves, "poisson").history.last("relative_l2")
    assert "halved" in repr(record.spectrum())
    again = load_record(record.save(tmp_path / "untimed"))
    assert np.isnan(again.history.column("seconds")).all()
    assert again.history.last("relative_l2") == record.history.last("relative_l2")
    assert re.search(r"\bnan\b", report(tmp_path / "untimed").html) is None


@settings(max_examples=20)
@given(st.integers(2, 6), st.integers(4, 7), st.randoms(use_true_random=False))
def test_interpolation_reproduces_the_values_and_polynomials(n, m, random):
    """Of the degree that the points along each axis determine, at most 5; any order of the points."""
    grid = np.stack(np.meshgrid(np.linspace(0, 1, n), np.linspace(-1, 2, m), indexing="ij"), axis=-1).reshape(-1, 2)
    points = grid[random.sample(range(len(grid)), len(grid))]
    p, q = min(n - 1, 5), min(m - 1, 5)
    function = lambda x: x[:, 0] * x[:, 1] ** q - 2 * x[:, 0] ** p  # noqa: E731
    found = SnapshotFile(points, np.array([0]), function(points)[None]).interpolation()(function(points))
    inside = np.random.default_rng(0).uniform([0, -1], [1, 2], (20, 2))
    np.testing.assert_allclose(found(inside), function(inside), atol=1e-10)


def test_scattered_points_are_interpolated_linearly():
    random = np.random.default_rng(0)
    points = np.concatenate([random.uniform(0, 1, (200, 2)), [[0, 0], [0, 1], [1, 0], [1, 1]]])
    values = 2 * points[:, 0] - points[:, 1]
    x = random.uniform(0, 1, (50, 2))
    np.testing.assert_allclose(
        SnapshotFile(points, np.array([0]), values[None]).interpolation()(values)(x), 2 * x[:, 0] - x[:, 1], atol=1e-12
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": None}, "has no array `values`"),
        ({"values": np.ones((2, 3))}, "needs points"),
        ({"points": np.zeros((0, 1)), "values": np.zeros((2, 0))}, "needs points"),
        ({"steps": np.array([3, 1])}, "increasing whole numbers"),
        ({"steps": np.array([0.5, 1])}, "increasing whole numbers"),
        ({"values": np.full((2, 5), math.nan)}, "finite numbers"),
        ({"points": np.array(["a"] * 5)}, "finite numbers"),
        ({"seconds": np.ones(3)}, "seconds"),
        ({"seconds": np.array([2.0, 1.0])}, "must not decrease"),
        ({"points": np.linspace(-3, 3, 5)}, "lie outside the domain"),
        ({"points": np.linspace(0, 1, 5)}, "do not cover the domain"),
        ({"points": np.ones((5, 2))}, "have 2 coordinates"),
    ],
)
def test_malformed_files_are_refused(tmp_path, change, message):
    arrays = {"points": np.linspace(-1, 1, 5), "steps": np.array([0, 1]), "values": np.ones((2, 5))} | change
    np.savez(tmp_path / "a.npz", **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(OptionError, match=message):
        measure(tmp_path / "a.npz", "poisson")


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.npz").write_bytes(b"no arrays")
    with pytest.raises(OptionError, match="be read as an"):
        measure(tmp_path / "a.npz", "poisson")
    with pytest.raises(OptionError, match="there is no file"):
        measure(tmp_path / "b.npz", "poisson")


def test_the_command_prints_the_modes_and_writes_the_record(halves, tmp_path):
    result = CliRunner().invoke(app, ["measure", str(halves), "poisson", "--label", "mine", "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "mine: 8 snapshots, last step 7" in result.output
    assert {"history.csv", "spectrum.npz", "modes.png", "heatmap.png"} <= {path.name for path in (tmp_path / "run").iterdir()}
    result = CliRunner().invoke(app, ["measure", str(halves), "poisson", "--json", "--out", str(tmp_path / "again")])
    assert json.loads(result.stdout)["status"] == "recorded"

import math

import numpy as np
import pytest
import torch
from PIL import Image

from pdefreq import Ball, Stop, film, load_run, resume, solve
from pdefreq.core.errors import MissingPackageError, OptionError
from pdefreq.probes.iterate import Iterate
from pdefreq.probes.probe import default_probes
from pdefreq.probes.snapshots import COLUMN, Snapshots, SnapshotsProbe

PROBES = [*default_probes(), SnapshotsProbe()]


@pytest.fixture(scope="module")
def run():
    return solve("poisson", "jacobi", steps=40, probes=PROBES)


def test_snapshots_are_the_values_of_the_solution(run):
    points = torch.from_numpy(run.history.facts["snapshot_points"])
    assert run.history.last(COLUMN) == pytest.approx(run(points).numpy(), abs=1e-14)
    assert run.history.column(COLUMN).shape == (41, 463)


@pytest.mark.parametrize("kind", ["sine", "cosine", "fourier"])
@pytest.mark.parametrize("mode", [1, 3, 8])
def test_the_amplitude_of_a_single_wave(run, kind, mode):
    """The waves of each family are orthogonal on the grid: only the own coefficient is not zero, and equals the amplitude."""
    (strip,) = film(run).strips
    object.__setattr__(strip, "kind", kind)
    (x,) = strip.axes
    t = (x - x[0]) / (x[-1] - x[0])
    wave = {"sine": np.sin(math.pi * mode * t), "cosine": np.cos(math.pi * mode * t), "fourier": np.cos(2 * math.pi * mode * t)}[
        kind
    ]
    k, c = strip.amplitudes(0.3 * wave)
    xi = math.pi * mode / 2 if kind != "fourier" else math.pi * mode  # the interval has the length 2
    expected = np.where(np.isclose(k, xi), 0.3, 0)
    np.testing.assert_allclose(c, expected, atol=1e-14)
    strip.__dict__["kind"] = "sine"


def test_the_amplitudes_of_the_target_are_those_of_the_problem(run):
    """The watched modes of poisson have the same amplitudes on the grid of the modes, up to aliasing."""
    (strip,) = film(run).strips
    k, c = strip.amplitudes(strip.target)
    for xi, amplitude in zip(strip.record.modes.wavenumber, strip.record.modes.amplitude, strict=True):
        assert c[np.argmin(np.abs(k - xi))] == pytest.approx(amplitude, rel=1e-2)


def test_frames_begin_at_the_start_and_end_at_the_end(run):
    (strip,) = film(run).strips
    rows = strip.rows(12)
    assert strip.step[rows[0]] == 0
    assert strip.step[rows[-1]] == 40
    assert (np.diff(rows) >= 0).all()
    assert strip.row(3.7) == 3


def test_a_gif_has_the_frames_and_holds_the_last_one(run, tmp_path):
    path = film(run, run).save(tmp_path / "a.gif", frames=4, rate=5)
    with Image.open(path) as image:
        assert image.n_frames == 4
        durations = []
        for frame in range(4):
            image.seek(frame)
            durations.append(image.info["duration"])
    assert durations == [200, 200, 200, 2000]


def test_still_pictures_have_a_column_for_each_step_and_two_rows_for_each_run(run):
    figure = film(run, run).stills([0, 10, 40])
    assert len(figure.axes) == 12
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert titles[:3] == ["jacobi: step 0", "jacobi: step 10", "jacobi: step 40"]


def test_planes_are_drawn_with_the_errors_of_the_modes():
    found = film(solve("poisson-chirp", "jacobi:intervals=8", steps=2, probes=PROBES))
    (strip,) = found.strips
    assert strip.values.shape[1:] == (65, 65)
    frame = found.frame([0])
    target, solution, empty, modes = frame.axes
    assert target.get_title() == "target" and solution.get_title().endswith(": step 0, 0 s") and not empty.axison
    assert modes.get_ylabel() == "error of the mode"
    (bar,) = solution.child_axes
    shown = [axes.collections[0].get_clim() for axes in (target, solution)]
    assert shown[0] == shown[1] == pytest.approx((strip.target.min(), strip.target.max())) and bar.get_ylabel() == "u"
    assert np.array_equal(target.collections[0].get_array(), strip.target.T)


def test_points_outside_the_domain_have_no_value():
    """The share of the square around a disk that is outside is 1 - pi / 4, up to the cells along the circle."""
    row = Snapshots(Ball((0.0, 0.0), 2.0), 101)(Iterate.of_function(lambda x: x[:, 0]))[COLUMN]
    assert np.isnan(row).mean() == pytest.approx(1 - math.pi / 4, abs=0.02)
    assert row[~np.isnan(row)].max() == 2


def test_snapshots_are_part_of_exact_resume(tmp_path):
    options = {"probes": PROBES, "seed": 3}
    whole = solve("poisson", "deep-ritz", steps=6, **options)
    solve("poisson", "deep-ritz", steps=3, folder=tmp_path / "a", **options)
    resume(tmp_path / "a", stop=Stop(steps=6))
    again = load_run(tmp_path / "a")
    np.testing.assert_array_equal(again.history.column(COLUMN), whole.history.column(COLUMN))
    assert film(tmp_path / "a").strips[0].step[-1] == 6


def test_runs_without_snapshots_and_other_files_are_refused(run, tmp_path):
    with pytest.raises(OptionError, match="no snapshots: run it again"):
        film(solve("poisson", "jacobi", steps=1))
    with pytest.raises(OptionError, match="same domain"):
        film(run, solve("torsion", "jacobi:intervals=4", steps=1, probes=PROBES, reference=0.0))
    for steps in ([3, 1], [0, 0], [0, 41]):
        with pytest.raises(OptionError, match=r"must increase|end at step 40"):
            film(run).stills(steps)
    with pytest.raises(OptionError, match="at least one run"):
        film()
    with pytest.raises(OptionError, match=r"written as .gif or .mp4, got 'a.avi'"):
        film(run).save(tmp_path / "a.avi")
    with pytest.raises(OptionError, match="at least 2 frames"):
        film(run).save(tmp_path / "a.gif", frames=1)
    with pytest.raises(OptionError, match="at least 2"):
        SnapshotsProbe(number=1)
    assert not list(tmp_path.iterdir())


def test_a_video_needs_the_extra_package_or_is_written(run, tmp_path):
    try:
        import imageio_ffmpeg  # noqa: F401
    except ImportError:
        with pytest.raises(MissingPackageError, match="pip install 'pdefreq"):
            film(run).save(tmp_path / "a.mp4", frames=2)
        return
    assert film(run).save(tmp_path / "a.mp4", frames=2).stat().st_size > 1000

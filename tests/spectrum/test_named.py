"""The wavenumbers that a problem names are watched whatever their amplitudes, or a sentence says why not."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.problem import Problem, Spectrum
from pdefreq.runs.solve import solve
from pdefreq.spectrum import eigen
from pdefreq.spectrum.box_modes import make_modes
from pdefreq.spectrum.family import nearest
from pdefreq.spectrum.named import remarks_on_named
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.spectrum.watched import WatchedModes
from pdefreq.studies.prediction import predict

UNIT, SQUARE = Box((0.0,), (1.0,)), Box((0.0, 0.0), (1.0, 1.0))
PI = math.pi


def run(method, *wavenumbers, exact="sin(pi*x) + 0.3*sin(3*pi*x) + 1e-6*sin(20*pi*x)", domain=UNIT, modes=None, steps=40):
    problem = Problem(domain=domain, exact=exact, spectrum=Spectrum(modes=modes, wavenumbers=wavenumbers))
    return solve(problem, method, stop=Stop(steps=steps), predict=False)


@given(st.lists(st.floats(0, 3000), max_size=5), st.integers(1, 4))
def test_the_nearest_mode_of_every_named_wavenumber_is_selected(wavenumbers, max_modes):
    modes = make_modes("sine", UNIT)  # at multiples of pi
    x = modes.points()[:, 0].numpy()
    options = {"threshold": 0.1, "max_modes": max_modes}
    strongest, count = modes.strongest(np.sin(PI * x) * np.exp(x), **options)
    chosen, same = modes.strongest(np.sin(PI * x) * np.exp(x), wavenumbers=wavenumbers, **options)
    assert all(np.abs(chosen.wavenumber - xi).min() <= PI / 2 * (1 + 1e-9) for xi in wavenumbers if xi >= PI / 2)
    assert same == count and set(strongest.indices.ravel()) <= set(chosen.indices.ravel())
    assert len(chosen) <= len(strongest) + len(wavenumbers)


def test_of_several_modes_with_one_wavenumber_the_strongest_is_the_nearest():
    """The squares of (3, 4), (4, 3) and (5, 0) agree, and their roots up to rounding."""
    wavenumber = np.array([PI * math.hypot(3, 4), PI * math.hypot(4, 3) * (1 + 1e-15), 5 * PI, 30.0])
    for strongest in range(3):
        amplitude = np.where(np.arange(4) == strongest, 0.5, 0.1)
        assert nearest(wavenumber, amplitude, [5 * PI, 15.7]) == [strongest, strongest]


@pytest.mark.parametrize("method", ["jacobi:intervals=64", "pinn:widths=[8],number=40", "fem:cells=64"])
def test_a_mode_far_below_the_threshold_is_shown_if_it_is_named(method):
    without, named = run(method, PI), run(method, PI, 20 * PI)
    assert [row.index for row in without.spectrum().rows] == [(1,), (3,)]
    report = named.spectrum()
    assert [row.index for row in report.rows] == [(1,), (3,), (20,)]
    row = report.rows[-1]
    assert row in report.asked and row in report.rows_to_print(1)
    assert row.error is not None and row.amplitude == pytest.approx(1e-6, rel=0.2)
    assert not [note for note in named.notes if "avenumber" in note]
    assert named.summary()["modes"][-1]["wavenumber"] == pytest.approx(20 * PI)


def test_the_bias_index_does_not_depend_on_the_named_wavenumbers():
    exact = "sin(pi*x) + 0.3*sin(3*pi*x) + 0.1*sin(5*pi*x) + 1e-6*sin(20*pi*x)"
    plain, named = (run("jacobi:intervals=64", *names, exact=exact, steps=2000) for names in ((), (20 * PI,)))
    assert plain.spectrum().bias_index is not None
    assert plain.spectrum().bias_index == named.spectrum().bias_index
    assert plain.spectrum().bias_modes == named.spectrum().bias_modes
    assert SpectralRecord.of(named.history).modes.above_threshold.tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("method", "named", "sentence"),
    [
        (
            "jacobi:intervals=16",
            (20 * PI,),
            "Wavenumber 62.83 cannot be watched: the sine modes that the grid resolves have wavenumbers from 3.142 to 47.12.",
        ),
        (
            "fem:cells=32",
            (1500 * PI, 1600 * PI),
            "Wavenumbers 4712 and 5027 cannot be watched: the sine modes that the grid resolves have wavenumbers "
            "from 3.142 to 3214.",
        ),
        (
            "fem:cells=32",
            (7.0,),
            "Wavenumber 7 is not among the sine modes of this domain: the nearest, 6.283, is watched instead.",
        ),
        (
            "fem:cells=32",
            (2 * PI,),
            "Wavenumber 6.283 has no relative error: the amplitude in the solution is zero up to rounding.",
        ),
    ],
)
def test_one_sentence_gives_the_reason_and_the_range(method, named, sentence):
    solution = run(method, *named)
    assert [note for note in solution.notes if "avenumber" in note] == [sentence]
    assert solution.summary()["notes"] == [*solution.notes]


def test_modes_without_a_relative_error_have_no_status_and_no_rate():
    row = next(row for row in run("jacobi:intervals=16", 20 * PI).spectrum().rows if row.index == (20,))
    assert (row.status, row.error, row.halving_step, row.amplitude) == ("unknown", None, None, 0.0)


def test_eigenfunctions_are_computed_up_to_the_named_wavenumbers(monkeypatch):
    """The first Dirichlet mode of the unit disk has 2.405; a named 20 is reached although no part of u needs it."""
    monkeypatch.setattr(eigen, "MOST_MODES", {2: 150})  # about 90 modes have wavenumbers below 20 (Weyl's law)
    exact = "1 - x**2 - y**2"
    solution = run("fem:cells=12", 20.0, exact=exact, domain=Ball((0.0, 0.0), 1.0))
    assert min(abs(row.wavenumber - 20) for row in solution.spectrum().rows) < 0.2
    beyond = run("fem:cells=12", 300.0, exact=exact, domain=Ball((0.0, 0.0), 1.0))
    (note,) = [note for note in beyond.notes if "avenumber" in note]
    assert note.startswith("Wavenumber 300 cannot be watched: the eigen modes that are computed have wavenumbers from 2.405 to ")


def test_a_square_names_its_range_along_each_axis():
    exact = "sin(pi*x)*sin(2*pi*y)"
    solution = run("cg:intervals=16", 5 * PI, 60 * PI, exact=exact, domain=SQUARE)
    assert any(row.index in ((3, 4), (4, 3)) for row in solution.spectrum().rows)
    assert any("that the grid resolves along each axis have wavenumbers from 4.443 to 47.12" in note for note in solution.notes)


@pytest.mark.parametrize("kind", ["ray", "tones"])
def test_waves_in_many_dimensions_are_named_as_well(kind):
    cube = Box((0.0,) * 5, (1.0,) * 5)
    of = Problem(
        domain=cube, diffusion=0.0, reaction=1.0, exact="sin(8*x1)",
        spectrum=Spectrum(modes=kind, wavenumbers=(8.0, 60.0, 900.0), direction=(1, 0, 0, 0, 0)),
    )  # fmt: skip
    solution = solve(of, "regression:widths=[6],number=50", stop=Stop(steps=2), predict=False)
    record = SpectralRecord.of(solution.history)
    assert np.abs(record.modes.wavenumber - 60).min() < (PI if kind == "ray" else 1e-9)
    beyond = [note for note in solution.notes if "cannot be watched" in note]
    assert beyond == (
        ["Wavenumber 900 cannot be watched: the ray modes that are fitted have wavenumbers from 6.283 to 201.1."]
        if kind == "ray"
        else []
    )


def test_without_modes_nothing_is_said():
    assert remarks_on_named(WatchedModes.none(), (3.0,)) == []


def test_predictions_contain_the_named_modes():
    """The factor of a Jacobi sweep is cos(20 pi / 64), whatever the amplitude of the mode."""
    exact = "sin(pi*x) + 1e-6*sin(20*pi*x)"
    problem = Problem(domain=UNIT, exact=exact, spectrum=Spectrum(wavenumbers=(20 * PI,)))
    found = predict(problem, "jacobi:intervals=64")
    assert found.modes.indices.ravel().tolist() == [1, 20]
    assert found.errors.rate[1] == pytest.approx(-math.log(math.cos(20 * PI / 64)), rel=1e-9)

"""One module writes and reads the facts of a history about modes, and no other module contains their names."""

import ast
import re
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import pdefreq
from pdefreq.core.history import History
from pdefreq.spectrum.predicted import Drift, StoredPrediction
from pdefreq.spectrum.spectral_record import SpectralRecord, keep_drift
from pdefreq.spectrum.watched import WatchedModes

PACKAGE = Path(pdefreq.__file__).parent
COLUMNS = {"mode_error", "mode_error_total", "mode_error_phase"}
FACT = re.compile(r"mode_[a-z_]+")
OWNERS = {"watched.py", "predicted.py"}
KNOWN = {
    *WatchedModes("sine", True, np.ones((2, 1), int), np.ones(2), np.ones(2), "total", 2, np.ones((2, 1))).facts(),
    *StoredPrediction(
        "", rates=np.ones(2), curves=np.ones((3, 2)), steps=np.arange(3), rayleigh_quotients=np.ones(2),
        eigen_residuals=np.ones(2), drift=Drift(0.0, 0.0), phases=np.ones((3, 2)),
    ).facts(),
}  # fmt: skip
FILES = sorted(path for path in PACKAGE.rglob("*.py") if not (path.parent.name == "spectrum" and path.name in OWNERS))


def test_no_other_module_contains_the_name_of_a_fact():
    """No string constant is the name of a fact or has its form; names of columns differ from names of facts."""
    assert all(FACT.fullmatch(name) for name in KNOWN)
    for path in (path for path in FILES if "mode_" in path.read_text()):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named = FACT.fullmatch(node.value) and node.value not in COLUMNS
                assert not named, f"{path.name}, line {node.lineno}: {node.value!r}"


def test_halving_times_rates_and_the_bias_index_are_worked_out_in_the_spectrum_alone():
    names = {"time_to", "halving_time", "decay_rates", "bias_index"}
    for path in FILES:
        if path.parent.name != "spectrum" and any(name in path.read_text() for name in names):
            called = {
                ast.unparse(node.func).split(".")[-1]
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.Call)
            }
            assert not called & names, path


def floats(*shape):
    return arrays(float, shape, elements=st.floats(allow_infinity=False, width=64))


@st.composite
def watched(draw, m=None):
    m = draw(st.integers(1, 6)) if m is None else m
    d = draw(st.integers(1, 3))
    return WatchedModes(
        kind=draw(st.sampled_from(["sine", "cosine", "eigen", "ray"])),
        complete=draw(st.booleans()),
        indices=draw(arrays(int, (m, d), elements=st.integers(0, 99))),
        wavenumber=draw(floats(m)),
        amplitude=draw(floats(m)),
        error_kind=draw(st.sampled_from(["algebraic", "total"])),
        count_above_threshold=draw(st.integers(m, 99)),
        wavevectors=draw(st.none() | floats(m, d)),
    )


@st.composite
def stored_predictions(draw):
    m, steps = draw(st.integers(1, 4)), draw(st.integers(1, 5))
    curves = draw(st.none() | floats(steps, m).filter(lambda curves: np.isfinite(curves).any()))
    own = draw(st.booleans())
    return StoredPrediction(
        note=draw(st.text(st.characters(blacklist_characters="\0", blacklist_categories=["Cs"]), max_size=9)),
        rates=draw(st.none() | floats(m)),
        curves=curves,
        start_step=0 if curves is None else draw(st.integers(0, 9)),
        rayleigh_quotients=draw(floats(m)) if own else None,
        eigen_residuals=draw(floats(m)) if own else None,
        drift=draw(st.none() | st.builds(Drift, st.floats(0, 1), st.floats(0, 1))),
        **({} if curves is None else {"steps": np.arange(steps), "phases": draw(st.none() | floats(steps, m))}),
    )


@given(watched() | stored_predictions())
def test_written_facts_are_read_back(value):
    back = type(value).in_facts({name: np.asarray(fact) for name, fact in value.facts().items()})
    for name, own in vars(value).items():
        np.testing.assert_array_equal(getattr(back, name), own, err_msg=name)


@given(watched(), st.data())
def test_a_selection_of_modes_keeps_all_their_data(modes, data):
    places = np.array(data.draw(st.permutations(range(len(modes)))))
    taken = modes.take(places)
    assert taken.keys == [modes.keys[k] for k in places]
    np.testing.assert_array_equal(taken.wavenumber, modes.wavenumber[places])
    if modes.wavevectors is not None:
        np.testing.assert_array_equal(taken.wavevectors, modes.wavevectors[places])


def test_a_history_without_modes_has_an_empty_record():
    record = SpectralRecord.of(History())
    assert (len(record), record.has_steps, record.last_step, record.modes.kind) == (0, False, 0, "")
    assert record.bias.value is None and not len(record.halving_steps) and not len(record.front)


def test_a_drift_is_stored_only_with_predicted_curves():
    with_curves, without = History(), History()
    with_curves.facts.update(StoredPrediction("", curves=np.ones((2, 1)), steps=np.arange(2)).facts())
    assert keep_drift(with_curves, Drift(0.1, 0.2)) and not keep_drift(without, Drift(0.1, 0.2))
    assert StoredPrediction.in_facts(with_curves.facts).drift == Drift(0.1, 0.2) and not without.facts

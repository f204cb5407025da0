import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import rgb_to_hsv

from pdefreq.core.errors import OptionError, RunFolderError
from pdefreq.figures.style import (
    METHOD_COLORS,
    Picture,
    encode,
    method_style,
    save_figure,
    styled,
    wavenumber_colors,
    wavenumber_label,
)

SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@styled
def small(color: str = "red") -> Picture:
    figure = Picture(figsize=(1, 1))
    figure.add_subplot().plot([0, 1], color=color)
    return figure


@pytest.mark.parametrize("kind", SIGNATURES)
def test_the_suffix_chooses_the_format(tmp_path, kind):
    path = save_figure(small(), tmp_path / f"a.{kind}")
    assert path.read_bytes().startswith(SIGNATURES[kind])
    assert [p.name for p in tmp_path.iterdir()] == [f"a.{kind}"]  # no temporary file remains


def test_an_unknown_suffix_is_refused(tmp_path):
    with pytest.raises(OptionError, match=r"'a\.doc'"):
        save_figure(small(), tmp_path / "a.doc")
    assert not list(tmp_path.iterdir())


def test_a_file_is_replaced_as_a_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", fail)
        with pytest.raises(RunFolderError, match="disk full"):
            save_figure(small(), path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_the_same_figure_gives_the_same_bytes():
    assert encode(small(), "png") == encode(small(), "png") != encode(small("blue"), "png")


def test_a_figure_shows_itself_in_a_notebook():
    assert small()._repr_png_().startswith(SIGNATURES["png"])


def test_matplotlib_settings_of_the_caller_are_unchanged():
    with mpl.rc_context({"font.size": 3.0}):
        before = dict(mpl.rcParams)
        encode(small(), "png")
        assert dict(mpl.rcParams) == before


def test_there_is_no_global_figure_state():
    names = "comparison heatmap modes problem solution"
    code = (
        f"import sys\nfor n in '{names}'.split(): __import__('pdefreq.figures.' + n)\nprint('matplotlib.pyplot' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"


@given(st.integers(1, 500), st.integers(1, 4))
def test_multiples_of_pi_are_labeled_as_such(numerator, denominator):
    """The label evaluates to the number that it represents."""
    label = wavenumber_label(numerator * np.pi / denominator)
    above, _, below = label.partition("/")
    assert above.endswith("π")
    assert int(above[:-1] or 1) / int(below or 1) == pytest.approx(numerator / denominator)


@given(st.floats(1e-3, 1e3))
def test_other_wavenumbers_have_three_digits(value):
    label = wavenumber_label(value)
    if "π" not in label:
        assert float(label) == pytest.approx(value, rel=5e-3)  # half a unit of the third digit, relative to 1.00


@pytest.mark.parametrize("value", [0.0, np.inf, np.nan])
def test_a_wavenumber_that_is_not_a_simple_multiple_of_pi(value):
    assert wavenumber_label(value) == f"{value:g}"


@pytest.mark.parametrize("count", [1, 2, 12, 500])
def test_colors_of_higher_wavenumbers_are_lighter(count):
    """Luminance increases with the wavenumber, so that the order is visible in gray print and to color-blind readers."""
    colors = wavenumber_colors(count)
    luminance = colors[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert colors.shape == (count, 4)
    assert (np.diff(luminance) >= 0).all()
    assert luminance.max() < 0.85  # still readable on white


def test_methods_look_different():
    styles = [tuple(method_style(i).values()) for i in range(len(METHOD_COLORS) * 4)]
    assert len(set(styles)) == len(styles)
    assert rgb_to_hsv(mpl.colors.to_rgb(METHOD_COLORS[0]))[0] != rgb_to_hsv(mpl.colors.to_rgb(METHOD_COLORS[1]))[0]

"""The gallery shows every experiment, its page is that of its script, no picture exists twice, and all are small."""

import hashlib
import importlib.util
from pathlib import Path

import pytest

from pdefreq.experiments import EXPERIMENTS, entries
from pdefreq.experiments.entry import Entry

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def build():
    spec = importlib.util.spec_from_file_location("gallery_build", DOCS / "gallery" / "build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(build):
    assert (DOCS / "gallery" / "index.md").read_text() == build.page()  # otherwise: python docs/gallery/build.py --pages


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_has_its_pictures(build, name):
    for picture in build.pictures(name, entries()[name]):
        assert build.path_of(picture, entries()[name]).is_file(), f"python docs/gallery/build.py --only {name}"


def test_no_picture_exists_twice_and_none_is_left_over(build):
    files = sorted((DOCS / "gallery").glob("*.png"))
    shown = {build.path_of(picture, entry) for name, entry in entries().items() for picture in build.pictures(name, entry)}
    assert {*files} <= shown
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (*files, *(DOCS / "figures").glob("*.png"))]
    assert len(digests) == len({*digests})


def test_pictures_are_small():
    """Larger ones: python docs/gallery/build.py --small."""
    sizes = {path.name: path.stat().st_size for name in ("figures", "gallery") for path in (DOCS / name).glob("*.png")}
    assert not {name for name, size in sizes.items() if size > 150_000}
    assert sum(sizes.values()) < 4e6


def test_a_small_picture_has_the_colors_of_the_picture(build, tmp_path):
    """Colors of a map with 256 colors change by at most one part in 32; a picture that is too wide is made smaller."""
    import numpy as np
    from PIL import Image

    ramp = np.tile(np.linspace(0, 255, 2000).astype(np.uint8), (50, 1))
    Image.fromarray(np.stack([ramp, ramp[:, ::-1], ramp // 2], axis=-1)).save(tmp_path / "a.png")
    build.write_small(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "a.png") as before, Image.open(tmp_path / "b.png") as after:
        assert after.size == (build.WIDTH, 40)
        difference = np.asarray(before.convert("RGB").resize(after.size)).astype(int) - np.asarray(after.convert("RGB"))
    assert abs(difference).max() <= 8


def test_a_small_picture_keeps_the_color_of_a_small_symbol(build, tmp_path):
    """A symbol of 12 by 12 points beside a color map, in a color that occurs nowhere else."""
    import numpy as np
    from PIL import Image

    ramp = np.tile(np.linspace(0, 255, build.WIDTH).astype(np.uint8), (800, 1))
    picture = np.stack([ramp, ramp[:, ::-1], ramp // 2], axis=-1)
    picture[400:], picture[600:612, 1000:1012] = 255, (204, 121, 167)
    Image.fromarray(picture).save(tmp_path / "a.png")
    build.write_small(tmp_path / "a.png", tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as after:
        difference = picture.astype(int) - np.asarray(after.convert("RGB"))
    assert abs(difference).max() <= 8  # as above


def test_the_whole_gallery_takes_less_than_forty_minutes_on_two_cores():
    """The sum of the measured processor times of all experiments."""
    assert sum(entry.seconds for entry in entries().values()) / 2 < 40 * 60


def test_an_experiment_with_other_pictures_or_an_error_is_reported(build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="nothing-of-the-kind: error: unknown experiment"):
        build.build("nothing-of-the-kind", Entry())

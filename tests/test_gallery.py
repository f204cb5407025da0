"""The gallery shows every experiment, its page is that of its script, and no picture exists twice."""

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
        assert build.path_of(picture).is_file(), f"python docs/gallery/build.py --only {name}"


def test_no_picture_exists_twice_and_none_is_left_over(build):
    files = sorted((DOCS / "gallery").glob("*.png"))
    shown = {build.path_of(picture) for name, entry in entries().items() for picture in build.pictures(name, entry)}
    assert {*files} <= shown
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (*files, *(DOCS / "figures").glob("*.png"))]
    assert len(digests) == len({*digests})


def test_the_whole_gallery_takes_less_than_forty_minutes_on_two_cores(build):
    """The sum of the measured processor times of the experiments that the script runs."""
    known = entries()
    seconds = [entry.seconds for name, entry in known.items() if not build.is_larger(name, entry)]
    assert sum(seconds) / 2 < 40 * 60


def test_an_experiment_with_other_pictures_or_an_error_is_reported(build, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RuntimeError, match="nothing-of-the-kind: error: unknown experiment"):
        build.build("nothing-of-the-kind", Entry())

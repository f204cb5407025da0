"""The pinned versions: every package that pdefreq needs, directly or not, and none that the requirements exclude."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINNED = {
    canonicalize_name(name): version
    for name, version in re.findall(r"^([\w.-]+)==([\w.]+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
}


def direct():
    """The requirements of the project with all extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    return [found for each in lists for text in each if (found := Requirement(text)).name != "pdefreq"]


@pytest.mark.parametrize("requirement", direct(), ids=str)
def test_each_requirement_is_pinned_to_a_version_that_it_allows(requirement):
    assert requirement.specifier.contains(PINNED[canonicalize_name(requirement.name)])


def test_what_the_installed_requirements_need_is_pinned_as_well():
    """CUDA packages are left out: torch requires their exact versions itself, on machines that need them."""
    queue, seen = [(found.name, tuple(found.extras)) for found in direct()], set()
    while queue:
        name, extras = queue.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            needs = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # an extra that is not installed here
        for need in map(Requirement, needs):
            if need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
                queue.append((need.name, tuple(need.extras)))
    names = {canonicalize_name(name) for name, _ in seen}
    assert len(names) > 30
    assert not {name for name in names - PINNED.keys() if not name.startswith(("nvidia", "cuda", "triton"))}

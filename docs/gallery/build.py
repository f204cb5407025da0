"""Rebuild the gallery: ``python docs/gallery/build.py`` runs every published experiment and writes its pictures and the page.

Each experiment runs with its default options by `pdefreq reproduce`, two at a time, in the folder ``runs/gallery``: finished
experiments are found there, and an interrupted build continues. A picture that another page of the documentation shows is kept in
``docs/figures``, any other one in ``docs/gallery``. If the other page shows a larger run than the default, the picture is not
replaced unless ``--all`` is given.

    --pages     write the page only, and run nothing
    --all       also replace the pictures of larger runs by those of the default options
    --only A,B  run these experiments only
    --jobs N    the number of processes, by default 2
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pdefreq.experiments import EXPERIMENTS, entries
from pdefreq.experiments.entry import Entry

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
RUNS = Path("runs", "gallery")
HEAD = """# Gallery

This page shows the pictures of all published experiments that `pdefreq reproduce` repeats, each with its command.
[Published experiments](../reproductions.md) compares the numbers. `python docs/gallery/build.py` makes the page and its pictures.
"""


def pictures(name: str, entry: Entry) -> list[str]:
    """The names of the pictures of an experiment."""
    return list(entry.pictures or (name,))


def path_of(picture: str) -> Path:
    """The file of a picture: that of another page if there is one, so that no picture exists twice."""
    elsewhere = FIGURES / f"{picture}.png"
    return elsewhere if elsewhere.exists() else HERE / f"{picture}.png"


def is_larger(name: str, entry: Entry) -> bool:
    """Whether another page shows the pictures of a larger run of the experiment."""
    return (
        bool(entry.full) and entry.full_pictures and all(path_of(picture).parent == FIGURES for picture in pictures(name, entry))
    )


def page() -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for name, entry in entries().items():
        command = f"pdefreq reproduce {name}"
        size = f" The picture is that of a larger run: {entry.full}" if is_larger(name, entry) else ""
        source = entry.source if not (entry.places and entry.publication) else f"{entry.source} ({entry.publication})"
        parts.append(f"## {name}\n\n```sh\n{command}\n```\n\n{entry.shows}{size}\n")
        for picture in pictures(name, entry):
            path = path_of(picture)
            parts.append(f"![{picture.replace('-', ' ')}]({'../figures/' if path.parent == FIGURES else ''}{path.name})\n")
        parts.append(f"Source: {source}.\n")
    return "\n".join(parts)


def build(name: str, entry: Entry) -> str:
    """Run an experiment and copy its pictures; the result in one line.

    Raises:
        RuntimeError: If the experiment fails or has other pictures than its entry.
    """
    folder = RUNS / name
    done = subprocess.run(
        [sys.executable, "-m", "pdefreq", "reproduce", name, "--out", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()}")
    found = {path.stem for path in folder.glob("*.png")}
    if found != {*pictures(name, entry)}:
        raise RuntimeError(f"{name}: the pictures are {', '.join(sorted(found))}, not those of its entry")
    for picture in found:
        shutil.copyfile(folder / f"{picture}.png", path_of(picture))
    return f"{name}: {', '.join(sorted(found))}"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    known = entries()
    chosen = options.only.split(",") if options.only else list(EXPERIMENTS)
    if not options.pages:
        wanted = [name for name in chosen if options.all or options.only or not is_larger(name, known[name])]
        with ThreadPoolExecutor(options.jobs) as pool:
            for line in pool.map(lambda name: build(name, known[name]), wanted):
                print(line, flush=True)
    (HERE / "index.md").write_text(page())


if __name__ == "__main__":
    main()

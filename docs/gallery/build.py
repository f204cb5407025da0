"""Rebuild the gallery: ``python docs/gallery/build.py`` runs every published experiment and writes its pictures and the page.

Each experiment runs with its default options by `pdefreq reproduce`, two at a time, in the folder ``runs/gallery``: finished
experiments are found there, and an interrupted build continues. Every picture is that of the command beside it. A picture that
another page shows for the same command is kept in ``docs/figures``, any other one in ``docs/gallery``. Pictures have a palette
of at most 256 colors, so that they are small. The script prints the processor time and the elapsed time of each experiment.

    --pages     write the page only, and run nothing
    --small     reduce the pictures that other commands made, and run nothing
    --only A,B  run these experiments only
    --jobs N    the number of processes, by default 2
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from PIL import Image

from pdefreq.experiments import EXPERIMENTS, entries
from pdefreq.experiments.entry import Entry

HERE = Path(__file__).parent
FIGURES = HERE.parent / "figures"
RUNS = Path("runs", "gallery")
WIDTH, SIZE = 1600, 150_000  # pixels, bytes
HEAD = """# Gallery

This page shows the pictures of all published experiments that `pdefreq reproduce` repeats, each with its command.
[Published experiments](../reproductions.md) compares the numbers. `python docs/gallery/build.py` makes the page and its pictures.
"""


def pictures(name: str, entry: Entry) -> list[str]:
    """The names of the pictures of an experiment."""
    return list(entry.pictures or (name,))


def target_of(picture: str, entry: Entry) -> Path:
    """The file for the picture of the default options: that of another page if the page shows the same command."""
    elsewhere = FIGURES / f"{picture}.png"
    return elsewhere if elsewhere.exists() and not is_larger(picture, entry) else HERE / f"{picture}.png"


def path_of(picture: str, entry: Entry) -> Path:
    """The file that the gallery shows: that of the default options if it exists, otherwise that of a larger run."""
    target = target_of(picture, entry)
    return target if target.exists() else FIGURES / target.name


def is_larger(picture: str, entry: Entry) -> bool:
    """Whether the picture of another page is that of a larger run than the default one."""
    return bool(entry.full) and entry.full_pictures and (FIGURES / f"{picture}.png").exists()


def page() -> str:
    """The page in Markdown."""
    parts = [HEAD]
    for name, entry in entries().items():
        shown = {picture: path_of(picture, entry) for picture in pictures(name, entry)}
        size = ""
        if any(is_larger(picture, entry) for picture in shown):
            own = all(path.parent == HERE for path in shown.values())
            size = (
                " [Published experiments](../reproductions.md) shows a larger run"
                if own
                else " The picture is that of a larger run"
            )
            size = f"{size}: {entry.full}"
        source = entry.source if not (entry.places and entry.publication) else f"{entry.source} ({entry.publication})"
        parts.append(f"## {name}\n\n```sh\npdefreq reproduce {name}\n```\n\n{entry.shows}{size}\n")
        for picture, path in shown.items():
            parts.append(f"![{picture.replace('-', ' ')}]({'../figures/' if path.parent == FIGURES else ''}{path.name})\n")
        parts.append(f"Source: {source}.\n")
    return "\n".join(parts)


def write_small(picture: Path, target: Path) -> None:
    """Copy a picture with a palette, which reduces the size of curves and color maps without a visible difference."""
    with Image.open(picture) as image:
        small = image.convert("RGB")
    if small.width > WIDTH:
        small = small.resize((WIDTH, round(small.height * WIDTH / small.width)), Image.Resampling.LANCZOS)
    for colors in (256, 128, 64):
        # The median cut would drop the colors of small symbols.
        palette = small.quantize(colors, method=Image.Quantize.MAXCOVERAGE, kmeans=2, dither=Image.Dither.NONE)
        palette.save(target, optimize=True)
        if target.stat().st_size <= SIZE:
            return


def run(command: list[str]) -> tuple[int, str, float]:
    """Run a command: its exit code, its output, and its processor seconds, including those of the processes that it starts."""
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(command, stdout=messages, stderr=messages)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        return process.returncode, messages.read().decode(), used.ru_utime + used.ru_stime


def build(name: str, entry: Entry) -> tuple[str, float]:
    """Run an experiment and copy its pictures; the result in one line, and the processor seconds.

    Raises:
        RuntimeError: If the experiment fails or has other pictures than its entry.
    """
    folder, start = RUNS / name, time.monotonic()
    command = [sys.executable, "-m", "pdefreq", "reproduce", name, "--out", str(folder)]
    code, messages, seconds = run(command)
    if code:
        raise RuntimeError(f"{name}: {messages.strip()}")
    found = {path.stem for path in folder.glob("*.png")}
    if found != {*pictures(name, entry)}:
        raise RuntimeError(f"{name}: the pictures are {', '.join(sorted(found))}, not those of its entry")
    for picture in found:
        write_small(folder / f"{picture}.png", target_of(picture, entry))
    note = "".join(f" ({word})" for word in ("found", "continued") if f"{word} " in messages)
    return f"{name}: {seconds:.1f} processor seconds, {time.monotonic() - start:.1f} s elapsed{note}", seconds


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    known, start, total = entries(), time.monotonic(), 0.0
    if options.small:
        for path in (*FIGURES.glob("*.png"), *HERE.glob("*.png")):
            with Image.open(path) as image:
                reduced = image.mode == "P" and path.stat().st_size <= SIZE
            if not reduced:
                write_small(path, path)
    elif not options.pages:
        chosen, failed = options.only.split(",") if options.only else list(EXPERIMENTS), []
        with ThreadPoolExecutor(options.jobs) as pool:
            for done in as_completed([pool.submit(build, name, known[name]) for name in chosen]):
                try:
                    line, seconds = done.result()
                except RuntimeError as error:
                    failed.append(str(error))
                    line, seconds = f"FAILED: {error}", 0.0
                print(line, flush=True)
                total += seconds
        print(f"all: {total:.0f} processor seconds, {time.monotonic() - start:.0f} s elapsed with {options.jobs} processes")
        if failed:
            sys.exit(f"{len(failed)} of {len(chosen)} experiments failed; the others have their pictures")
    (HERE / "index.md").write_text(page())


if __name__ == "__main__":
    main()

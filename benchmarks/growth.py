"""Growth of errors and times, one study each: ``python benchmarks/growth.py unknowns|frequency|dimension|processes``.

- ``unknowns``: discretizations of growing size on one smooth problem in the plane;
- ``frequency``: methods of fixed size or budget for the solution sin(omega pi x), omega = 2, 4, ..., 64;
- ``dimension``: a fixed number of steps in 1 to 10 dimensions; grids and meshes in up to three;
- ``processes``: the study of 12 runs of ``workers.py`` on one and two processes.

Each study prints a table and draws a figure with reference slopes. Errors are relative L2 errors at the test points of the
problem. Times are processor seconds of one thread from the problem to the solution, without imports, measurements and test
points; those of ``processes`` are wall seconds. Seed 0, float64. The folder of ``--out``, by default runs/growth, receives
growth.json with the rows of all studies, which ``--from`` uses in place of measurements, and growth-STUDY.png; the script
prints their paths. The figures of docs/growth.md are written by ``--figure docs/figures/growth-STUDY.png``.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import os
import statistics
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.growth_studies import ACCURACY, STUDIES, WORKERS, Slope, Study
from pdefreq.core.file_io import make_folder, write_atomically

OUT = Path("runs", "growth")

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class Row(NamedTuple):
    """One run: the method, x, the relative L2 error, the seconds, the number of steps, and the seconds to `ACCURACY`."""

    method: str
    x: float
    error: float
    seconds: float
    steps: int
    reached: float | None = None


def measured(study: Study) -> Iterator[Row]:
    """The rows of a study that one process makes; each method runs once before, because its first run loads libraries."""
    import torch

    from benchmarks.time_to_accuracy import along_steps
    from pdefreq.core.devices import keep_freed_memory
    from pdefreq.probes.target import Target

    torch.set_num_threads(1)
    keep_freed_memory()

    @functools.cache
    def target(x: int | None) -> Target:
        problem = study.problem(x)
        return Target(problem, problem.exact)

    for method in study.methods:
        for k, value in enumerate(method.values or study.values):
            options = {method.option: value} if method.option else {}
            known = target(None if method.option else value)
            if k == 0:
                along_steps(known, method.name, options, method.seconds, 0, steps=1)
            run = along_steps(known, method.name, options, method.seconds, 0, steps=method.steps)
            seconds, error = run.curve[-1]
            reached = next((then for then, found in run.curve if found <= ACCURACY), None)
            yield Row(method.name, run.unknowns if method.option else value, error, seconds, run.steps, reached)


def on_processes(counts: Sequence[int]) -> Iterator[Row]:
    """The study of `workers` on each number of processes; the error is the median over its runs."""
    from benchmarks.workers import measured

    seconds, solutions = measured(counts, **WORKERS)
    error = statistics.median(solution.error() for solution in solutions)
    for count in counts:
        yield Row("mscale", count, error, statistics.median(seconds[count]), sum(solution.step for solution in solutions))


def draw(study: Study, rows: Sequence[Row]) -> Figure:
    """Errors and seconds over x, with reference slopes."""
    from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

    from pdefreq.figures.style import Picture, method_style, styled

    @styled
    def picture() -> Figure:
        figure = Picture(figsize=(11.5, 5.6))
        figure.suptitle(study.title, fontsize=13)
        panels = figure.subplots(1, 2)
        curves = {method.label: [row for row in rows if row.method == method.name] for method in study.methods}
        until = f" to an error of {ACCURACY:g}" if study.to_accuracy else ""
        for panel, (axes, label) in enumerate(zip(panels, ("relative L2 error", study.clock + until), strict=True)):
            axes.set(xscale="log", yscale="log", xlabel=study.axis, ylabel=label)
            if study.values:
                axes.xaxis.set_major_locator(FixedLocator([*study.values]))
                axes.xaxis.set_minor_locator(NullLocator())
                axes.xaxis.set_major_formatter(ScalarFormatter())
            for place, (name, curve) in enumerate(curves.items()):
                taken = [row.reached if study.to_accuracy else row.seconds for row in curve]
                y = [math.nan if time is None else time for time in taken] if panel else [row.error for row in curve]
                axes.plot([row.x for row in curve], y, marker="o", markersize=5, label=name, **method_style(place))
        for slope in study.slopes:
            _reference(panels[slope.panel], curves[slope.method], slope)
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(curves)))
        return figure

    return picture()


_BESIDE, _SPAN = 2.5, 4.0  # ratios of a reference line to the end of its curve, and of its two ends along x


def _reference(axes: Axes, curve: Sequence[Row], slope: Slope) -> None:
    """A gray line of a given slope, above the end of a curve of errors, or below that of a curve of seconds."""
    last = curve[-1]
    ends = [max(last.x / _SPAN, curve[0].x), last.x]
    height = last.seconds / _BESIDE if slope.panel else last.error * _BESIDE
    y = [height * (x / last.x) ** slope.power for x in ends]
    axes.plot(ends, y, color="0.35", linewidth=1.2, linestyle=(0, (4, 2)), label="_slope", zorder=1)
    axes.annotate(slope.text, (ends[1], y[1]), xytext=(5, 0), textcoords="offset points", va="center", color="0.2")


def table(study: Study, rows: Sequence[Row]) -> str:
    """The rows in Markdown."""
    head = f"| method | {study.axis} | relative L2 error | {study.clock} | steps | seconds to {ACCURACY:g} |"
    lines = [head, "|---" * 6 + "|"]
    for name, x, error, seconds, steps, reached in rows:
        until = "–" if reached is None else f"{reached:.2g}"
        lines.append(f"| `{name}` | {x:g} | {error:.1e} | {seconds:.2g} | {steps} | {until} |")
    return "\n".join(lines)


def by_x(study: Study, rows: Sequence[Row]) -> str:
    """The errors and seconds of all methods at common values of x in Markdown."""
    head = f"| {study.axis} | " + " | ".join(map(str, study.values)) + " |"
    lines = [head, "|---" * (1 + len(study.values)) + "|"]
    for method in study.methods:
        cells = {row.x: f"{row.error:.1e} in {row.seconds:.2g} s" for row in rows if row.method == method.name}
        lines.append(f"| `{method.label}` | " + " | ".join(cells.get(x, "–") for x in study.values) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure one study, print its table and draw its figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--out", type=Path, default=OUT, metavar="FOLDER", help=f"the folder of the results, by default {OUT}")
    parser.add_argument("--figure", type=Path, metavar="FILE", help="the figure, by default growth-STUDY.png in the folder")
    parser.add_argument("--from", dest="again", action="store_true", help="use the results in the folder instead of measuring")
    given = parser.parse_args()
    study, results = STUDIES[given.study], given.out / "growth.json"
    stored = json.loads(results.read_text()) if results.is_file() else {}
    if given.again and given.study not in stored:
        parser.error(f"{results} has no results of '{given.study}': leave out --from to measure them")
    if not given.again:
        rows = []
        for row in on_processes(study.values) if given.study == "processes" else measured(study):
            print(row, file=sys.stderr, flush=True)
            rows.append(row)
        make_folder(given.out)
        write_atomically(results, json.dumps({**stored, given.study: rows}).encode())
    else:
        rows = [Row(*row) for row in stored[given.study]]
    print(table(study, rows), *([by_x(study, rows)] if study.values else []), sep="\n\n")
    from pdefreq.figures.style import save_figure

    figure = given.figure or given.out / f"growth-{given.study}.png"
    save_figure(draw(study, rows), figure, dpi=110)
    print(f"\nresults: {results}\nfigure: {figure}")


if __name__ == "__main__":
    main()

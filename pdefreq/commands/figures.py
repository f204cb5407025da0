"""The figures that commands write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.commands.shared_options import importing

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.record import Record
    from pdefreq.runs.solution import Solution


def draw_run(solution: Solution) -> None:
    """Draw the figures of a run into its folder: the solution, the error of each mode, and the heat map."""
    from pdefreq.core.announcements import announce

    with importing():
        from pdefreq.figures.style import save_figure

    assert solution.folder is not None
    announce("drawing the figures")
    save_figure(solution.plot(), solution.folder / "solution.png")
    draw_modes(solution)


def draw_modes(record: Record) -> None:
    """Draw the error of each mode and the heat map into the folder of a record that has modes."""
    with importing():
        from pdefreq.figures.style import save_figure
        from pdefreq.spectrum.spectral_record import SpectralRecord

    assert record.folder is not None
    if len(SpectralRecord.of(record.history)):
        save_figure(record.plot("modes"), record.folder / "modes.png")
        save_figure(record.plot("heatmap"), record.folder / "heatmap.png")


def draw_problem(problem: Problem, path: Path) -> Path:
    """Draw the source, and the exact solution if it is known."""
    from pdefreq.figures.problem import problem_figure
    from pdefreq.figures.style import save_figure

    return save_figure(problem_figure(problem), path)

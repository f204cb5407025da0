"""The figures that commands write."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.commands.shared_options import importing

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution


def draw_run(solution: Solution) -> None:
    """Draw the figures of a run into its folder: the solution, the error of each mode, and the heat map."""
    from pdefreq.core.announcements import announce

    with importing():
        from pdefreq.figures.heatmap import heatmap_figure
        from pdefreq.figures.modes import mode_figure
        from pdefreq.figures.style import save_figure
        from pdefreq.spectrum.spectral_record import SpectralRecord

    assert solution.folder is not None
    announce("drawing the figures")
    figures = {"solution.png": solution.plot()}
    if len(SpectralRecord.of(solution.history)):
        watched = solution.problem.spectrum.wavenumbers
        figures["modes.png"] = mode_figure(solution.history, wavenumbers=watched, title=solution.title)
        figures["heatmap.png"] = heatmap_figure(solution.history, wavenumbers=watched, title=solution.title)
    for name, figure in figures.items():
        save_figure(figure, solution.folder / name)


def draw_problem(problem: Problem, path: Path) -> Path:
    """Draw the source, and the exact solution if it is known."""
    from pdefreq.figures.problem import problem_figure
    from pdefreq.figures.style import save_figure

    return save_figure(problem_figure(problem), path)

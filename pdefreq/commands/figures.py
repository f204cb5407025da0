"""Which figures a command leaves, and where."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.errors import RunFolderError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pdefreq.problem import Problem
    from pdefreq.solution import Solution


def draw_run(solution: Solution) -> None:
    """Draw a run into its folder: the solution, the error of each mode, and the heat map."""
    from pdefreq.figures.heatmap import heatmap_figure
    from pdefreq.figures.modes import mode_figure

    assert solution.folder is not None
    title = f"{solution.problem.title or solution.spec.problem}, {solution.spec.method}"
    figures = {"solution.png": solution.plot()}
    if "mode_error" in solution.history:
        watched = solution.problem.spectrum.wavenumbers
        figures["modes.png"] = mode_figure(solution.history, wavenumbers=watched, title=title)
        figures["heatmap.png"] = heatmap_figure(solution.history, wavenumbers=watched, title=title)
    for name, figure in figures.items():
        _write(figure, solution.folder / name)


def draw_problem(problem: Problem, path: Path) -> Path:
    """Draw the exact solution, where known, and the source."""
    from pdefreq.figures.problem import problem_figure

    return _write(problem_figure(problem), path)


def _write(figure: Figure, path: Path) -> Path:
    from pdefreq.figures.style import save_figure

    try:
        return save_figure(figure, path)
    except OSError as error:
        raise RunFolderError(f"can't write '{path}': {error.strerror}; free some space or choose another place") from None

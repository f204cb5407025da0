"""Films of runs: the solution and its spectrum frame by frame, several runs side by side."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.file_io import write_atomically
from pdefreq.figures.film import Strip, frame_figure, gif_bytes, mp4_bytes, stills_figure
from pdefreq.probes.snapshots import COLUMN, POINTS, SHAPE
from pdefreq.spectrum.spectral_record import SpectralRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

    from pdefreq.runs.solution import Solution

MOVIES = (".gif", ".mp4")


@dataclass(frozen=True, eq=False)
class Film:
    """A film of one or several runs.

    Args:
        title: The problem.
        strips: The snapshots of each run.
    """

    title: str
    strips: tuple[Strip, ...]

    def __repr__(self) -> str:
        return f"<film of {', '.join(f'{strip.title} ({len(strip.step)} snapshots)' for strip in self.strips)}>"

    def frame(self, rows: Sequence[int]) -> Figure:
        """One frame.

        Args:
            rows: The row of each run.
        """
        return frame_figure(self.title, self.strips, rows)

    def stills(self, steps: Sequence[float]) -> Figure:
        """The solutions and spectra of all runs at given steps, as one figure.

        Raises:
            OptionError: If the steps do not increase, or all runs end before the last one.
        """
        end = max(float(strip.step[-1]) for strip in self.strips)
        if any(b <= a for a, b in itertools.pairwise(steps)):
            raise OptionError(f"the steps of still pictures must increase, got {', '.join(f'{step:g}' for step in steps)}")
        if steps and steps[-1] > end:
            raise OptionError(f"the runs end at step {end:g}, before the step {steps[-1]:g} of a still picture")
        return stills_figure(self.title, self.strips, [[strip.row(step) for strip in self.strips] for step in steps])

    def save(
        self, path: str | Path, *, frames: int = 60, rate: float = 10.0, progress: Callable[[int, int], None] | None = None
    ) -> Path:
        """Write the film.

        Args:
            path: A ``.gif`` file, or an ``.mp4`` file, which needs the package imageio-ffmpeg (extra ``film``).
            frames: Number of frames, at geometrically spaced steps of each run.
            rate: Frames per second. The last frame of a gif is shown for two seconds.
            progress: A function of the number of frames drawn so far and the number of all frames.

        Raises:
            OptionError: If the file has another suffix, a number is outside its range, or imageio-ffmpeg is missing.
        """
        path = Path(path)
        if path.suffix.lower() not in MOVIES:
            raise OptionError(f"a film is written as {' or '.join(MOVIES)}, got '{path.name}'")
        if frames < 2 or not 0 < rate <= 100:
            raise OptionError(f"a film needs at least 2 frames and a rate of at most 100 per second, got {frames} and {rate:g}")
        chosen = list(zip(*(strip.rows(frames) for strip in self.strips), strict=True))
        chosen = [rows for k, rows in enumerate(chosen) if not k or rows != chosen[k - 1]]
        encode = gif_bytes if path.suffix.lower() == ".gif" else mp4_bytes

        def pictures() -> Iterator[Figure]:
            for k, rows in enumerate(chosen):
                yield self.frame(rows)
                if progress is not None:
                    progress(k + 1, len(chosen))

        write_atomically(path, encode(pictures(), rate))
        return path


def film(*solutions: Solution | str | Path, trust: bool = False) -> Film:
    """A film of runs that were made with the probe `snapshots`.

    Args:
        solutions: Solutions, or run folders. They must belong to the same domain.
        trust: Whether Python files in run folders may be loaded.

    Raises:
        OptionError: If there is no run, a run has no snapshots, or the runs have different domains.
        RunFolderError: If a folder contains no run.

    Example:
        >>> from pdefreq import film, solve
        >>> run = solve("poisson", "jacobi", steps=50, probes=["error", "spectral", "snapshots"])
        >>> film(run)
        <film of jacobi (51 snapshots)>
    """
    from pdefreq.runs.lifecycle import load_run

    if not solutions:
        raise OptionError("a film needs at least one run")
    loaded = [load_run(each, trust=trust) if isinstance(each, (str, Path)) else each for each in solutions]
    problem = loaded[0].problem
    if any(each.problem.domain != problem.domain for each in loaded):
        raise OptionError("the runs of a film must belong to the same domain")
    return Film(problem.title or problem.name, tuple(strip_of(each) for each in loaded))


def strip_of(solution: Solution) -> Strip:
    """The snapshots of a run.

    Raises:
        OptionError: If the run has no snapshots.
    """
    import torch

    from pdefreq.spectrum.modes import ModeFamilies

    history = solution.valid_history
    if COLUMN not in history or not len(history):
        place = f" '{solution.folder}'" if solution.folder else ""
        raise OptionError(
            f"the run{place} has no snapshots: run it again with `pdefreq solve ... --snapshots` (Python: "
            "probes=[*default_probes(), SnapshotsProbe()])"
        )
    points, shape = history.facts[POINTS], tuple(int(n) for n in history.facts[SHAPE])
    grid = points.reshape(*shape, -1)
    axes = tuple(np.moveaxis(grid, axis, 0).reshape(shape[axis], -1, points.shape[1])[:, 0, axis] for axis in range(len(shape)))
    reference, target = solution.target.reference, None
    if reference is not None:
        inside = np.isfinite(history.column(COLUMN)[0])
        target = np.full(len(points), np.nan)
        with torch.no_grad():
            target[inside] = reference(torch.from_numpy(points[inside])).numpy(force=True)
        target = target.reshape(shape)
    kind = ModeFamilies(solution.problem).chosen
    return Strip(
        title=solution.label,
        step=history.column("step").astype(float),
        seconds=history.column("seconds").astype(float),
        axes=axes,
        values=history.column(COLUMN).reshape(-1, *shape),
        target=target,
        kind=kind if kind in ("cosine", "fourier") else "sine",
        record=SpectralRecord.of(history),
    )

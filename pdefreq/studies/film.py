"""Films of runs: the solution and its spectrum frame by frame, several runs side by side."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pdefreq.core.errors import OptionError
from pdefreq.core.file_io import write_atomically
from pdefreq.probes.snapshots import COLUMN, POINTS, SHAPE
from pdefreq.spectrum.spectral_record import SpectralRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from matplotlib.figure import Figure

    from pdefreq.runs.solution import Solution

MOVIES = (".gif", ".mp4")
_SMALL = 3e-3  # of the largest amplitude; the drawn wavenumbers reach twice the largest one with this amplitude
_FEWEST = 16  # modes that are drawn at least


@dataclass(frozen=True, eq=False)
class Strip:
    """The snapshots of one run.

    Args:
        title: The method.
        step: The recorded steps, ascending, shape ``(T,)``.
        seconds: Time in steps at each, shape ``(T,)``.
        axes: Coordinates of the grid along its one or two axes.
        values: u on the grid, shape ``(T, n)`` or ``(T, n, m)``; nan outside the domain.
        target: The exact or reference solution on the grid; None if unknown.
        kind: The transform in one dimension: ``"sine"``, ``"cosine"`` or ``"fourier"``.
        record: The errors of the watched modes.
    """

    title: str
    step: np.ndarray
    seconds: np.ndarray
    axes: tuple[np.ndarray, ...]
    values: np.ndarray
    target: np.ndarray | None
    kind: str
    record: SpectralRecord

    @classmethod
    def of(cls, solution: Solution) -> Strip:
        """The snapshots of a run.

        Raises:
            OptionError: If the run has none.
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
        axes = tuple(
            np.moveaxis(grid, axis, 0).reshape(shape[axis], -1, points.shape[1])[:, 0, axis] for axis in range(len(shape))
        )
        reference, target = solution.target.reference, None
        if reference is not None:
            inside = np.isfinite(history.column(COLUMN)[0])
            target = np.full(len(points), np.nan)
            with torch.no_grad():
                target[inside] = reference(torch.from_numpy(points[inside])).numpy(force=True)
            target = target.reshape(shape)
        kind = ModeFamilies(solution.problem).chosen
        return cls(
            title=solution.label,
            step=history.column("step").astype(float),
            seconds=history.column("seconds").astype(float),
            axes=axes,
            values=history.column(COLUMN).reshape(-1, *shape),
            target=target,
            kind=kind if kind in ("cosine", "fourier") else "sine",
            record=SpectralRecord.of(history),
        )

    def row(self, step: float) -> int:
        """The last recorded row at or before a step."""
        return max(int(np.searchsorted(self.step, step, side="right")) - 1, 0)

    def rows(self, count: int) -> np.ndarray:
        """Rows of at most `count` frames, in equal ratios of the steps; the first one is the initial state."""
        last = max(self.step[-1], 1.0)
        wanted = np.concatenate([[0.0], np.geomspace(1.0, last, max(count - 1, 1))])
        return np.array([self.row(step * (1 + 1e-12)) for step in wanted[:count]])

    def amplitudes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The amplitudes of a function on the line, and their wavenumbers: moduli of coefficients of the waves of the family.

        Sine coefficients are those of the function minus the linear interpolant of its end values.

        Args:
            values: Shape ``(n,)``, including the end points.

        Returns:
            Angular wavenumbers ``(m,)`` and amplitudes ``(m,)``.
        """
        from scipy import fft

        (x,) = self.axes
        n, length = len(x) - 1, x[-1] - x[0]
        if self.kind == "fourier":
            c = np.abs(np.asarray(fft.rfft(values[:-1]))) / n
            return 2 * np.pi / length * np.arange(len(c)), np.where(np.arange(len(c)) % n == 0, 1, 2) * c
        if self.kind == "cosine":
            c = np.abs(np.asarray(fft.dct(values, type=1))) / n
            c[[0, -1]] /= 2
            return np.pi / length * np.arange(n + 1), c
        inside = (values - np.interp(x, x[[0, -1]], values[[0, -1]]))[1:-1]
        return np.pi / length * np.arange(1, n), np.abs(np.asarray(fft.dst(inside, type=1))) / n

    @functools.cached_property
    def shown(self) -> int:
        """The number of amplitudes that are drawn: up to twice the largest wavenumber of the target that is not small."""
        known = self.values[-1] if self.target is None else self.target
        _, c = self.amplitudes(known)
        large = np.flatnonzero(c >= _SMALL * c.max(initial=0.0))
        return min(max(_FEWEST, 2 * (int(large[-1]) + 1) if len(large) else 0), len(c))

    @property
    def is_line(self) -> bool:
        """Whether the snapshots are curves."""
        return len(self.axes) == 1


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
        from pdefreq.figures.film import frame_figure

        return frame_figure(self, rows)

    def stills(self, steps: Sequence[float]) -> Figure:
        """The solutions and spectra of all runs at given steps, as one figure."""
        from pdefreq.figures.film import stills_figure

        return stills_figure(self, [[strip.row(step) for strip in self.strips] for step in steps])

    def save(
        self, path: str | Path, *, frames: int = 60, rate: float = 10.0, progress: Callable[[int, int], None] | None = None
    ) -> Path:
        """Write the film.

        Args:
            path: A ``.gif`` file, or an ``.mp4`` file, which needs the package imageio-ffmpeg (extra ``film``).
            frames: Number of frames, spread in equal ratios of the steps of each run.
            rate: Frames per second. The last frame of a gif is shown for two seconds.
            progress: A function of the number of frames that are drawn and of all.

        Raises:
            OptionError: If the file has another suffix, a number is outside its range, or imageio-ffmpeg is missing.
        """
        path = Path(path)
        if path.suffix.lower() not in MOVIES:
            raise OptionError(f"a film is written as {' or '.join(MOVIES)}, got '{path.name}'")
        if frames < 2 or not 0 < rate <= 100:
            raise OptionError(f"a film needs at least 2 frames and a rate of at most 100 per second, got {frames} and {rate:g}")
        from pdefreq.figures.film import gif_bytes, mp4_bytes

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
    return Film(problem.title or problem.name, tuple(Strip.of(each) for each in loaded))

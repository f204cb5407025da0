"""Frames of a film: the solution above, its spectrum below, one column for each run; and their encoding as gif or mp4."""

from __future__ import annotations

import functools
import io
import itertools
import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from pdefreq.core.errors import MissingPackageError
from pdefreq.figures.panels import TAU
from pdefreq.figures.slices import value_range
from pdefreq.figures.style import APPROXIMATE_COLOR, EXACT_COLOR, SOLUTION_MAP, STYLE, Picture, styled
from pdefreq.spectrum.spectral_record import SpectralRecord

_DPI = 90
_COLORS = 128  # of a gif
_HOLD = 2.0  # seconds for which the last frame of a gif is shown
_FLOOR = 1e-4  # smallest drawn error, and smallest drawn amplitude relative to the largest one
_MARGIN = 0.15
_SMALL = 3e-3  # relative amplitude; wavenumbers are drawn up to twice the largest one at which the target has this amplitude
_FEWEST = 16  # least number of modes that are drawn


@dataclass(frozen=True, eq=False)
class Strip:
    """The snapshots of one run.

    Args:
        title: The method.
        step: The recorded steps, ascending, shape ``(T,)``.
        seconds: Time spent in steps, excluding measurements, shape ``(T,)``.
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

    def row(self, step: float) -> int:
        """The last recorded row at or before a step."""
        return max(int(np.searchsorted(self.step, step, side="right")) - 1, 0)

    def rows(self, count: int) -> np.ndarray:
        """Rows of at most `count` frames at geometrically spaced steps; the first one is the initial state."""
        last = max(self.step[-1], 1.0)
        wanted = np.concatenate([[0.0], np.geomspace(1.0, last, max(count - 1, 1))])
        return np.array([self.row(step * (1 + 1e-12)) for step in wanted[:count]])

    def amplitudes(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The wavenumbers and amplitudes of a function on a line; amplitudes are moduli of coefficients in the mode family.

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
        """The number of amplitudes that are drawn, up to twice the largest wavenumber at which the target is not small."""
        _, c = self.amplitudes(self.known)
        large = np.flatnonzero(c >= _SMALL * c.max(initial=0.0))
        return min(max(_FEWEST, 2 * (int(large[-1]) + 1) if len(large) else 0), len(c))

    @property
    def known(self) -> np.ndarray:
        """The target, or the last snapshot where it is unknown; its values are the range of the drawn ones."""
        return self.values[-1] if self.target is None else self.target

    @property
    def has_map_of_target(self) -> bool:
        """Whether the target is drawn as a map of its own."""
        return not self.is_line and self.target is not None

    @property
    def is_line(self) -> bool:
        """Whether the snapshots are functions of one coordinate."""
        return len(self.axes) == 1


@styled
def frame_figure(title: str, strips: Sequence[Strip], rows: Sequence[int]) -> Figure:
    """The solution and the spectrum of each run at a given row; on planes also the target, in a column to the left.

    Args:
        title: Title of the figure.
        strips: The snapshots of each run.
        rows: The row of each run.
    """
    first = int(strips[0].has_map_of_target)
    width, ratios = (5.2, (1, 1)) if strips[0].is_line else (4.2, (3, 2))
    figure = Picture(figsize=(max(width * (len(strips) + first), 6.4), 6.2))
    panels = figure.subplots(2, len(strips) + first, squeeze=False, height_ratios=ratios)
    for column, (strip, row) in enumerate(zip(strips, rows, strict=True), start=first):
        _draw_solution(panels[0, column], strip, row)
        panels[0, column].set_title(f"{strip.title}: step {strip.step[row]:,.0f}, {strip.seconds[row]:.2g} s")
        _draw_spectrum(panels[1, column], strip, row)
    _draw_target(panels, strips[0])
    figure.suptitle(title)
    return figure


@styled
def stills_figure(title: str, strips: Sequence[Strip], rows: Sequence[Sequence[int]]) -> Figure:
    """Solutions and spectra at several steps, one column for each step, and two rows for each run; on planes also the target.

    Args:
        title: Title of the figure.
        strips: The snapshots of each run.
        rows: The row of each run, for each step.
    """
    first = int(strips[0].has_map_of_target)
    ratios = (1, 1) if strips[0].is_line else (3, 2)
    figure = Picture(figsize=(max(3.6 * (len(rows) + first), 5), 4.8 * len(strips)))
    panels = figure.subplots(2 * len(strips), len(rows) + first, squeeze=False, height_ratios=ratios * len(strips))
    for column, chosen in enumerate(rows, start=first):
        for number, (strip, row) in enumerate(zip(strips, chosen, strict=True)):
            _draw_solution(panels[2 * number, column], strip, row)
            panels[2 * number, column].set_title(f"{strip.title}: step {strip.step[row]:,.0f}")
            _draw_spectrum(panels[2 * number + 1, column], strip, row)
    for axes in panels[:, first + 1 :].flat:
        axes.set_ylabel("")
    for number, strip in enumerate(strips):
        _draw_target(panels[2 * number : 2 * number + 2], strip)
    figure.suptitle(title)
    return figure


def _draw_target(panels: np.ndarray, strip: Strip) -> None:
    """The map of the target in the first of two rows of panels, where it is drawn, and the color bar to the right of this row."""
    if strip.has_map_of_target:
        _draw_map(panels[0, 0], strip, strip.known)
        panels[0, 0].set_title("target")
        panels[1, 0].set_axis_off()
    if not strip.is_line:
        last = panels[0, -1]
        place = last.inset_axes((1.04, 0, 0.05, 1))
        last.figure.colorbar(ScalarMappable(value_range(strip.known), SOLUTION_MAP), cax=place, label="u", extend="both")


def _draw_map(axes: Axes, strip: Strip, values: np.ndarray) -> None:
    """Values on a plane in the colors of the target; colors at the ends of the scale stand for values beyond it."""
    norm = value_range(strip.known)
    axes.pcolormesh(*strip.axes, np.ma.masked_invalid(values.T), norm=norm, cmap=SOLUTION_MAP, rasterized=True)
    axes.set(aspect="equal", xlabel="x", ylabel="y")
    axes.grid(False)


def _draw_solution(axes: Axes, strip: Strip, row: int) -> None:
    if not strip.is_line:
        _draw_map(axes, strip, strip.values[row])
        return
    known, (x,) = strip.known, strip.axes
    if strip.target is not None:
        axes.plot(x, strip.target, color=EXACT_COLOR, linewidth=3.5, alpha=0.4, label="target")
    axes.plot(x, strip.values[row], color=APPROXIMATE_COLOR, linewidth=1.6, label="u")
    low, high = np.nanmin(known), np.nanmax(known)
    pad = _MARGIN * ((high - low) or 1.0)
    axes.set(xlim=(x[0], x[-1]), ylim=(low - pad, high + 2.5 * pad), xlabel="x", ylabel="u")
    axes.legend(loc="upper right", ncols=2, fontsize=9)


def _draw_spectrum(axes: Axes, strip: Strip, row: int) -> None:
    """Amplitudes of the target and of u on a line; otherwise relative errors of the watched modes."""
    if strip.is_line:
        k, found = strip.amplitudes(strip.values[row])
        shown, label = (
            slice(strip.shown),
            {"fourier": "|DFT|", "cosine": "cosine amplitude", "sine": "sine amplitude"}[strip.kind],
        )
        top = float(found[shown].max(initial=0.0))
        if strip.target is not None:
            _, known = strip.amplitudes(strip.target)
            axes.plot(k[shown], known[shown], "o", color=EXACT_COLOR, markersize=7, alpha=0.4, label="target")
            top = float(known.max())
        bottom = _FLOOR * (top or 1.0)
        axes.vlines(k[shown], bottom, np.maximum(found[shown], bottom), color=APPROXIMATE_COLOR, linewidth=2)
        axes.plot(k[shown], found[shown], ".", color=APPROXIMATE_COLOR, markersize=6, label="u")
        axes.set(yscale="log", ylim=(bottom, 30 * top or 1.0), xlabel="wavenumber", ylabel=label)
        axes.legend(loc="upper right", ncols=2, fontsize=9)
        return
    record = strip.record
    if len(record):
        error = np.clip(record.error[row], _FLOOR, None)
        axes.plot(record.modes.wavenumber, error, "o", color=APPROXIMATE_COLOR, markersize=5)
        axes.axhline(TAU, color="0.6", linewidth=1)
    axes.set(yscale="log", ylim=(_FLOOR, 10), xlabel="wavenumber |ξ|", ylabel="error of the mode")


def _pixels(figure: Figure) -> np.ndarray:
    """The pixels of a figure, shape ``(height, width, 3)``, with even height and width, which video encoders require."""
    with mpl.rc_context(STYLE):
        figure.set_dpi(_DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]
    return np.ascontiguousarray(pixels[: pixels.shape[0] // 2 * 2, : pixels.shape[1] // 2 * 2])


def gif_bytes(figures: Iterable[Figure], rate: float) -> bytes:
    """An animated gif in an endless loop.

    Args:
        figures: The frames, all of the same size.
        rate: Frames per second.
    """
    from PIL import Image

    images = [Image.fromarray(_pixels(figure)).quantize(_COLORS) for figure in figures]
    durations = [round(1000 / rate)] * (len(images) - 1) + [round(1000 * _HOLD)]
    buffer = io.BytesIO()
    images[0].save(buffer, "GIF", save_all=True, append_images=images[1:], duration=durations, loop=0)
    return buffer.getvalue()


def mp4_bytes(figures: Iterable[Figure], rate: float) -> bytes:
    """A video with the codec H.264.

    Args:
        figures: The frames, all of the same size.
        rate: Frames per second.

    Raises:
        MissingPackageError: If imageio-ffmpeg is not installed.
    """
    try:
        import imageio_ffmpeg  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackageError(
            "an .mp4 film needs imageio-ffmpeg: pip install 'pdefreq[film]', or write a .gif", package="imageio-ffmpeg"
        ) from None
    handle, path = tempfile.mkstemp(suffix=".mp4")
    os.close(handle)
    try:
        frames = map(_pixels, figures)
        first = next(frames)
        size = first.shape[1], first.shape[0]
        with closing(imageio_ffmpeg.write_frames(path, size, fps=rate, macro_block_size=2, ffmpeg_log_level="error")) as writer:
            writer.send(None)
            for pixels in itertools.chain([first], frames):
                writer.send(pixels)
        with open(path, "rb") as file:
            return file.read()
    finally:
        os.unlink(path)

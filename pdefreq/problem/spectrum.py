"""The modes in which a problem specifies that errors are measured."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from pdefreq.core.content import Content
from pdefreq.core.conversion import shown
from pdefreq.core.errors import ProblemFileError

ModeFamily = Literal["sine", "cosine", "fourier", "eigen", "neumann", "ray", "tones"]


@dataclass(frozen=True)
class Spectrum(Content):
    """The modes in which errors are measured.

    Args:
        modes: The mode family. The default on a box is ``"sine"``, or ``"cosine"`` if no values are prescribed, or ``"fourier"``
            if all sides are periodic. On other domains it is ``"eigen"``, and in more than three dimensions ``"ray"``.
        wavenumbers: Angular wavenumbers that are printed in the summary. The family ``"tones"`` consists of these wavenumbers.
        direction: Direction of the waves of ``"ray"`` and ``"tones"``, of any length; by default the diagonal of the box.
    """

    content_type: ClassVar[str] = "spectrum"
    modes: ModeFamily | None = None
    wavenumbers: tuple[float, ...] = ()
    direction: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not (self.modes is None or isinstance(self.modes, str)):
            raise ProblemFileError(f"[spectrum] modes must be the name of a mode family, got {shown(self.modes)}")
        for name in ("wavenumbers", "direction"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))

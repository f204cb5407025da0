"""The modes watched in a run, and their storage among the facts of a history."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from pdefreq.spectrum.family import nearest

if TYPE_CHECKING:
    from pdefreq.spectrum.family import Modes

ErrorKind = Literal["algebraic", "total"]


@dataclass(frozen=True, eq=False)
class WatchedModes:
    """Modes of one family, with the amplitudes of the target of a run.

    Args:
        kind: The mode family, such as ``"sine"``; empty if no modes are watched.
        complete: Whether the family is complete and orthogonal, so that a bias index may be formed.
        indices: Mode numbers along each axis of a box, elsewhere the number of the eigenvalue or wave, shape ``(m, j)``.
        wavenumber: |xi|, rad per unit length, shape ``(m,)``.
        amplitude: |u^_k| of the target, shape ``(m,)``.
        error_kind: ``"algebraic"`` if the target is the discrete solution, ``"total"`` if it is the exact or a reference
            solution.
        count_above_threshold: Number of modes of the target above the threshold, which is larger than m if modes were omitted.
        wavevectors: Angular wavevectors, shape ``(m, d)``; None for modes without a direction.
        above_threshold: Whether the amplitude of each mode in the solution is above the threshold, shape ``(m,)``; the others are
            watched because the problem names their wavenumbers, or not determined by the reference solution. None means that
            all are above it.
        wavenumber_range: The wavenumbers between which the family has modes at the points of the run, as
            `Modes.wavenumber_range`; nan if unknown.
    """

    kind: str
    complete: bool
    indices: np.ndarray
    wavenumber: np.ndarray
    amplitude: np.ndarray
    error_kind: ErrorKind
    count_above_threshold: int
    wavevectors: np.ndarray | None = None
    above_threshold: np.ndarray = field(default=None)  # pyright: ignore[reportAssignmentType]  # None is replaced below
    wavenumber_range: tuple[float, float] = (math.nan, math.nan)

    def __post_init__(self) -> None:
        if self.above_threshold is None:
            object.__setattr__(self, "above_threshold", np.ones(len(self.wavenumber), dtype=bool))

    @classmethod
    def of(
        cls,
        modes: Modes,
        amplitude: np.ndarray,
        *,
        error_kind: ErrorKind,
        count_above_threshold: int,
        above_threshold: np.ndarray | None = None,
        wavenumber_range: tuple[float, float] = (math.nan, math.nan),
    ) -> Self:
        """The watched modes for modes of a family and the amplitudes ``(m,)`` of the target."""
        return cls(
            modes.kind,
            modes.complete,
            modes.indices,
            modes.wavenumber,
            amplitude,
            error_kind,
            count_above_threshold,
            modes.wavevectors,
            above_threshold,  # pyright: ignore[reportArgumentType]
            wavenumber_range,
        )

    @classmethod
    def none(cls) -> Self:
        """An empty set of modes."""
        nothing = np.empty(0)
        return cls("", False, np.empty((0, 1), dtype=int), nothing, nothing, "total", 0)

    @classmethod
    def in_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The modes in the facts of a history; no modes if there are none."""
        if "mode_indices" not in facts:
            return cls.none()
        vectors, above = facts.get("mode_wavevectors"), facts.get("mode_above_threshold")
        lowest, highest = facts.get("mode_wavenumber_range", (math.nan, math.nan))
        return cls(
            kind=str(facts["mode_kind"]),
            complete=bool(facts["mode_complete"]),
            indices=np.asarray(facts["mode_indices"]),
            wavenumber=np.asarray(facts["mode_wavenumber"], dtype=float),
            amplitude=np.asarray(facts["mode_amplitude"], dtype=float),
            error_kind="algebraic" if str(facts["mode_error_kind"]) == "algebraic" else "total",
            count_above_threshold=int(facts["mode_count_above_threshold"]),
            wavevectors=None if vectors is None else np.asarray(vectors),
            above_threshold=None if above is None else np.asarray(above, dtype=bool),  # pyright: ignore[reportArgumentType]
            wavenumber_range=(float(lowest), float(highest)),
        )

    def facts(self) -> dict[str, np.ndarray]:
        """Arrays by name, from which `in_facts` restores the modes."""
        facts = {
            "mode_kind": np.array(self.kind),
            "mode_indices": self.indices,
            "mode_wavenumber": self.wavenumber,
            "mode_amplitude": self.amplitude,
            "mode_complete": np.array(self.complete),
            "mode_error_kind": np.array(self.error_kind),
            "mode_count_above_threshold": np.array(self.count_above_threshold),
            "mode_above_threshold": self.above_threshold,
            "mode_wavenumber_range": np.array(self.wavenumber_range),
        }
        return facts if self.wavevectors is None else facts | {"mode_wavevectors": self.wavevectors}

    def __len__(self) -> int:
        return len(self.wavenumber)

    @property
    def keys(self) -> list[tuple[str, ...]]:
        """A key for each mode that is the same in all runs: its family and its mode numbers."""
        return [(self.kind, *map(str, row)) for row in self.indices.tolist()]

    def take(self, places: np.ndarray) -> Self:
        """A selection of the modes, by index and in this order."""
        names = ["indices", "wavenumber", "amplitude", "above_threshold"]
        names += [] if self.wavevectors is None else ["wavevectors"]
        return replace(self, **{name: getattr(self, name)[places] for name in names})

    def nearest(self, wavenumbers: Iterable[float]) -> list[int]:
        """For each wavenumber the index of the nearest mode, the strongest of several at the same distance."""
        return nearest(self.wavenumber, self.amplitude, wavenumbers)

    def strongest(self, max_modes: int, wavenumbers: Iterable[float] = ()) -> np.ndarray:
        """Indices, ascending, of at most `max_modes` modes: those nearest to the wavenumbers, then those of largest amplitude."""
        by_size = np.argsort(-np.nan_to_num(self.amplitude), kind="stable").tolist()
        return np.array(sorted(list(dict.fromkeys([*self.nearest(wavenumbers), *by_size]))[:max_modes]), dtype=int)

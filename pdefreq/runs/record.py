"""The record of a run: what was measured, also along a run of another program."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pdefreq.core.errors import OptionError
from pdefreq.core.history import History, Status
from pdefreq.figures.notebook import Shown, paragraph

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from matplotlib.figure import Figure

    from pdefreq.core.fields import Field
    from pdefreq.probes.target import Target
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.run_record import RecordedRun
    from pdefreq.spectrum.spectral_report import SpectralReport

_ROUNDING = 1e-10  # of certificates, relative to the residual
_ERRORS = ("relative_l2", "relative_h1", "max_error")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Record(Shown):
    """The history of a run on a problem, with the quantities derived from it.

    Args:
        target: The problem, with the exact or a reference solution if there is one.
        label: The name of the run in tables and figures, such as the name of the method.
        history: The recorded rows.
        notes: Sentences for the user, e.g. about a damaged checkpoint.
        folder: The folder of the run, if it is stored.
        status: How the run ended.
    """

    target: Target
    label: str
    history: History
    notes: tuple[str, ...] = ()
    folder: Path | None = None
    status: Status = Status.RECORDED

    def __repr__(self) -> str:
        return f"<{self.label} on {self.problem.name}: {len(self.history)} records>"

    @property
    def problem(self) -> Problem:
        """The problem."""
        return self.target.problem

    @property
    def reference(self) -> Field | None:
        """The exact or a reference solution, if there is one."""
        return self.target.reference

    @property
    def has_given_reference(self) -> bool:
        """Whether the errors refer to a solution that is neither that of the problem nor a computed one."""
        is_computed = bool(self.target.coarser) or self.target.accuracy.l2 > 0
        return self.reference is not None and self.reference is not self.problem.exact and not is_computed

    @property
    def reference_error(self) -> float:
        """Estimated relative L2 error of the reference solution: 0 for an exact solution, nan without one."""
        return self.target.reference_error

    @property
    def without_solution(self) -> str:
        """The sentence that no solution is known for comparison, with the reason."""
        return "neither an exact nor a reference solution is known" + (f": {self.target.reason}." if self.target.reason else ".")

    @property
    def valid_history(self) -> History:
        """The valid rows: for a run that failed, the rows up to the last good state."""
        return self.history

    @property
    def all_notes(self) -> tuple[str, ...]:
        """All sentences for the user."""
        return self.notes

    @property
    def seed(self) -> int:
        """The seed of the run; 0 for a run of another program."""
        return 0

    def spectrum(self) -> SpectralReport:
        """The error, halving time and rate of each watched mode, and the bias index; or the reason if there are no modes."""
        return self._spectrum

    @functools.cached_property
    def _spectrum(self) -> SpectralReport:
        from pdefreq.spectrum.spectral_record import SpectralRecord
        from pdefreq.spectrum.spectral_report import SpectralReport

        record, wavenumbers = SpectralRecord.of(self.valid_history), self.problem.spectrum.wavenumbers
        if len(record):
            return SpectralReport.of(record, wavenumbers, self._result_errors())
        family, reason = self._without_modes() if len(self.history) else (self.target.families.chosen, "no step was recorded.")
        steps = int(self.valid_history.last("step") or 0)
        return SpectralReport.without_modes(family, reason, steps=steps, wavenumbers=wavenumbers)

    def _result_errors(self) -> np.ndarray | None:
        """The total errors of the modes of the result, ``(m,)``, in the order of the history; None for those of the last row."""
        return None

    def summary(self) -> dict[str, Any]:
        """The numbers of the run as plain values; nan if undefined."""
        history = self.valid_history
        errors = {name: history.last(name) for name in _ERRORS if name in history}
        return {
            "problem": self.problem.name,
            "method": self.label,
            "status": self.status.label,
            "sentence": self.status.sentence,
            "steps": int(history.last("step") or 0),
            "seconds": history.last("seconds"),
            "unknowns": None,
            "objective": history.last("objective"),
            **{name: errors.get(name, math.nan) for name in _ERRORS},
            **self._reference_errors(),
            **self._spectral_summary(),
            "notes": list(self.notes),
            "run": None if self.folder is None else str(self.folder),
        }

    def save(self, folder: str | Path) -> Path:
        """Write the record into a new folder, from which `load_record` reads it.

        Raises:
            RunFolderError: If the folder is not empty, or can't be written.
        """
        import numpy as np

        from pdefreq.core.file_io import free_folder, make_folder
        from pdefreq.problem.identity import WrittenProblem
        from pdefreq.runs.checkpoint import Checkpoint
        from pdefreq.runs.run_folder import RunFolder

        run_folder, history = RunFolder(free_folder(folder)), self.history
        problem = WrittenProblem.of(self.problem)
        make_folder(run_folder.path / "checkpoints")
        if arrays := problem.arrays:
            run_folder.write_arrays("problem", arrays)
        if problem.text:
            (run_folder.path / "problem.toml").write_text(problem.text, encoding="utf-8")
        run_folder.write_history(history)
        step, seconds = (history.last(name) or 0 for name in ("step", "seconds"))
        # An unknown time is nan in the history; a checkpoint of nan seconds would be damaged.
        run_folder.write_checkpoint(Checkpoint(int(step), float(np.fmax(seconds, 0.0)), np.zeros(0), {}, history))
        object.__setattr__(self, "folder", run_folder.path)
        written: RecordedRun = {
            "problem": problem.to_json(),  # pyright: ignore[reportAssignmentType]  # the type of a JSON object
            "modes": self.problem.spectrum.modes,
            "label": self.label,
            "notes": [*self.notes],
            "reference_given": self.has_given_reference,
        }
        run_folder.write_run(None, self.summary(), recorded=written)
        return run_folder.path

    def plot(self, kind: Literal["modes", "heatmap"] = "modes") -> Figure:
        """The error of each mode against steps and seconds.

        Args:
            kind: Curves (modes), or a map over steps and wavenumbers (heatmap).

        Raises:
            OptionError: If there is no such figure.
        """
        from pdefreq.figures.heatmap import heatmap_figure
        from pdefreq.figures.modes import mode_figure

        draw = {"modes": mode_figure, "heatmap": heatmap_figure}.get(kind)
        if draw is None:
            raise OptionError(
                f"`kind` of a figure must be modes or heatmap, or solution if there is a solution, got {kind!r}", option="kind"
            )
        return draw(self.history, wavenumbers=self.problem.spectrum.wavenumbers, title=self.title)

    @property
    def title(self) -> str:
        """The title of figures: the problem and the method."""
        return f"{self.problem.title or self.problem.name}, {self.label}"

    def _reference_errors(self) -> dict[str, float]:
        """The estimated errors of the reference solution in the norms of the errors; nan without one."""
        from pdefreq.probes.target import Accuracy

        accuracy = self.target.accuracy if self.reference is not None else Accuracy(math.nan, math.nan, math.nan)
        names = {
            "l2": "reference_error",
            "h1": "reference_h1_error",
            "max": "reference_max_error",
            "energy": "reference_energy_error",
        }
        return {name: getattr(accuracy, norm) for norm, name in names.items()}

    def _spectral_summary(self) -> dict[str, Any]:
        report = self.spectrum()
        return {
            "bias_index": report.bias_index,
            "bias_index_modes": len(report.bias_modes),
            "bias_index_is_bound": report.bias_index is not None and report.bias_relation != "=" if report.rows else None,
            "bias_index_relation": report.bias_relation if report.rows else None,
            "frequency_order": report.sentence,
            "halving_spread": report.halving_spread,
            "certificate": self.certificate,
            "theory": report.theory,
            "modes": [_mode(row) for row in report.rows],
        }

    @property
    def certificate(self) -> dict[str, float] | None:
        """The last certificate of the run: its step, the largest q_k, the remainder, and whether it holds; None without one.

        See `pdefreq.theory.certificate.Certificate`.
        """
        import numpy as np

        history = self.valid_history
        if "certificate_damped" not in history:
            return None
        remainder = history.column("certificate_remainder")
        known = np.flatnonzero(np.isfinite(remainder))
        if not len(known):
            return None
        damped, residual = (history.column(f"certificate_{name}")[known] for name in ("damped", "residual"))
        best = int(history.column("objective")[known].argmin())  # the row of the result, also if it is not the last one
        excess = float((residual - damped - remainder[known, None]).max())
        return {
            "step": int(history.column("step")[known[best]]),
            "largest_damped": float(damped[best].max()),
            "remainder": float(remainder[known[best]]),
            "excess": max(excess, 0.0),
            "holds": excess <= _ROUNDING,
        }

    def _without_modes(self) -> tuple[str, str]:
        """The mode family, and the reason why no modes are watched."""
        from pdefreq.spectrum.modes import WAVE_FAMILIES

        family = self.target.families.chosen
        if self.reference is None:
            return family, self.without_solution
        if family in WAVE_FAMILIES:
            return (
                family,
                "no wave along the direction exceeds the variation across it; set another [spectrum] direction.",
            )
        return family, "this family has no modes to watch; if the boundary values determine u, try --modes neumann."

    def _html(self) -> str:
        return paragraph([f"{self.problem.name} by {self.label}", self.spectrum().sentence])


def _mode(row: Any) -> dict[str, Any]:
    names = ("wavenumber", "amplitude", "error", "status", "halving_step", "halving_seconds", "rate")
    names += ("predicted_halving_step", "predicted_rate")
    return {name: getattr(row, name) for name in names}

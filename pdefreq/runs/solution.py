"""The result of a run: the approximate solution with its history, how the run ended, its folder and its figure."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Self

from pdefreq.core.errors import IncompatibleError, NotConvergedError
from pdefreq.core.history import History, Status
from pdefreq.core.notes import Note
from pdefreq.figures.notebook import paragraph
from pdefreq.iterations.defaults import result_state_of
from pdefreq.runs.approximation import Approximation
from pdefreq.runs.notes import notes_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from matplotlib.figure import Figure

    from pdefreq.iterations.iteration import State
    from pdefreq.runs.position import Position
    from pdefreq.runs.prepared_run import PreparedRun
    from pdefreq.runs.recorder import Recorder
    from pdefreq.runs.run_folder import RunFolder
    from pdefreq.runs.spec import RunSpec
    from pdefreq.solvers.solver import Solver


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Solution(Approximation):
    """The approximate solution as a function of points, with the run that computed it.

    Args:
        solver: The method with its options.
        spec: The specification of the run.
        status: How the run ended.
        state: The result: the last good state, or the best one if the method keeps it.
        last_state: The last good state, from which a resumed run continues.
        result_columns: The columns of the history for the result: its objective, its errors, and the errors of its modes. They
            are those of the last row unless the result is an earlier state, or the last step was not recorded.
        step: The number of steps to the last state.
        seconds: The time of these steps; measurements are not counted.
        elapsed: The time of the run, measurements included.

    The other arguments are those of `Record`.

    Example:
        >>> from pdefreq import solve
        >>> solution = solve("poisson", "fem")
        >>> solution.status.label
        'done'
        >>> solution.error() < 1e-4
        True
    """

    solver: Solver
    spec: RunSpec
    status: Status = Status.RUNNING
    last_state: State
    result_columns: Mapping[str, Any] = field(default_factory=dict)
    step: int
    seconds: float
    elapsed: float = 0.0

    @classmethod
    def of(
        cls,
        prepared: PreparedRun,
        end: Position,
        status: Status,
        *,
        notes: Sequence[str] = (),
        folder: Path | None = None,
        recorder: Recorder | None = None,
    ) -> Self:
        """The solution of a run.

        Args:
            prepared: The prepared run.
            end: The last position; for a run that failed, the last good one.
            status: How the run ended.
            notes: Sentences that precede the notes on the run.
            folder: The folder of the run, if it is stored.
            recorder: The recorder of the run, whose probes are prepared; by default a new one.
        """
        from pdefreq.runs.recorder import Recorder

        result, recorder = result_state_of(prepared.iteration, end.state), recorder or Recorder(prepared, end.history)
        return cls(
            target=prepared.target,
            label=prepared.spec.method,
            solver=prepared.solver,
            spec=prepared.spec,
            status=status,
            state=result,
            last_state=end.state,
            result_columns=recorder.result_columns(result, end),
            step=end.step,
            seconds=end.seconds,
            elapsed=end.elapsed,
            history=end.history,
            notes=(*notes, *notes_on(prepared, end.state, end.history, status)),
            folder=folder,
        )

    def __repr__(self) -> str:
        unknowns = self.state.space.num_coefficients
        return f"<{self.label} on {self.problem.name}: {self.status.label} at step {self.step}, {unknowns:,} unknowns>"

    def raise_for_status(self) -> Self:
        """The solution itself, if it is a result.

        Raises:
            NotConvergedError: If the run diverged or ended without a solution; its `status` is that of the run.
        """
        if self.status.exit_code not in (0, Status.INTERRUPTED.exit_code):
            raise NotConvergedError(f"{self.label} on {self.problem.name}: {self.status.sentence}", status=self.status)
        return self

    @property
    def is_last_state(self) -> bool:
        """Whether u is the state of the last step; otherwise it is an earlier one that the method preferred."""
        from pdefreq.runs.recorder import is_same

        return is_same(self.state, self.last_state)

    @property
    def difference_from_last_row(self) -> str:
        """A sentence if the last valid row of the history does not belong to u; otherwise empty.

        It does not if u is an earlier state, or if the run was interrupted after that row.
        """
        recorded = self.valid_history.last("step")
        if recorded is None or (self.is_last_state and recorded == self.step):
            return ""
        result = f"the state of step {self.step:,}" if self.is_last_state else "an earlier state than the last one"
        return (
            f"The result is {result}. The objective and all errors are those of the result; the history, with the halving steps "
            f"and rates, ends at step {int(recorded):,}."
        )

    @property
    def valid_history(self) -> History:
        return self.history.before(self.step + 1)  # after a failure rows of bad states follow

    @property
    def seed(self) -> int:
        return self.spec.seed

    @property
    def all_notes(self) -> tuple[str, ...]:
        """The notes on the run, on numbers of different states, and on errors that contradict each other."""
        found = (self.difference_from_last_row, Note(self.contradiction, "L2 and H1 contradict"))
        return (*self.notes, *(note for note in found if note))

    def summary(self) -> dict[str, Any]:
        """The numbers of the run as plain values; nan if undefined.

        The objective and all errors are those of the result, and so are the columns in ``result``. Halving steps, rates and B
        are those of the whole run.
        """
        history, result = self.valid_history, self.result_columns
        return {
            "problem": self.problem.name,
            "method": self.label,
            "status": self.status.label,
            "sentence": self.status.sentence,
            "steps": self.step,
            "recorded_step": history.last("step"),
            "is_last_state": self.is_last_state,
            "seconds": self.seconds,
            "processes": int(history.facts.get("processes", 1)),
            "unknowns": self.state.space.num_coefficients,
            "objective": result.get("objective"),
            "energy_minimum": self.energy_minimum(),
            "relative_l2": self.error("l2"),
            "relative_l2_homogeneous": self.error("homogeneous"),
            "relative_h1": self.error("h1"),
            "max_error": self.error("max"),
            "holdout_misfit": result.get("holdout_misfit"),
            "result": {name: float(value) for name, value in result.items() if not getattr(value, "ndim", 0)},
            **self._reference_errors(),
            **self._spectral_summary(),
            "notes": [*self.all_notes],
            "run": None if self.folder is None else str(self.folder),
        }

    def save(self, folder: str | Path) -> Path:
        """Store the run in a new folder.

        Raises:
            RunFolderError: If the folder is not empty, or can't be written.
        """
        from pdefreq.runs.checkpoint import Checkpoint
        from pdefreq.runs.run_folder import RunFolder

        run_folder = RunFolder(folder)
        run_folder.create(self.spec)
        run_folder.write_checkpoint(Checkpoint.of(self.last_state, self.step, self.seconds, self.history, self.elapsed))
        self.write(run_folder)
        return run_folder.path

    def write(self, run_folder: RunFolder) -> None:
        """Write the results of a finished run into its folder: tables, arrays, summary."""
        run_folder.write_history(self.history, self.result_columns)
        run_folder.write_arrays("solution", self._sampled())
        with suppress(IncompatibleError):  # more than three dimensions, or no mesh generator
            self.to_vtu(run_folder.path / "solution.vtu")
        object.__setattr__(self, "folder", run_folder.path)
        run_folder.write_run(self.spec, self.summary())

    def plot(self, kind: Literal["solution", "modes", "heatmap"] = "solution") -> Figure:
        """A figure of the run, one of those in its folder.

        Args:
            kind: The solution beside the exact or reference solution (solution), the error of each mode against steps and
                seconds (modes), or the same as a map over steps and wavenumbers (heatmap).

        Raises:
            OptionError: If there is no such figure.
        """
        from pdefreq.figures.solution import solution_figure

        if kind != "solution":
            return super().plot(kind)
        return solution_figure(self.problem, self.function, self.reference)

    def _result_errors(self) -> np.ndarray | None:
        from pdefreq.spectrum.spectral_record import TOTAL

        return self.result_columns.get(TOTAL)

    def _without_modes(self) -> tuple[str, str]:
        family, reason = super()._without_modes()
        if self.status is Status.NON_FINITE_START:
            reason = "the objective is not finite at the start, so nothing was measured."
        elif "probes" in self.spec.given or not _watches_modes(self.spec):
            reason = "the requested probes do not watch modes."
        return family, reason

    def _sampled(self) -> dict[str, np.ndarray]:
        x = self.target.test_points.x
        arrays = {"x": x.numpy(), "u": self.measured.values(x)}
        if self.target.solution is not None:
            arrays["reference"] = self.target.solution.values(x)
        return arrays | {"coefficients": self.state.coefficients.detach().cpu().numpy()}

    def _html(self) -> str:
        report = self.spectrum()
        lines = [
            f"{self.problem.name} by {self.label}: {self.status.sentence}",
            f"{self.step} steps, {self.seconds:.2f} s, {self.state.space.num_coefficients} unknowns, "
            f"relative L2 error {self.error():.2e}",
        ]
        lines.append(report.sentence)
        return paragraph(lines)


def _watches_modes(spec: RunSpec) -> bool:
    """Whether the probe `spectral` is among the probes of a run."""
    return spec.probes is None or any(probe.get("name") == "spectral" for probe in spec.probes)

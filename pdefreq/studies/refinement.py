"""The result of a refinement study: errors on each level, and their orders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.history import Status
from pdefreq.core.text_table import text_table
from pdefreq.figures.notebook import Shown, paragraph, table

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure

    from pdefreq.probes.target import Accuracy
    from pdefreq.problem.problem import Problem
    from pdefreq.spectrum.orders import Order
    from pdefreq.spectrum.spectral_record import SpectralRecord
    from pdefreq.theory.discretization import Orders

NORMS = ("relative_l2", "relative_h1", "max_error")
ENDED = (Status.DONE, Status.ROUNDING, Status.CONVERGED)
_EVEN = 1.6  # largest variation of h N^(1/d) over the levels of uniform meshes
_ABOVE = 3.0  # errors are used down to this multiple of the error of the reference solution
_ROUNDING = 1e-13  # relative errors below this are rounding errors of a direct solution
_SHORT = 0.2  # largest difference between the predicted and the measured L2 order; beyond it the solution is not smooth enough


@dataclass(frozen=True)
class Level:
    """One discretization, and the errors of its discrete solution.

    Args:
        size: The value of the option that is refined; None for a method that refines during the run.
        h: The longest edge of a cell; None for a method without cells.
        unknowns: The number of coefficients.
        relative_l2: Relative L2 error (docs/errors.md).
        relative_h1: Relative error in the full H1 norm.
        max_error: Largest absolute error.
        seconds: Time in steps; for a method that refines during the run, since its start.
        status: How the run ended.
        sees_modes: Whether modes are computed on the nodes, or on a grid much finer than the nodes. A grid of similar width would
            show the smaller errors near the nodes.
    """

    size: int | None
    h: float | None
    unknowns: int
    relative_l2: float
    relative_h1: float
    max_error: float
    seconds: float
    status: str
    sees_modes: bool


@dataclass(frozen=True, eq=False, repr=False)
class Refinement(Shown):
    """The errors of a method on a sequence of discretizations, and their orders.

    Args:
        problem: The problem.
        method: The name of the method.
        option: The name of the refined option.
        levels: The levels, coarsest first.
        spectrum: Total errors of the watched modes, one row per level.
        predicted: The predicted errors, shape ``(levels, m)``; nan if not known.
        theory: The predicted orders; None if there is no theory.
        condition: Their assumptions, or the reason why there is no theory.
        accuracy: The accuracy of the reference solution.
        status: How the last run ended.
        refusal: The sentence that refused the next level, if there are fewer levels than requested; otherwise empty.
        folder: The folder with the results, if they are stored.

    Example:
        >>> from pdefreq import refine
        >>> rows = refine("poisson", "fem", start=64, levels=3).orders()
        >>> round(rows[0]["order"], 1), rows[0]["predicted"]
        (2.0, 2)
    """

    problem: Problem
    method: str
    option: str
    levels: tuple[Level, ...]
    spectrum: SpectralRecord
    predicted: np.ndarray
    theory: Orders | None
    condition: str
    accuracy: Accuracy
    status: Status
    refusal: str = ""
    folder: Path | None = None

    @property
    def reference_error(self) -> float:
        """Relative L2 error of the reference solution: 0 for an exact one."""
        return self.accuracy.l2

    @property
    def own_errors(self) -> dict[str, float]:
        """The estimated errors of the reference solution by the names of the norms; zero for an exact solution."""
        return dict(zip(NORMS, (self.accuracy.l2, self.accuracy.h1, self.accuracy.max), strict=True))

    @property
    def axis(self) -> str:
        """``"h"`` for uniform meshes, otherwise ``"unknowns"``, which means orders in powers of N^(-1/d)."""
        d = self.problem.domain.dimension
        widths = [level.h * level.unknowns ** (1 / d) for level in self.levels if level.h is not None]
        even = len(widths) == len(self.levels) and max(widths) <= _EVEN * min(widths)
        return "h" if even else "unknowns"

    @property
    def power(self) -> str:
        """The same as a formula."""
        d = self.problem.domain.dimension
        return "h" if self.axis == "h" else "1/N" if d == 1 else f"N^(-1/{d})"

    def widths(self) -> np.ndarray:
        """The length in whose powers the orders are defined, h or N^(-1/d), of each level, shape ``(levels,)``."""
        import numpy as np

        if self.axis == "h":
            return np.array([level.h for level in self.levels])
        return np.array([level.unknowns for level in self.levels]) ** (-1 / self.problem.domain.dimension)

    def __repr__(self) -> str:
        shown = ("name", "order", "standard_error", "predicted", "finest")
        rows = [row | {"finest": self.rows()[-1][row["name"]]} for row in self.orders()]
        head = f"<refinement of {self.method} on {self.problem.name}: {len(self.levels)} levels, orders in {self.power}>"
        return "\n".join([head, *text_table(shown, rows)])

    def rows(self) -> list[dict[str, Any]]:
        """One row per level: its size, its errors, and the relative error of each mode; None if undefined."""
        from pdefreq.runs.run_folder import to_json

        names = self.mode_names()
        return [
            to_json({"level": k} | vars(level) | dict(zip(names, self.spectrum.error[k].tolist(), strict=True)))
            for k, level in enumerate(self.levels)
        ]

    def mode_names(self) -> list[str]:
        """The column names of the modes: ``mode_3``, or ``mode_1_2`` in several dimensions."""
        return ["mode_" + "_".join(map(str, index)) for index in self.spectrum.modes.indices.tolist()]

    def fits(self) -> dict[str, Order]:
        """The fitted order of each norm and of each mode, by column name."""
        import numpy as np

        from pdefreq.spectrum.orders import fit_order

        h = self.widths()
        solved = np.array([level.status in {status.label for status in ENDED} for level in self.levels])
        columns = {name: np.array([getattr(level, name) for level in self.levels]) - self.own_errors[name] for name in NORMS}
        clear = solved & (columns["relative_l2"] > max(_ABOVE * self.reference_error, _ROUNDING))
        found = {name: fit_order(h, np.where(clear, column, np.nan)) for name, column in columns.items()}
        amplitudes, seen = self.spectrum.modes.amplitude, np.array([level.sees_modes for level in self.levels])
        size = np.linalg.norm(amplitudes)
        for name, error, amplitude in zip(self.mode_names(), self.spectrum.error.T, amplitudes, strict=True):
            floor = max(self.reference_error * size / amplitude, _ROUNDING) if amplitude > 0 else _ROUNDING
            found[name] = fit_order(h, np.where(solved & seen, error, np.nan), floor=floor)
        return found

    def orders(self) -> list[dict[str, Any]]:
        """One row per norm and per mode: fitted order, standard error, levels of the fit, and predicted order."""
        from pdefreq.runs.run_folder import to_json

        wavenumbers = dict(zip(self.mode_names(), self.spectrum.modes.wavenumber.tolist(), strict=True))
        rows = []
        for name, fit in self.fits().items():
            first, last = fit.levels or (None, None)
            known = None if self.theory is None else getattr(self.theory, name, self.theory.mode)
            rows.append(
                to_json(
                    {
                        "name": name,
                        "wavenumber": wavenumbers.get(name),
                        "order": fit.value,
                        "standard_error": fit.error,
                        "first_level": first,
                        "last_level": last,
                        "faster_than_any_power": fit.faster,
                        "predicted": known,
                        "reason": fit.reason,
                    }
                )
            )
        return rows

    @property
    def sentence(self) -> str:
        """A sentence on the predicted orders and whether the measured orders reach them."""
        if self.theory is None:
            return f"No orders are predicted: {self.condition}."
        measured, expected = self.fits()["relative_l2"].value, self.theory.relative_l2
        if self.axis == "unknowns":
            orders = f"L2 {expected} and H1 {self.theory.relative_h1} in powers of {self.power}"
            return f"Smooth solutions on even meshes have {orders}; adaptive refinement is optimal if it reaches the H1 order."
        said = f"Predicted orders: L2 {expected}, H1 {self.theory.relative_h1}, modes {self.theory.mode}, {self.condition}"
        if measured is not None and measured < expected - _SHORT:
            said += f"; the measured L2 order {measured:.2f} is lower, so the solution is not smooth enough for them"
        return said + "."

    def plot(self) -> Figure:
        """The error of each mode and each norm against the mesh width and against the number of unknowns."""
        from pdefreq.figures.refinement import refinement_figure

        return refinement_figure(
            self.spectrum,
            {name: [getattr(level, name) for level in self.levels] for name in NORMS},
            self.fits(),
            names=self.mode_names(),
            h=self.widths() if self.axis == "h" else None,
            unknowns=[level.unknowns for level in self.levels],
            dimension=self.problem.domain.dimension,
            predicted=self.predicted,
            title=f"{self.problem.title or self.problem.name}: {self.method}",
            wavenumbers=self.problem.spectrum.wavenumbers,
        )

    def save(self, folder: str | Path, *, figures: bool = True) -> Path:
        """Write the table (as CSV and, with the orders, as JSON) and the figure.

        Raises:
            RunFolderError: If the folder can't be written.
        """
        from pdefreq.core.file_io import csv_bytes, json_bytes, make_folder, write_atomically
        from pdefreq.figures.style import encode

        folder, rows = Path(folder), self.rows()
        make_folder(folder)
        write_atomically(folder / "refinement.csv", csv_bytes(rows[0], (row.values() for row in rows)))
        write_atomically(folder / "refinement.json", json_bytes(self.to_json()))
        if figures:
            write_atomically(folder / "refinement.png", encode(self.plot(), "png"))
        return folder

    def to_json(self) -> dict[str, Any]:
        """The study as one JSON object."""
        from pdefreq.runs.run_folder import to_json

        about = {"problem": self.problem.name, "title": self.problem.title, "method": self.method, "refined": self.option}
        own = dict(zip(("reference_error", "reference_h1_error", "reference_max_error"), self.own_errors.values(), strict=True))
        told = {"axis": self.axis, "sentence": self.sentence} | own | {"refusal": self.refusal}
        return to_json(about | told | {"levels": self.rows(), "orders": self.orders()})

    def _html(self) -> str:
        shown = ("name", "wavenumber", "order", "standard_error", "first_level", "last_level", "predicted", "reason")
        return paragraph([self.sentence]) + table(shown, self.orders())

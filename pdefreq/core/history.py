"""The recorded data of a run, its stopping criteria, and its status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from pdefreq.core.errors import MissingPackageError, OptionError, UnknownNameError
from pdefreq.core.registry import nearest

if TYPE_CHECKING:
    import numpy as np
    from pandas import DataFrame  # pyright: ignore[reportMissingImports]  # pandas is optional


class Status(Enum):
    """The way in which a run ended, with a sentence on the cause and the next action."""

    DONE = ("done", "The method reached its answer.", 0)
    EARLY = (
        "early",
        "Stopped early: the objective at held-out points has not fallen for as many steps as `patience` allows.",
        0,
    )
    ROUNDING = (
        "rounding",
        "The method reached the level of rounding errors, which hide any further change; in float32, `--dtype float64` goes "
        "further.",
        0,
    )
    CONVERGED = ("converged", "The objective fell below the tolerance.", 0)
    STAGNATED = (
        "stagnated",
        "The objective stopped falling: more steps of the same kind will not help; refine the trial space, "
        "change the learning rate or hand over to another method.",
        0,
    )
    STEPS = ("steps", "The step budget is used up; continue with `pdefreq resume RUN --steps N`.", 0)
    SECONDS = ("seconds", "The time budget is used up; continue with `pdefreq resume RUN --seconds S`.", 0)
    DIVERGED = (
        "diverged",
        "The objective grew more than a million-fold, and the result is the last recorded state before: lower the learning rate, "
        "or the damping factor of a relaxation; where the equation is indefinite, use another method.",
        1,
    )
    NON_FINITE = (
        "non-finite",
        "The objective became infinite or not a number: lower the learning rate of a training, or check the problem for a "
        "singularity or a solution beyond the range of floating-point numbers.",
        1,
    )
    NON_FINITE_START = (
        "non-finite start",
        "The objective is infinite or not a number before the first step: give the method smaller numbers, such as scales or the "
        "standard deviation of an initialization, or check the problem for a singularity.",
        1,
    )
    STALLED = (
        "stalled",
        "The method stalled before it converged: it found no step that lowers the objective, although this is not a minimum. "
        "In float32, use `--dtype float64`; otherwise use other options or another seed, or continue with another method.",
        1,
    )
    UNCONVERGED = (
        "not converged",
        "Newton's method took its largest number of steps and did not converge, so that u is not a solution: use fewer unknowns, "
        "an exponent p that is not so close to 1, or the solution of an easier problem as a start (guess=...).",
        1,
    )
    UNSOLVED = (
        "unsolved",
        "Newton's method found no solution: the equation may have none, as -lap u = k exp(u) for large k, or the solution is far "
        "from the start; start from the solution of an easier problem (guess=...), such as one with a smaller coefficient.",
        1,
    )
    UNRESOLVED = (
        "not resolved",
        "The residual at held-out points is above the tolerance, and more functions hardly reduce it or are too many to be used. "
        "The data may have noise, or the solution may have a singularity or scales that are too fine: use `fem` with "
        "refinement=adaptive, or compare with its result. No method helps if the equation is singular, as at a resonance.",
        1,
    )
    INTERRUPTED = ("interrupted", "Stopped before the end of its budget; continue with `pdefreq resume RUN`.", 130)
    RECORDED = ("recorded", "The run of another program was measured.", 0)
    RUNNING = ("running", "The run has not ended: a process is computing it. This is the result at its newest checkpoint.", 0)

    def __init__(self, label: str, sentence: str, exit_code: int) -> None:
        self.label = label
        self.sentence = sentence
        self.exit_code = exit_code

    @property
    def is_failure(self) -> bool:
        """Whether the last state is not a result, so that the run returns the last good one."""
        return self in (Status.DIVERGED, Status.NON_FINITE, Status.NON_FINITE_START, Status.UNSOLVED)


@dataclass(frozen=True)
class Stop:
    """Stopping criteria of a run, which stops when the first of them is met.

    Args:
        steps: Largest number of steps.
        seconds: Largest time of the run from its first measurement on, measurements included. The last measurement comes after
            this time.
        tolerance: The run stops if objective <= tolerance x (initial objective), for objectives that tend to zero; below 1. A
            relative objective, such as |b - A u| / |b|, is compared with the tolerance itself.
        stagnation: The run stops if the lowest objective has not decreased by 1e-4 of its total decrease in this many steps.
        train_seconds: Largest time of the steps, without measurements.

    In a chain of methods, `tolerance` and `stagnation` apply to the last method, from the hand-over step on.
    """

    steps: int | None = None
    seconds: float | None = None
    tolerance: float | None = None
    stagnation: int | None = None
    train_seconds: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("steps", 0), ("seconds", 0), ("tolerance", 0), ("stagnation", 1), ("train_seconds", 0)):
            value, whole = getattr(self, name), name in ("steps", "stagnation")
            if value is None:
                continue
            kind = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
            below = 2**63 if isinstance(value, int) else math.inf  # run folders contain no longer integers
            if not (kind and least <= value < below):
                limit = "of at most 64 bits" if kind and value > least else "finite"
                raise OptionError(
                    f"`{name}` must be a {'whole ' * whole}number, at least {least} and {limit}, got {value!r}", option=name
                )
        if self.tolerance is not None and self.tolerance >= 1:
            raise OptionError(
                f"`tolerance` must be below 1, got {self.tolerance:g}: it is the factor by which the objective has to fall, "
                "such as 1e-6, and the start itself satisfies a factor of 1"
            )

    @classmethod
    def of(
        cls,
        stop: Stop | None,
        *,
        steps: int | None = None,
        seconds: float | None = None,
        train_seconds: float | None = None,
    ) -> Stop:
        """The criteria of `stop`, together with the limits that are given as separate arguments.

        Raises:
            OptionError: If `stop` is not a `Stop`, or a limit is given twice.
        """
        if stop is not None and not isinstance(stop, Stop):
            raise OptionError(f"`stop` must be a Stop, got {stop!r}: write stop=Stop(...), or steps=... and seconds=...")
        limits = {"steps": steps, "seconds": seconds, "train_seconds": train_seconds}
        given = {name: value for name, value in limits.items() if value is not None}
        for name in given:
            if stop is not None and getattr(stop, name) is not None:
                raise OptionError(f"`{name}` is given twice, in `stop` and as an argument: give it once", option=name)
        return (stop or cls()).override(cls(**given))  # pyright: ignore[reportArgumentType]

    def override(self, other: Stop) -> Stop:
        """The criteria of `other`, completed by these criteria where `other` sets none."""
        pairs = {n: getattr(other, n) if getattr(other, n) is not None else getattr(self, n) for n in self.__dataclass_fields__}
        return Stop(**pairs)


@dataclass(frozen=True)
class Schedule:
    """The recorded steps: every step up to `dense`, then at least `per_decade` steps in each factor of ten.

    Example:
        >>> schedule = Schedule(dense=10, per_decade=5)
        >>> schedule.after(3), schedule.after(10), schedule.after(100)
        (4, 15, 158)
    """

    dense: int = 100
    per_decade: int = 50

    def __post_init__(self) -> None:
        if self.dense < 1 or self.per_decade < 1:
            raise OptionError(f"`dense` and `per_decade` must be at least 1, got {self.dense} and {self.per_decade}")

    def after(self, step: int) -> int:
        """The next recorded step after a recorded step."""
        return step + 1 if step < self.dense else max(step + 1, int(step * 10 ** (1 / self.per_decade)))

    def count(self, step: int, last: int) -> int:
        """The number of recorded steps after a recorded step, up to the first one at or beyond `last`."""
        ratio = 10 ** (1 / self.per_decade)
        # Every step up to this one is recorded, since step * ratio < step + 2.
        every = min(last, max(self.dense, math.floor(2 / (ratio - 1))))
        found = max(0, every - step)
        step = max(step, every)
        while step < last:
            step, found = self.after(step), found + 1
        return found


class History:
    """Rows recorded at increasing steps, and arrays that do not depend on the row (`facts`).

    Every run has the columns ``step``, ``seconds`` (time of the steps without probes) and ``objective``, and a column for each
    named term of the objective. Probes add further columns. A column contains scalars ``(rows,)`` or vectors ``(rows, m)``.
    """

    def __init__(self) -> None:
        self._columns: dict[str, list[Any]] = {}
        self.facts: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self._columns.get("step", ()))

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    def __repr__(self) -> str:
        """The first and the last rows of the columns of scalars, and the names of the columns of vectors."""
        import numpy as np

        from pdefreq.core.text_table import text_table

        scalars = [name for name, column in self._columns.items() if column and np.ndim(column[-1]) == 0]
        vectors = [f"{name} ({np.size(self._columns[name][-1])})" for name in self.names if name not in scalars]
        rows = [{name: self._columns[name][k] for name in scalars} for k in range(len(self))]
        lines = text_table(scalars, rows)
        lines += [f"columns with several numbers in each row: {', '.join(vectors)}"] if vectors else []
        return "\n".join([f"<History: {len(self)} rows>", *(lines if len(self) else [])])

    def to_pandas(self) -> DataFrame:
        """The columns as a `pandas.DataFrame`; a column of vectors becomes one column for each entry, ``name.0``, ``name.1``, ...

        Raises:
            MissingPackageError: If pandas is not installed.
        """
        try:
            import pandas as pd  # pyright: ignore[reportMissingImports]
        except ImportError as error:
            raise MissingPackageError(
                "`to_pandas` needs pandas: install it with `pip install pandas`, or use `arrays()`", package="pandas"
            ) from error
        table = {}
        for name, column in self.arrays().items():
            flat = column.reshape(len(column), -1)
            table |= {name if column.ndim == 1 else f"{name}.{k}": flat[:, k] for k in range(flat.shape[1])}
        return pd.DataFrame(table)

    @property
    def names(self) -> list[str]:
        """Column names in the order of their first appearance."""
        return list(self._columns)

    def record(self, row: Mapping[str, Any]) -> None:
        """Append a row. Missing entries, in this row or in the earlier rows of a new column, are filled with nan."""
        import numpy as np

        rows = len(self)
        for name, value in row.items():
            if name not in self._columns:
                self._columns[name] = [np.full(np.shape(value), np.nan) for _ in range(rows)]
            self._columns[name].append(value)
        for name, column in self._columns.items():
            if name not in row:
                column.append(np.full(np.shape(column[-1]), np.nan))

    def column(self, name: str) -> np.ndarray:
        """A column, shape ``(rows,)`` or ``(rows, m)``.

        Raises:
            UnknownNameError: If the column was not recorded.
        """
        import numpy as np

        if not isinstance(name, str) or name not in self._columns:
            raise UnknownNameError(f"the history has no column '{name}': {nearest(str(name), self._columns)}", name=str(name))
        return np.array(self._columns[name])

    def last(self, name: str) -> Any:
        """The last entry of a column, or None if the column is missing or empty."""
        return self._columns[name][-1] if self._columns.get(name) else None

    def before(self, step: int) -> History:
        """The history of the steps before `step`, from which a run is resumed."""
        rows = sum(s < step for s in self._columns.get("step", ()))
        history = History()
        history._columns = {name: column[:rows] for name, column in self._columns.items() if rows}
        history.facts = dict(self.facts)
        return history

    def arrays(self) -> dict[str, np.ndarray]:
        """All columns by name."""
        return {name: self.column(name) for name in self._columns}

    @classmethod
    def from_arrays(cls, columns: Mapping[str, np.ndarray], facts: Mapping[str, np.ndarray]) -> History:
        """The inverse of `arrays`."""
        history = cls()
        history._columns = {name: list(column) for name, column in columns.items()}
        history.facts = dict(facts)
        return history

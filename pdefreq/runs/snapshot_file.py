"""Snapshots of another program in a file: values of u at fixed points and several steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pdefreq.core.array_files import read_npz
from pdefreq.core.errors import OptionError
from pdefreq.core.file_io import read_bounded
from pdefreq.core.history import Schedule

if TYPE_CHECKING:
    from pdefreq.problem.problem import Problem
    from pdefreq.runs.record import Record

_MOST_BYTES = 2**32
_DEGREE = 5
_VISIBLE = 1e-12  # smallest relative L2 error of the interpolation that is stated in a note


@dataclass(frozen=True, eq=False)
class SnapshotFile:
    """Values of u at n points at T steps.

    Args:
        points: Shape ``(n, d)``.
        steps: Increasing, shape ``(T,)``.
        values: Shape ``(T, n)``.
        seconds: Time of the steps, shape ``(T,)``; None if unknown.
    """

    points: np.ndarray
    steps: np.ndarray
    values: np.ndarray
    seconds: np.ndarray | None = None

    @classmethod
    def read(cls, path: str | Path) -> SnapshotFile:
        """Read an ``.npz`` file with the arrays ``points``, ``steps``, ``values`` and, optionally, ``seconds``.

        Raises:
            OptionError: If the file can't be read, or an array is missing or has another shape or type.
        """
        path = Path(path)
        if not path.is_file():
            raise OptionError(f"there is no file '{path}': give an .npz file with the arrays points, steps and values")
        try:
            arrays = read_npz(read_bounded(path, _MOST_BYTES))
        except (OSError, ValueError) as error:
            raise OptionError(f"'{path}' can't be read as an .npz file of arrays: {error}; write it with numpy.savez") from error
        if missing := [name for name in ("points", "steps", "values") if name not in arrays]:
            raise OptionError(f"'{path}' has no array `{missing[0]}`; it needs points (n, d), steps (T,) and values (T, n)")
        named = {name: arrays[name] for name in ("points", "steps", "values", "seconds") if name in arrays}
        for name, array in named.items():
            if array.dtype.kind not in "iuf":
                raise OptionError(f"the array `{name}` of '{path}' must contain finite numbers, got the type {array.dtype}")
            if count := int((~np.isfinite(array)).sum()):
                raise OptionError(
                    f"the array `{name}` of '{path}' must contain finite numbers, and {count} of its entries are not"
                )
        points = named["points"].astype(float)
        points = points[:, None] if points.ndim == 1 else points
        steps, values = named["steps"], named["values"].astype(float)
        seconds = named.get("seconds")
        if points.ndim != 2 or steps.ndim != 1 or values.shape != (len(steps), len(points)) or not values.size:
            raise OptionError(
                f"'{path}' needs points (n, d), steps (T,) and values (T, n), got {points.shape}, {steps.shape}, {values.shape}"
            )
        if seconds is not None and seconds.shape != steps.shape:
            raise OptionError(f"the array `seconds` of '{path}' needs the shape of steps, {steps.shape}, got {seconds.shape}")
        if seconds is not None and (seconds[0] < 0 or (np.diff(seconds) < 0).any()):
            raise OptionError(f"the array `seconds` of '{path}' must not decrease, and be at least 0")
        if (np.diff(steps) <= 0).any() or (steps != steps.round()).any() or steps[0] < 0:
            raise OptionError(f"the array `steps` of '{path}' must contain increasing whole numbers, at least 0")
        return cls(points, steps.astype(np.int64), values, seconds)

    def interpolation(self) -> Callable[[np.ndarray], Callable[[np.ndarray], np.ndarray]]:
        """A function that turns values ``(n,)`` into a function of points.

        If the points form a grid, in any order, the function is a tensor-product spline of degree 5, or of lower degree if an
        axis has fewer than six points. For scattered points it is linear on a triangulation.
        """
        from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
        from scipy.spatial import Delaunay

        axes = tuple(np.unique(column) for column in self.points.T)
        if np.prod([len(axis) for axis in axes]) == len(self.points) and min(map(len, axes)) > 1:
            order = np.lexsort(self.points.T[::-1])
            shape = tuple(map(len, axes))
            return lambda values: _tensor_spline(axes, values[order].reshape(shape))
        if self.points.shape[1] == 1:
            raise OptionError("the points of an interval must differ from each other, and there must be at least two")
        triangulation = Delaunay(self.points)

        def scattered(values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
            inside, nearest = LinearNDInterpolator(triangulation, values), NearestNDInterpolator(self.points, values)

            def interpolant(x: np.ndarray) -> np.ndarray:
                found = inside(x)
                return np.where(np.isnan(found), nearest(x), found)

            return interpolant

        return scattered


def _tensor_spline(axes: tuple[np.ndarray, ...], values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """The spline through values on a grid; `RegularGridInterpolator` computes its coefficients up to errors of 1e-5."""
    from scipy.interpolate import NdBSpline, make_interp_spline

    knots, degrees, coefficients = [], [], values
    for axis, x in enumerate(axes):
        spline = make_interp_spline(x, coefficients, k=min(_DEGREE, len(x) - 1), axis=axis)
        coefficients = np.moveaxis(spline.c, 0, axis)
        knots.append(spline.t)
        degrees.append(spline.k)
    return NdBSpline(tuple(knots), coefficients, tuple(degrees), extrapolate=True)


def measure(path: str | Path, problem: Problem | str, *, modes: str | None = None, label: str = "", probes: Any = None) -> Record:
    """Measure the snapshots in a file: errors, modes and rates as for a run of this package.

    Values between the points are interpolated. A note states the relative L2 error of the same interpolation of the exact
    or reference solution; measured errors below it have no meaning.

    Args:
        path: An ``.npz`` file with the arrays ``points`` ``(n, d)``, ``steps`` ``(T,)``, ``values`` ``(T, n)`` and, optionally,
            ``seconds`` ``(T,)``.
        problem: A problem, the name of an included problem, or the path of a problem file.
        modes: The mode family; by default the family of the problem.
        label: Name of the solver in tables and figures; by default the name of the file.
        probes: The probes, as in `Monitor`.

    Raises:
        OptionError: If the file can't be read, or its points have another dimension than the domain or do not reach its ends.
    """
    import torch

    from pdefreq.runs.monitor import Monitor

    found = SnapshotFile.read(path)
    named = label or Path(path).stem
    monitor = Monitor(problem, modes=modes, label=named, probes=probes, schedule=_EVERY, share=float("inf"), timed=False)
    domain = monitor.target.problem.domain
    if found.points.shape[1] != domain.dimension:
        raise OptionError(f"the points of '{path}' have {found.points.shape[1]} coordinates, and the domain {domain.dimension}")
    low, high = (np.asarray(side) for side in domain.bounds)
    spacing = (high - low) / max(len(found.points) ** (1 / domain.dimension) - 1, 1)
    if (found.points.min(axis=0) > low + spacing).any() or (found.points.max(axis=0) < high - spacing).any():
        raise OptionError(f"the points of '{path}' do not cover the domain, which reaches from {low.tolist()} to {high.tolist()}")
    if (found.points.min(axis=0) < low - spacing).any() or (found.points.max(axis=0) > high + spacing).any():
        raise OptionError(
            f"points of '{path}' lie outside the domain, which reaches from {low.tolist()} to {high.tolist()}: use its unit of "
            "length, or leave them out"
        )
    interpolated = found.interpolation()
    for row, step in enumerate(found.steps):
        seconds = None if found.seconds is None else float(found.seconds[row])
        monitor(int(step), interpolated(found.values[row]), seconds=seconds)
    record, reference = monitor.record, monitor.target.reference
    if reference is None:
        return record
    with torch.no_grad():
        known = reference(torch.from_numpy(found.points)).numpy(force=True)
    check = Monitor(problem, modes=modes, reference=reference, probes=("error",), share=float("inf"))
    check(0, interpolated(known))
    error = float(check.history.last("relative_l2"))
    if not error > _VISIBLE:
        return record
    return replace(record, notes=(f"The interpolation between the points has a relative L2 error of {error:.2g}.",))


_EVERY = Schedule(dense=10**9)

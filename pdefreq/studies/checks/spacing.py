"""The distance of the points of a method against wavelengths and other lengths of the problem."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding, option_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pdefreq.runs.solution import Solution
    from pdefreq.studies.checks.finding import Subject


def aliasing(subject: Subject) -> Finding | str:
    """A finding on the wave of the problem with the fewest points per wavelength; two points are the least (Nyquist)."""
    return _coarse(subject, ("wave",))


def narrow_features(subject: Subject) -> Finding | str:
    """A finding on the layer or the gap of the problem that is finest relative to the distance of the points."""
    return _coarse(subject, ("layer", "gap"))


def _coarse(subject: Subject, kinds: Sequence[str]) -> Finding | str:
    from pdefreq.iterations.defaults import quadrature_of
    from pdefreq.runs.resolution import spacings

    run = subject.run
    if run.problem.data is not None or run.problem.domain.dimension > 3:
        return "distances of points are compared for equations in at most three dimensions"
    found = spacings(run.target, run.state.space.nodes, quadrature_of(subject.iteration, run.state))
    found = [(spacing / feature.spacing, spacing, feature) for spacing, feature in found if feature.kind in kinds]
    if not found:
        return f"no {' or '.join(kinds)} of the problem is known"
    ratio, spacing, feature = max(found, key=lambda each: each[0])
    many = max(2, int(ratio * 2) + 1)
    per = f", {feature.length / spacing:.3g} points per wavelength" if feature.kind == "wave" else ""
    return Finding(
        ratio,
        f"{feature.sentence}, and the points are {spacing:.3g} apart there{per}",
        f"`--set {_finer(run, spacing, many)}`, {many} times as many points along each axis",
    )


def _finer(run: Solution, spacing: float, many: int) -> str:
    """The option that gives so many times as many points along each axis."""
    lower, upper = run.problem.domain.bounds
    axis = math.ceil(max(b - a for a, b in zip(lower, upper, strict=True)) / spacing)
    for name in ("intervals", "cells"):
        if (found := option_of(run, name)) is not None:
            path, value = found
            return f"{path}={many * (value if isinstance(value, int) else axis)}"
    dimension = run.problem.domain.dimension
    path, value = option_of(run, "number") or ("number", None)
    return f"{path}={many**dimension * (value if isinstance(value, int) else axis**dimension)}"

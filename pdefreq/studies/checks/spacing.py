"""The distance of the points of a method against wavelengths and other lengths of the problem."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Container

    from pdefreq.studies.checks.finding import Subject


def aliasing(subject: Subject) -> Finding | None:
    """A finding on the wave of the problem with the fewest points per wavelength; two points are the least (Nyquist)."""
    return _coarse(subject, ("wave",))


def narrow_features(subject: Subject) -> Finding | None:
    """A finding on the layer or the gap of the problem that is finest relative to the distance of the points."""
    return _coarse(subject, ("layer", "gap"))


def _coarse(subject: Subject, kinds: Container[str]) -> Finding | None:
    from pdefreq.iterations.defaults import quadrature_of
    from pdefreq.runs.resolution import spacings

    run = subject.run
    if run.problem.data is not None or run.problem.domain.dimension > 3:
        return None
    found = spacings(run.target, run.state.space.nodes, quadrature_of(subject.iteration, run.state))
    found = [(spacing / feature.spacing, spacing, feature) for spacing, feature in found if feature.kind in kinds]
    if not found:
        return None
    ratio, spacing, feature = max(found, key=lambda each: each[0])
    options = ("intervals", "cells", "number")
    name = next((name for name in options if _has_option(run.spec.solver, name)), "number")
    many = int(ratio * 2) + 1
    per = f", {feature.length / spacing:.3g} points per wavelength" if feature.kind == "wave" else ""
    return Finding(
        ratio,
        f"{feature.sentence}, and the points are {spacing:.3g} apart there{per}",
        f"{many} times as many points along each axis: --set {name}=...",
    )


def _has_option(options: object, name: str) -> bool:
    from collections.abc import Mapping

    if not isinstance(options, Mapping):
        return False
    return name in options or any(_has_option(value, name) for value in options.values())

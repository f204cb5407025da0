"""Coefficients that do not change the network, such as those of units whose input never lies in the support of the activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pdefreq.studies.checks.finding import Finding
from pdefreq.studies.checks.first_order import NO_NETWORK

if TYPE_CHECKING:
    from pdefreq.studies.checks.finding import Subject

_HARMLESS = 0.25  # of the coefficients


def dead_units(subject: Subject) -> Finding | str:
    """A finding if derivatives of u with respect to coefficients vanish at all of 512 points in the domain."""
    from pdefreq.spaces.trial_space import Network

    run = subject.run
    if not isinstance(run.state.space, Network):
        return NO_NETWORK
    c = run.state.coefficients
    rows = run.state.space.at(subject.points.to(c)).jacobian(c).detach()
    dead = float((rows == 0).all(dim=0).double().mean())
    return Finding(
        dead / _HARMLESS,
        f"{100 * dead:.3g} % of the {len(c):,} coefficients do not change u at any of {len(rows)} points: their units receive "
        "inputs outside the support of the activation",
        "`--set activation=sin`, or `--set initialization=tiled`, which places the inputs in the support",
    )

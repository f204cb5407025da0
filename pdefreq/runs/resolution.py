"""What the points of a run do not resolve: features of the problem, the source, and the error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch

from pdefreq.core.notes import Note
from pdefreq.domains.geometry.strata import standard_error
from pdefreq.iterations.defaults import quadrature_of

if TYPE_CHECKING:
    from pdefreq.core.fields import Field
    from pdefreq.core.shapes import Points
    from pdefreq.domains.samples import Samples
    from pdefreq.iterations.iteration import Iteration, State
    from pdefreq.probes.error import Errors
    from pdefreq.probes.target import Target
    from pdefreq.problem.features import Feature
    from pdefreq.spaces.trial_space import TrialSpace

_MOST_DIMENSIONS = 3  # beyond, points are too few to speak of a spacing
_ROUNDING = 1e-6  # relative; a mesh with exactly two nodes in a wavelength does not represent the wave
_TOLERANCE = 0.01  # relative difference of two integrals that is accepted in any case
_STANDARD_ERRORS = 3
_NEAREST = 8  # points whose weights determine the spacing near a point
_DOUBLINGS = 10
_NODES = 10_000  # nodes whose distances to their neighbors are computed


def resolution_notes(target: Target, iteration: Iteration, state: State) -> list[str]:
    """What the points of a method can't resolve: the finest feature of the problem, and the source.

    A wave needs more than two points in a wavelength (Nyquist), and other features need points whose distance is at most their
    length. The points are the nodes of the space, or the fixed points at which the method evaluates the source. The quadrature
    of the source is tested by ``int f^2``, compared with the value at the test points.

    Args:
        target: The target of the run.
        iteration: The iteration.
        state: The state whose space is judged.

    Returns:
        Sentences for the user; none if the points change from step to step, if the source is known at points only, or if the
        domain has more than three dimensions.
    """
    problem = target.problem
    if problem.data is not None or problem.domain.dimension > _MOST_DIMENSIONS:
        return []
    quadrature, nodes = quadrature_of(iteration, state), state.space.nodes
    notes = _on_features(target, nodes, quadrature)
    return notes + ([] if quadrature is None else _on_quadrature(target, quadrature))


def _on_features(target: Target, nodes: Points | None, quadrature: Samples | None) -> list[str]:
    """A note on the feature that is finest relative to the distance of the points near it, if they can't represent it."""
    ratios = [
        (spacing / (feature.spacing * (1 - _ROUNDING if feature.kind == "wave" else 1 + _ROUNDING)), spacing, feature)
        for spacing, feature in spacings(target, nodes, quadrature)
    ]
    ratio, spacing, feature = max(ratios, key=lambda found: found[0], default=(0.0, 0.0, None))
    if feature is None or not ratio > 1:
        return []
    return [
        Note(
            f"{feature.sentence}, which this method does not resolve, because its points are {spacing:.3g} apart there: "
            f"use at least {math.floor(ratio) + 1} times as many along each axis.",
            "not resolved",
        )
    ]


def spacings(target: Target, nodes: Points | None, quadrature: Samples | None) -> list[tuple[float, Feature]]:
    """The distance of the points near each feature of the problem; empty if the method has no fixed points.

    Args:
        target: The target of the run.
        nodes: The nodes of the space, if it has nodes.
        quadrature: The fixed points of the method, if it has no nodes.
    """
    found = []
    for feature in target.problem.features:
        x = torch.tensor(feature.x, dtype=torch.float64)
        if nodes is not None:
            found.append((_distance_of_nodes(nodes.double().cpu(), x), feature))
        elif quadrature is not None:
            found.append((_distance_of_samples(quadrature, x), feature))
    return found


def _distance_of_nodes(nodes: Points, x: torch.Tensor) -> float:
    """The distance between the node nearest to x and its nearest neighbor."""
    node = nodes[int((nodes - x).norm(dim=1).argmin())]
    distances = (nodes - node).norm(dim=1)
    return float(distances[distances > 0].min())


def _distance_of_samples(samples: Samples, x: torch.Tensor) -> float:
    """The side of a cube whose measure is the mean weight of the points nearest to x."""
    nearest = (samples.x - x).norm(dim=1).topk(min(_NEAREST, len(samples.x)), largest=False).indices
    return float(samples.weights[nearest].mean()) ** (1 / samples.x.shape[1])


def _on_quadrature(target: Target, quadrature: Samples) -> list[str]:
    """A note if int f^2 by the points of the method differs from that by the test points by more than the sampling error."""
    f, domain, test = target.problem.source, target.problem.domain, target.test_points
    if f.constant is not None:
        return []
    expected, error = _square(f, test)
    allowed = _TOLERANCE * expected + _STANDARD_ERRORS * error
    found, own = _square(f, quadrature)
    if not abs(found - expected) > allowed + _STANDARD_ERRORS * own:  # also if a value is not finite
        return []
    number = len(quadrature.x)
    enough = (
        n
        for n in (number * 2**k for k in range(1, _DOUBLINGS + 1))
        if n <= max(len(test.x), 2 * number) and abs(_square(f, domain.quadrature(n))[0] - expected) <= allowed
    )
    remedy = next((f"about {n:,} points do" for n in enough), "use more points")
    told = (
        f"The {number:,} quadrature points of this method do not resolve the source: the integral of f^2 is {found:.4g} by them "
        f"and {expected:.4g} +- {error:.1g} by the test points; {remedy}."
    )
    return [Note(told, "source not resolved")]


def _square(f: Field, samples: Samples) -> tuple[float, float]:
    """The integral of f^2 by weighted points, and its standard error if they are random."""
    with torch.no_grad():
        values = f(samples.x) ** 2
    return float(samples.weights @ values), standard_error(values, samples.weights)


def contradiction_sentence(errors: Errors, space: TrialSpace) -> str:
    """A sentence if the L2 error of a result contradicts its H1 error, see `Errors.contradiction`; otherwise empty."""
    if errors.contradiction() is None or (ratio := errors.contradiction(_least_distance(space))) is None:
        return ""
    return (
        f"The relative L2 and H1 errors contradict each other: ||grad e|| / ||e|| = {ratio:.3g} is more than the points can "
        "represent, so the L2 error misses oscillations, or jumps of the gradient, that the H1 error contains: judge the result "
        "by the H1 error."
    )


def _least_distance(space: TrialSpace) -> float:
    """The smallest distance between nodes of a space, from a sample of them; infinity if it has none."""
    if space.nodes is None:
        return math.inf
    from scipy.spatial import KDTree

    nodes = space.nodes.double().numpy(force=True)
    return float(KDTree(nodes).query(nodes[:: -(-len(nodes) // _NODES)], k=2)[0][:, 1].min())

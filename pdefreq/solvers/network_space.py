"""The trial space of a network method, from its options: input, sub-networks, start, boundary values, from the inside out."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pdefreq.errors import IncompatibleError
from pdefreq.solvers.requirements import require_memory

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.problem import Problem
    from pdefreq.solvers.network_solver import NetworkSolver
    from pdefreq.spaces.embedding import FourierFeatures
    from pdefreq.spaces.feed_forward import FeedForward
    from pdefreq.spaces.trial_space import Network, TrialSpace

_LIVE = 12  # arrays of the size of all units at 1024 points, and of all weights, that live at once in a step, at most


def network_of(solver: NetworkSolver, problem: Problem) -> Network:
    """The trial space.

    Raises:
        IncompatibleError: If the input can't be periodic, or boundary values can't be built in.
        OptionError: If `frequencies` have not a component for each coordinate, or the last hidden layer can't be doubled.
    """
    from pdefreq.spaces.hard_boundary import HardBoundary

    domain, network = problem.domain, _started(solver, _drawn(solver, problem.domain))
    if problem.is_regression or solver.boundary == "penalty":
        return network
    if problem.dirichlet is None:
        raise IncompatibleError(
            "boundary values can be built into a network only where one Dirichlet condition holds on all of the boundary: "
            "use boundary=penalty"
        )
    return HardBoundary(network, domain.lifting(problem.dirichlet), domain.distance())


def features_of(solver: NetworkSolver, dimension: int) -> int:
    """Inputs of the network that are worked out from the coordinates once and kept."""
    return 2 * (solver.fourier or (solver.periodic or 0) * dimension)


def require_room(solver: NetworkSolver, dimension: int) -> None:
    """Memory for a step, from the options alone: nothing is built yet.

    Raises:
        OptionError: If there is too little.
    """
    features = features_of(solver, dimension)
    for name, number in (("fourier", solver.fourier), ("periodic", solver.periodic)):
        if number is not None:
            require_memory(number, name, 8 * _LIVE * 1024 * features)
    parts = 2 * len(solver.wavevectors) or (len(solver.scales) if solver.scales and solver.form == "subnetworks" else 1)
    parts *= 2 if solver.start == "antisymmetric" else 1
    widths = [(1 if solver.start in (None, "antisymmetric") else 2) * width for width in solver.widths]
    weights = parts * sum(a * b for a, b in itertools.pairwise((features or dimension, *widths, 1)))
    require_memory(max(solver.widths), "widths", 8 * _LIVE * (weights + parts * 1024 * sum(widths)))


def require_smooth(solver: NetworkSolver, space: TrialSpace, order: int) -> None:
    """As many derivatives as are taken.

    Raises:
        IncompatibleError: If the activation has fewer, or the boundary values that are built in.
    """
    from pdefreq.spaces.hard_boundary import HardBoundary

    if order <= space.smoothness:
        return
    network = space.network if isinstance(space, HardBoundary) else space
    if order > network.smoothness:
        cause, remedy = f"{solver.activation} has {network.smoothness:g}", "activation=sin or tanh"
    else:
        cause = f"boundary values built in on this domain leave the network {space.smoothness:g}"
        remedy = "boundary=penalty"
    raise IncompatibleError(f"{solver.name} takes derivatives of order {order} and {cause}: use {remedy}")


def _drawn(solver: NetworkSolver, domain: Domain) -> FeedForward:
    """The network whose weights are drawn."""
    from pdefreq.spaces.mlp import Mlp
    from pdefreq.spaces.mscale import Mscale
    from pdefreq.spaces.phase_shift import PhaseShift

    common = solver.widths, solver.activation, solver.initialization
    layers = {
        "embedding": _embedding(solver, domain),
        "residual": solver.residual,
        "bias": solver.bias,
        "adaptive": solver.adaptive,
    }
    if solver.frequencies is not None:
        return PhaseShift(domain, solver.wavevectors, *common, **layers)
    if solver.scales is not None:
        return Mscale(domain, solver.scales, *common, solver.form, **layers)
    return Mlp(domain, *common, **layers)


def _embedding(solver: NetworkSolver, domain: Domain) -> FourierFeatures | None:
    from pdefreq.domains.box import Box
    from pdefreq.spaces.embedding import periodic_features, random_features

    if solver.fourier is not None:
        return random_features(domain.dimension, solver.fourier, solver.fourier_std)
    if solver.periodic is None:
        return None
    if not isinstance(domain, Box):
        raise IncompatibleError(
            f"`periodic` takes the sides of a box as periods and this domain is none ({domain.title}): use `fourier`"
        )
    return periodic_features(domain, solver.periodic)


def _started(solver: NetworkSolver, network: FeedForward) -> Network:
    from pdefreq.spaces.antisymmetric import Antisymmetric, Doubled, width_doubled

    wrappers = {None: lambda same: same, "antisymmetric": Antisymmetric, "doubled": Doubled, "wide": width_doubled}
    return wrappers[solver.start](network)

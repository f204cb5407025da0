"""Neural networks: plain and multiscale, trained on the Ritz energy or on a misfit."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.history import Stop
from pdefreq.solvers.requirements import require_memory
from pdefreq.solvers.solver import Solver

if TYPE_CHECKING:
    import torch

    from pdefreq.domains.box import Box
    from pdefreq.fields import Field
    from pdefreq.functionals.functional import Functional
    from pdefreq.functionals.sampling import Sampling
    from pdefreq.iterations.iteration import Iteration
    from pdefreq.problem import Problem
    from pdefreq.spaces.trial_space import Network

_NUMBER = {1: 1000, 2: 4096}  # interior points by dimension; 8192 beyond
_ARRAYS = 16  # live arrays of the size (hidden units, points) in a training step, measured


@dataclass(frozen=True)
class NetworkSolver(Solver):
    """A network trained by gradients.

    Args:
        functional: ``"ritz"``, the energy of the problem, or ``"misfit"``, the mean square distance to the target.
        widths: Units of each hidden layer; of each sub-network where there are sub-networks.
        scales: Factors of the input of a multiscale network; null is a plain one.
        form: ``"subnetworks"``: one for each scale; ``"first-layer"``: one network, its first layer's units in groups.
        activation: sin, tanh, srelu, phi or sin-srelu.
        initialization: glorot, mscale or support; null is what the activation wants.
        boundary: ``"hard"``: boundary values built into the network; ``"penalty"``: a term of the functional.
        beta: Factor of the penalty.
        points: ``"gauss"``: a fixed quadrature; ``"uniform"``, ``"sobol"``: random; null is gauss in 1-D, else sobol.
        number: Interior points; null is 1000 in 1-D, 4096 in 2-D, 8192 beyond.
        boundary_points: Boundary points, for penalties and Robin conditions, in 2-D and beyond.
        resample_every: Steps between draws of random points.
        optimizer: ``"adam"`` or ``"gd"``, gradient descent.
        learning_rate: At the first step.
        half_life: Steps in which the learning rate halves; null keeps it.
        steps: Budget.

    Raises:
        OptionError: If an option lies outside its range.
        UnknownNameError: If the activation or the initialization is unknown.
    """

    functional: Literal["ritz", "misfit"]
    widths: tuple[int, ...]
    scales: tuple[float, ...] | None
    form: Literal["subnetworks", "first-layer"]
    activation: str
    initialization: str | None
    boundary: Literal["hard", "penalty"]
    beta: float
    points: Literal["gauss", "uniform", "sobol"] | None
    number: int | None
    boundary_points: int
    resample_every: int
    optimizer: Literal["adam", "gd"]
    learning_rate: float
    half_life: float | None
    steps: int

"""Problems on grids that several tests of iterations share."""

from dataclasses import replace

import torch

from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid

LIKE = torch.empty(0, dtype=torch.float64)
GRIDS = [
    Grid(Box((-1.0,), (1.0,)), (8,)),
    Grid(Box((-1.0, 0.0), (1.0, 1.5)), (9, 7)),
    Grid(Box((-1.0, 0.0, 0.5), (1.0, 1.5, 1.2)), (6, 7, 5)),
]


def dirichlet(box):
    """Constant coefficients, with values given on the whole boundary."""
    return Problem(domain=box, source=lambda x: (3 * x).sin().sum(dim=1) + 1, boundary=lambda x: 1 + x[:, 0])


def mixed(box):
    """Variable coefficients; a Robin face, a face that is partly Dirichlet and partly Neumann, and other faces Dirichlet."""
    return Problem(
        domain=box,
        source=lambda x: (3 * x).sin().sum(dim=1) + 1,
        diffusion=lambda x: 1.2 + (2 * x).sin().mean(dim=1),
        reaction=lambda x: x[:, 0] ** 2,
        boundary=(
            BoundaryPart("robin", "x-min", alpha=as_field(2.0), flux=as_field(lambda x: x.sum(dim=1))),
            BoundaryPart("robin", "x-max", where=lambda x: x[:, -1] > 0.9, flux=as_field(1.0)),
            BoundaryPart("dirichlet", value=as_field(lambda x: x.sum(dim=1).exp())),
        ),
    )


def convective(box):
    """Like `mixed`, with a variable velocity and mesh Peclet numbers below 1 on the grids above."""
    return replace(mixed(box), convection=lambda x: torch.stack([1 - x[:, 0], *x[:, 1:].cos().unbind(dim=1)], dim=1))


def indefinite(box):
    """Constant coefficients that differ between the axes, and at least one negative eigenvalue."""
    a = [1.0, 0.7, 0.5][: box.dimension]
    lowest = sum(a_k * (torch.pi / length) ** 2 for a_k, length in zip(a, box.lengths, strict=True))
    matrix = [[a_k if i == k else 0 for i in range(len(a))] for k, a_k in enumerate(a)]
    return replace(dirichlet(box), diffusion=matrix if len(a) > 1 else 1, reaction=-1.5 * lowest)


def neumann(box):
    """Fluxes on the whole boundary: the solution has mean zero."""
    outward = -sum(length**2 for length in box.lengths) / 3 / sum(2 / length for length in box.lengths)
    middle = torch.tensor(box.lower, dtype=torch.float64)
    return Problem(
        domain=box,
        source=lambda x: ((x - middle.to(x)) ** 2).sum(dim=1),
        boundary=(BoundaryPart("robin", flux=as_field(outward)),),
    )


def run(iteration, steps):
    state = iteration.init()
    for _ in range(steps):
        state = iteration.step(state)
    return state

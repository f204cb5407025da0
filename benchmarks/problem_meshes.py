"""Create the files of the shipped problems with holes, in problems/meshes: ``python benchmarks/problem_meshes.py`` (needs gmsh).

- perforated-1.msh, perforated-2.msh: Liu, Cai, Xu: Multi-scale deep neural network (MscaleDNN) for solving Poisson-Boltzmann
  equation in complex domains (2020), section 6.1.3, first and second domain.
- cube-holes.csv: the same paper, section 6.1.4. Its radii are drawn from U[0, 0.15] and not printed; these are a new sample.
- harmonic-holes.msh, four-discs.msh: Hao and others: PINNacle (2023), arXiv 2306.08827, problems Poisson2d-C and
  Poisson2d-CG.
"""

from itertools import product
from pathlib import Path

import numpy as np

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.meshes.gmsh import write_gmsh

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
DISCS = ((0.5, 0.5), (0.4, -0.4), (-0.2, -0.7), (-0.6, 0.5))
# Domain, mesh width, and number of edges around each hole: 1000 to 2000 triangles, 50 to 130 kB.
MESHES = {
    "perforated-1": (WithHoles(SQUARE, (Ball((-0.5, -0.5), 0.1), Ball((0.5, 0.5), 0.2), Ball((0.5, -0.5), 0.2))), 0.07, 16),
    "perforated-2": (
        WithHoles(
            SQUARE,
            # 16 (x + 1/2)^2 + 64 (y - 1/2)^2 = 1
            (Ball((-0.6, -0.6), 0.3), Ball((0.3, -0.3), 0.6), Ball((0.6, 0.6), 0.3), Ellipse((-0.5, 0.5), (0.25, 0.125))),
        ),
        0.07,
        16,
    ),
    "harmonic-holes": (
        WithHoles(Box((-0.5, -0.5), (0.5, 0.5)), tuple(Ball(at, 0.1) for at in product((-0.3, 0.3), repeat=2))),
        0.07,
        36,  # the solution depends on the size of the holes
    ),
    "four-discs": (
        WithHoles(SQUARE, tuple(Ball(at, r) for at, r in zip(DISCS, (0.2, 0.4, 0.1, 0.3), strict=True))),
        0.1,
        48,  # boundary layers around the discs
    ),
}
TICKS, LARGEST, SEED = (-0.8, -0.4, 0.0, 0.4, 0.8), 0.15, 0


def write_cube_holes(path: Path) -> None:
    """Write the centers and radii of 125 balls."""
    radii = np.random.default_rng(SEED).uniform(0, LARGEST, len(TICKS) ** 3)
    rows = [f"{x},{y},{z},{r:.6f}" for (x, y, z), r in zip(product(TICKS, repeat=3), radii, strict=True)]
    drawn = f"# radii: numpy.random.default_rng({SEED}).uniform(0, {LARGEST}, 125), to six digits"
    path.write_text("\n".join(["x,y,z,radius", drawn, *rows]) + "\n")


if __name__ == "__main__":
    folder = Path(__file__).parent.parent / "problems" / "meshes"
    folder.mkdir(exist_ok=True)
    write_cube_holes(folder / "cube-holes.csv")
    for name, (domain, h, around) in MESHES.items():
        write_gmsh(folder / f"{name}.msh", domain, h, around=around)

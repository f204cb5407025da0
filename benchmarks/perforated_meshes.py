"""Make problems/meshes/perforated-1.msh and perforated-2.msh again: python benchmarks/perforated_meshes.py (needs gmsh).

The square with round holes of Liu, Cai, Xu: Multi-scale deep neural network (MscaleDNN) for solving Poisson-Boltzmann equation in
complex domains (2020), section 6.1.3, first and second domain.
"""

from pathlib import Path

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.gmsh_mesh import write_gmsh
from pdefreq.domains.holes import WithHoles

SQUARE = Box((-1.0, -1.0), (1.0, 1.0))
FIRST = WithHoles(SQUARE, (Ball((-0.5, -0.5), 0.1), Ball((0.5, 0.5), 0.2), Ball((0.5, -0.5), 0.2)))
SECOND = WithHoles(
    SQUARE,
    # 16 (x + 1/2)^2 + 64 (y - 1/2)^2 = 1
    (Ball((-0.6, -0.6), 0.3), Ball((0.3, -0.3), 0.6), Ball((0.6, 0.6), 0.3), Ellipse((-0.5, 0.5), (0.25, 0.125))),
)
H = 0.07  # about 2000 triangles, 130 kB

if __name__ == "__main__":
    folder = Path(__file__).parent.parent / "problems" / "meshes"
    folder.mkdir(exist_ok=True)
    for number, domain in enumerate((FIRST, SECOND), 1):
        write_gmsh(folder / f"perforated-{number}.msh", domain, H)

"""A smooth problem with variable coefficients and all kinds of boundary conditions but periodic ones, in any dimension."""

from pdefreq.problem.files import problem_from_text

_MIXED = """
[domain]
kind = "box"
dimension = {d}
lower = -0.5
upper = 1
[equation]
diffusion = "1 + sum(xk**2)/2"
reaction = "2 + x"
exact = "exp(x/2)*prod(sin(xk + 1))"
[[boundary.part]]
name = "x-max"
kind = "robin"
alpha = "1 + x"
[[boundary.part]]
name = "{last}-min"
kind = "robin"
[[boundary.part]]
kind = "dirichlet"
"""


def mixed_problem(d):
    """The problem on the cube (-0.5, 1)^d."""
    return problem_from_text(_MIXED.format(d=d, last="xyz"[d - 1]))

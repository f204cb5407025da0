import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import ProblemFileError, SingularProblemError
from pdefreq.core.fields import as_field
from pdefreq.domains.box import Box
from pdefreq.iterations.linear.sparse import CondensedSystem
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid

BOXES = [Box((-0.5,), (1.0,)), Box((-0.5,) * 2, (1.0, 0.7)), Box((-0.5,) * 3, (1.0, 0.7, 0.8))]
AXES = "xyz"


def faces(d):
    return [(k, sign, f"{AXES[k]}-{end}") for k in range(d) for sign, end in ((-1, "min"), (1, "max"))]


def solution(x):
    return torch.exp(0.5 * x[:, 0]) * torch.cos(2 * x).prod(dim=1)


def diffusion(x):
    return 1.5 + torch.sin(3 * x).mean(dim=1)


def reaction(x):
    return 2 + x.sum(dim=1).cos()


def velocity(x):
    return torch.stack([1 + x.sum(dim=1), *(k - 3 * x[:, 0] for k in range(1, x.shape[1]))], dim=1)


def source(x, *, convection=False):
    with torch.enable_grad():
        x = x.detach().requires_grad_(True)
        (slope,) = torch.autograd.grad(solution(x).sum(), x, create_graph=True)
        flux = diffusion(x)[:, None] * slope
        terms = [torch.autograd.grad(flux[:, k].sum(), x, create_graph=True)[0][:, k] for k in range(x.shape[1])]
        carried = (velocity(x) * slope).sum(dim=1) if convection else 0.0
        return (reaction(x) * solution(x) - sum(terms) + carried).detach()


def robin(k, sign, name, *, neumann=False):
    """The condition that the solution satisfies on a face."""

    def alpha(x):
        return 0 * x[:, 0] if neumann else 1 + x[:, 0] ** 2

    def flux(x):
        return alpha(x) * solution(x) + sign * diffusion(x) * as_field(solution).gradient(x)[:, k]

    return BoundaryPart("robin", name, alpha=as_field(alpha), flux=as_field(flux))


def mixed(box, kind, *, convection=False):
    """Variable coefficients and several kinds of conditions; the solution is `solution`."""
    every = faces(box.dimension)
    given = BoundaryPart("dirichlet", value=as_field(solution))
    parts = {
        "one Neumann face": [robin(*every[1], neumann=True), given],
        "Robin on all faces": [robin(*face, neumann=face[0] == 1) for face in every],
        "Robin and Dirichlet opposite": [robin(*face) for face in every if face[1] > 0] + [given],
        "two conditions on a face": [
            BoundaryPart("dirichlet", every[-1][2], where=lambda x: x[:, 0] < 0.1, value=as_field(solution)),
            *[robin(*face) for face in every],
        ],
    }
    fields = {"source": lambda x: source(x, convection=True), "convection": velocity} if convection else {"source": source}
    return Problem(domain=box, diffusion=diffusion, reaction=reaction, boundary=tuple(parts[kind]), **fields)


KINDS = ["one Neumann face", "Robin on all faces", "Robin and Dirichlet opposite", "two conditions on a face"]


# asymptotic from about 8 cells per wavelength on
@pytest.mark.parametrize(("box", "coarse"), list(zip(BOXES, (32, 24, 10), strict=True)))
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convection", [False, True])
def test_mixed_conditions_preserve_order_two(box, coarse, kind, convection):
    problem, errors = mixed(box, kind, convection=convection), []
    for n in (coarse, 2 * coarse):
        grid = Grid(box, (n,) * box.dimension)
        u = CondensedSystem(grid.assemble(problem)).solve()
        errors.append(np.abs(u - solution(grid.nodes).numpy()).max())
    assert abs(math.log2(errors[0] / errors[1]) - 2) < 0.1


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("convection", [False, True])
def test_the_matrix_agrees_with_the_stencil(box, kind, convection):
    """Symmetric and positive definite without convection."""
    grid, problem = Grid(box, (5, 4, 6)[: box.dimension]), mixed(box, kind, convection=convection)
    stencil, system = grid.stencil(problem), grid.assemble(problem)
    condensed = CondensedSystem(system)
    matrix = condensed.matrix.toarray()
    assert np.array_equal(matrix, matrix.T) is stencil.symmetric is system.symmetric is not convection
    assert stencil.is_definite is system.definite is not convection
    assert np.linalg.eigvalsh((matrix + matrix.T) / 2).min() > 0
    u = stencil.start.clone()
    stencil.window(u)[stencil.unknown] = torch.rand(int(stencil.unknown.sum()), dtype=torch.float64)
    residual = stencil.residual(u)
    assert not residual[~stencil.unknown].any()
    # entries and their rounding errors grow like a / h^2
    assert np.allclose(
        condensed.residual(u.reshape(-1).numpy()), residual[stencil.unknown], rtol=0, atol=1e-14 * abs(matrix).max()
    )
    assert stencil.unknown.sum() + len(system.fixed) == grid.num_coefficients
    assert len(np.diff(system.matrix.tocsr().indptr).nonzero()[0]) == len(condensed.free)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize("convected", [False, True])
def test_linear_functions_are_exact_solutions_with_their_fluxes(box, convected):
    """For a = 1 differences of linear functions are exact, including those in half cells."""
    slopes = torch.tensor([0.7, -1.2, 0.4])[: box.dimension].double()
    equation = {"convection": velocity, "source": lambda x: velocity(x) @ slopes} if convected else {"source": 0.0}
    parts = [
        BoundaryPart(
            "robin", name, alpha=as_field(2.0), flux=as_field(lambda x, k=k, sign=sign: 2 * (1 + x @ slopes) + sign * slopes[k])
        )
        for k, sign, name in faces(box.dimension)
    ]
    grid = Grid(box, (5, 3, 4)[: box.dimension])
    u = CondensedSystem(grid.assemble(Problem(domain=box, boundary=tuple(parts), **equation))).solve()
    assert np.abs(u - (1 + grid.nodes @ slopes).numpy()).max() < 1e-13


MANUFACTURED = {
    "convection-diffusion": (2, {"convection": ["1", "2"]}),
    "little diffusion": (2, {"convection": ["1", "2"], "diffusion": 1e-2}),
    "variable velocity": (2, {"convection": ["1 + x*y", "sin(3*x) - y"], "diffusion": "1 + x", "reaction": "-y"}),
    "Helmholtz": (1, {"reaction": -400}),
    "Helmholtz in the plane": (2, {"reaction": -50, "diffusion": 2}),
    "diagonal matrix": (2, {"diffusion": [["1", "0"], ["0", "100"]]}),
    "all at once": (3, {"diffusion": [["1", 0, 0], [0, "1 + y", 0], [0, 0, "2"]], "convection": [3, "x", 0], "reaction": "-x"}),
}


@pytest.mark.parametrize("name", MANUFACTURED)
def test_every_equation_is_solved_at_order_two(name):
    d, fields = MANUFACTURED[name]
    exact = ("sin(3*x) + x**2", "sin(pi*x)*exp(y)*cos(2*y)", "sin(pi*x)*exp(y)*cos(2*z)")[d - 1]
    problem, errors = Problem(domain=Box((0.0,) * d, (1.0,) * d), exact=exact, **fields), []
    for n in {1: (64, 128), 2: (80, 160), 3: (10, 20)}[d]:
        grid = Grid(problem.domain, (n,) * d)
        u = CondensedSystem(grid.assemble(problem)).solve()
        errors.append(np.abs(u - problem.exact(grid.nodes).numpy()).max())
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_the_nearest_monotone_equations_are_upwind_without_negative_reactions():
    """Mesh Peclet numbers 10 and 1/2: weights b / h and 0 for the first; no change for the second."""
    box, n = Box((0.0,), (1.0,)), 10
    stencil = Grid(box, (n,)).stencil(Problem(domain=box, source=1.0, boundary=0.0, diffusion=0.01, convection=2, reaction=-7))
    assert not stencil.is_monotone
    found = stencil.monotone()
    assert [float(weight) for weight in found.weights] == pytest.approx([2 * n, 0])
    assert float(found.diagonal) == pytest.approx(2 * n) and found.is_monotone
    calm = Grid(box, (n,)).stencil(Problem(domain=box, source=1.0, boundary=0.0, diffusion=0.2, convection=2, reaction=7))
    assert calm.is_monotone and [float(w) for w in calm.monotone().weights] == [float(w) for w in calm.weights]


def test_convection_through_a_boundary_without_values_needs_a_reaction():
    box, fluxes = Box((0.0,), (1.0,)), (BoundaryPart("robin"),)
    with pytest.raises(SingularProblemError, match="convection through it and no reaction"):
        Grid(box, (8,)).stencil(Problem(domain=box, source="cos(pi*x)", convection=1, boundary=fluxes))
    Grid(box, (8,)).stencil(Problem(domain=box, source="cos(pi*x)", convection=1, reaction=1, boundary=fluxes))


def test_corners_belong_to_a_dirichlet_face_and_to_its_first_part():
    box = BOXES[1]
    parts = (
        BoundaryPart("robin", "x-min"),
        BoundaryPart("dirichlet", "x-max", value=as_field(5.0)),
        BoundaryPart("dirichlet", "y-max", value=as_field(3.0)),
        BoundaryPart("robin"),
    )
    stencil = Grid(box, (4, 3)).stencil(Problem(domain=box, source=1.0, boundary=parts))
    assert stencil.start[0, -1] == 3  # Robin and Dirichlet
    assert stencil.start[-1, -1] == 5  # two Dirichlet parts
    assert stencil.start[-1, 0] == 5
    assert stencil.start[0, 0] == 0
    assert (stencil.origin, tuple(stencil.load.shape)) == ((0, 0), (4, 3))
    assert bool(stencil.unknown.all())


def test_constant_weights_are_stored_as_scalars():
    box = BOXES[2]
    grid = Grid(box, (4, 4, 4))
    stencil = grid.stencil(Problem(domain=box, source=1.0, diffusion=2.0, reaction=1.0, boundary=0.0))
    assert stencil.is_constant
    assert all(weight.ndim == 0 for weight in stencil.weights)
    parts = (BoundaryPart("robin", "x-min"), BoundaryPart("dirichlet"))
    flat = grid.stencil(Problem(domain=box, source=1.0, boundary=parts))
    assert not flat.is_constant
    assert {tuple(weight.shape) for weight in flat.weights} == {(4, 1, 1)}


def test_windows_are_views_shifted_along_each_axis():
    box = BOXES[1]
    stencil = Grid(box, (3, 4)).stencil(Problem(domain=box, source=1.0, boundary=0.0))
    u = stencil.padded(torch.arange(20.0))
    assert stencil.window(u).tolist() == [[6, 7, 8], [11, 12, 13]]
    below, above, left, right = stencil.neighbors(u)
    assert below[0].tolist() == [1, 2, 3]
    assert above[1].tolist() == [16, 17, 18]
    assert left.tolist() == [[5, 6, 7], [10, 11, 12]]
    assert right.tolist() == [[7, 8, 9], [12, 13, 14]]
    assert stencil.window(u, first=(1, 0), step=2).tolist() == [[11, 13]]
    assert all(v.untyped_storage().data_ptr() == u.untyped_storage().data_ptr() for v in (below, above, left, right))


@pytest.mark.parametrize("d", [1, 2])
def test_pure_neumann_data_must_satisfy_the_compatibility_condition(d):
    """The integral of f = sum of x^2 is d/3; outward fluxes of -1/6 on each of the 2 d faces of the unit cube compensate it."""
    box = Box((0.0,) * d, (1.0,) * d)

    def problem(flux):
        return Problem(domain=box, source=lambda x: (x**2).sum(dim=1), boundary=(BoundaryPart("robin", flux=as_field(flux)),))

    stencil = Grid(box, (8,) * d).stencil(problem(-1 / 6))
    assert stencil.mean is not None
    assert abs(float(stencil.load.sum())) < 1e-12  # the difference equations are compatible, too, up to rounding
    with pytest.raises(ProblemFileError, match=r"add up to zero, got \d.*: change one of them, or prescribe a value"):
        Grid(box, (8,) * d).stencil(problem(-1 / 6 + 1e-7))


def test_a_negative_coefficient_is_refused_with_its_point():
    box = BOXES[0]
    with pytest.raises(ProblemFileError, match=r"diffusion must be finite and at least 0, got -0.3125 at \(-0.3125\)"):
        Grid(box, (4,)).stencil(Problem(domain=box, source=1.0, diffusion=lambda x: x[:, 0], boundary=0.0))
    parts = (BoundaryPart("robin", alpha=as_field(lambda x: x[:, 0])),)
    with pytest.raises(ProblemFileError, match=r"alpha must be finite and at least 0, got -0.5 at \(-0.5\)"):
        Grid(box, (4,)).stencil(Problem(domain=box, source=1.0, boundary=parts))
    with pytest.raises(ProblemFileError, match="no part covers the boundary point"):
        Grid(box, (4,)).stencil(Problem(domain=box, source=1.0, boundary=(BoundaryPart("dirichlet", "x-min"),)))

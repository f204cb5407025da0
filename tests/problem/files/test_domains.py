import math
import shutil
from pathlib import Path

import pytest
import torch

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.meshes.meshing import mesh_of
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring
from pdefreq.problem.files import load_problem, problem_from_text
from pdefreq.runs.lifecycle import rerun, resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver

MESHES = Path(__file__).parents[3] / "problems" / "meshes"
REST = '\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n'
SQUARE = 'kind = "box"\ndimension = 2\nlower = -1\nupper = 1\n'


def stated(domain, rest=REST, **parameters):
    return problem_from_text(f"[parameters]\nr = 2\n[domain]\n{domain}{rest}", parameters=parameters, locate=MESHES.joinpath)


@pytest.mark.parametrize(
    ("text", "domain", "title"),
    [
        (SQUARE, Box((-1.0, -1.0), (1.0, 1.0)), "square (-1, 1)^2"),
        ('kind = "ball"\nradius = "r/2"', Ball((0.0, 0.0), 1.0), "disk of radius 1"),
        ('kind = "ball"\ndimension = 3\nmidpoint = "dimension"\nradius = 1', Ball((3.0,) * 3, 1.0), "ball of radius 1"),
        ('kind = "ring"\ninner = 1\nouter = "1 + r"', Ring((0.0, 0.0), 1.0, 3.0), "ring between the radii 1 and 3"),
        (
            'kind = "ellipse"\nmidpoint = [1, 0]\nhalf_axes = ["r", 1]',
            Ellipse((1.0, 0.0), (2.0, 1.0)),
            "ellipse with half axes 2 and 1",
        ),
        (
            SQUARE + 'holes = [{kind = "box", lower = [0, 0], upper = 0.5}, {kind = "ball", midpoint = -0.5, radius = "r/10"}]',
            WithHoles(Box((-1.0, -1.0), (1.0, 1.0)), (Box((0.0, 0.0), (0.5, 0.5)), Ball((-0.5, -0.5), 0.2))),
            "square (-1, 1)^2 with 2 holes",
        ),
    ],
)
def test_domains_are_read(text, domain, title):
    assert stated(text).domain == domain and domain.title == title


def test_sizes_may_depend_on_parameters():
    assert stated('kind = "ball"\nradius = "r/2"', r=6).domain == Ball((0.0, 0.0), 3.0)
    assert stated('kind = "ball"\nradius = 1', dimension=5).domain == Ball((0.0,) * 5, 1.0)
    assert stated('kind = "ball"\nradius = "1/dimension"', dimension=4).domain == Ball((0.0,) * 4, 0.25)
    corners = 'kind = "polygon"\npoints = [[0, 0], ["r", 0], [0, "sqrt(dimension)"]]'
    assert stated(corners, r=3).domain == Polygon([(0, 0), (3, 0), (0, math.sqrt(2))])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('kind = "bal"\nradius = 1', r"\[domain\] kind must be .*: did you mean 'ball'"),
        (SQUARE + "radius = 1", r'radius belongs to kind = "ball", but this domain is a box'),
        ('kind = "ball"\nradius = 0', r"\[domain\] radius must be a number above 0"),
        ('kind = "ball"', r"\[domain\] radius must be"),
        ('kind = "ring"\ninner = 3\nouter = 1', "inner < outer"),
        ('kind = "ring"\nmidpoint = [0]\ninner = 1\nouter = 2', "midpoint"),
        (SQUARE + 'holes = [{kind = "ball", midpoint = [0.9, 0], radius = 0.2}]', r"hole-1 .* leaves the domain"),
        (SQUARE + 'holes = [{kind = "ring", radius = 0.2}]', r"\[domain.holes\] kind must be box or ball or ellipse or polygon"),
        (SQUARE + 'holes = [{kind = "ball", radus = 0.2}]', "did you mean 'radius'"),
        (SQUARE + 'holes = [{kind = "ball", upper = 0.2}]', r'upper belongs to kind = "box", but this hole is a ball'),
        (SQUARE + "holes = 3", r"\[domain\] holes must be a list"),
        (SQUARE + 'holes = "none.csv"', "can't read the holes in .*none.csv"),
        (SQUARE + 'mesh = "perforated-1.msh"', "mesh belongs to a domain with holes"),
        ('kind = "mesh"', r"\[domain\] file must be the name of a file"),
        ('kind = "mesh"\nfile = "gear.msh"', "there is no mesh file .*gear.msh"),
        ('kind = "mesh"\nfile = "l-shape.msh"\nholes = "a.csv"', "holes belongs to other kinds"),
        (SQUARE + 'mesh = "perforated-1.msh"\nholes = [{kind = "ball", radius = 0.1}]', "must name its boundaries"),
        (
            SQUARE + 'mesh = "perforated-1.msh"\nholes = [{kind = "ball", radius = 0.1, midpoint = [-0.5, -0.5]}, '
            '{kind = "ball", radius = 0.1, midpoint = [0.5, 0.5]}, {kind = "ball", radius = 0.2, midpoint = [0.5, -0.5]}]',
            r"does not fit .* is not on the boundary, but on its 'hole-2'",
        ),
    ],
)
def test_invalid_domains_are_refused_in_one_sentence(text, hint):
    with pytest.raises(ProblemFileError, match=hint) as refusal:
        stated(text)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 400


def test_unknown_boundary_names_are_refused_with_the_nearest_name():
    rest = '\n[equation]\nsource = "1"\n[[boundary.part]]\nname = "corners"\n'
    with pytest.raises(ProblemFileError, match="has no boundary 'corners': did you mean 'corner'"):
        stated('kind = "mesh"\nfile = "l-shape.msh"', rest)


def test_holes_may_be_listed_in_a_file(tmp_path):
    (tmp_path / "holes.csv").write_text("x,y,r\n0,0,0.25\n0.5,0.5,0.125\n")
    text = f'[domain]\n{SQUARE}holes = "holes.csv"{REST}'
    problem = problem_from_text(text, locate=tmp_path.joinpath)
    assert problem.domain.holes == (Ball((0.0, 0.0), 0.25), Ball((0.5, 0.5), 0.125))
    assert problem.files == {"holes.csv": tmp_path / "holes.csv"}


@pytest.mark.parametrize("variant", ["perforated", "perforated:2"])
def test_refined_meshes_of_a_domain_with_holes_have_vertices_on_the_circles(variant):
    """The difference between the areas of a mesh and its domain decreases like h^2, by a factor of 4 per refinement."""
    domain = load_problem(variant).domain
    gaps = [abs(mesh_area(mesh_of(domain, h)) - domain.measure) for h in (0.2, 0.02)]
    coarse = domain.triangulation.mesh.param()
    levels = math.ceil(math.log2(coarse / 0.02))
    assert gaps[1] < gaps[0] / 3.5**levels


def mesh_area(mesh):
    corners = torch.from_numpy(mesh.p.T[mesh.t.T])
    return float(torch.linalg.det(corners[:, 1:] - corners[:, :1]).abs().sum()) / 2


@pytest.mark.parametrize(
    "domain",
    [
        'kind = "ball"\nradius = 2',
        'kind = "ring"\ninner = 1\nouter = 2',
        'kind = "ellipse"\nhalf_axes = [2, 1]',
        'kind = "mesh"\nfile = "perforated-1.msh"',
        SQUARE + 'holes = [{kind = "ellipse", half_axes = [0.5, 0.25]}]',
    ],
)
def test_robin_data_of_an_exact_solution_on_curved_boundaries(domain):
    """u = exp(x + 2 y) with a = 1 + x^2 and alpha = y^2; also on the straight sides of a mesh."""
    names = ["x-min", "x-max"] if "mesh" in domain else stated(domain).domain.part_names
    parts = "".join(f'[[boundary.part]]\nname = "{n}"\nkind = "robin"\nalpha = "y^2"\n' for n in names)
    rest = "[[boundary.part]]\n" if "mesh" in domain else ""
    problem = stated(domain, f'\n[equation]\ndiffusion = "1 + x^2"\nexact = "exp(x + 2*y)"\n{parts}{rest}')
    edge = problem.domain.boundary(400)
    governed, (x, y) = problem.part_of(edge), edge.x.T
    u = torch.exp(x + 2 * y)
    flux = (1 + x**2) * u * (edge.normals @ torch.tensor([1.0, 2.0], dtype=torch.float64)) + y**2 * u
    for i, part in enumerate(problem.boundary):
        if part.kind == "robin":  # rounding of formulas of the same size
            torch.testing.assert_close(part.flux(edge.x[governed == i]), flux[governed == i], rtol=1e-12, atol=1e-12)


def test_a_flux_that_does_not_follow_from_a_formula_must_be_given():
    rest = '\n[equation]\nexact = "x"\n[[boundary.part]]\nname = "outer"\nkind = "robin"\n[[boundary.part]]\n'
    with pytest.raises(ProblemFileError, match="flux is missing for 'outer', which is not smooth"):
        stated('kind = "mesh"\nfile = "l-shape.msh"', rest)


def test_point_sets_omit_singular_points():
    problem = load_problem("l-shape")
    assert problem.singular == ((0.0, 0.0),)
    corner = torch.tensor([[0.0, 0.0], [0.0, 1e-9]], dtype=torch.float64)
    samples = problem.domain.boundary(4)
    kept = problem.regular(type(samples)(corner, corner[:, 0]))
    assert torch.equal(kept.x, corner[1:]) and len(kept.weights) == 1 and kept.normals is None


def test_the_corner_singularity_and_the_bessel_function_solve_their_equations():
    for name, h in (("l-shape", 1e-4), ("ring", 1e-4)):
        problem = load_problem(name)
        x = problem.domain.quadrature(400).x
        steps = h * torch.eye(2, dtype=torch.float64)
        u = problem.exact
        laplacian = sum(u(x + s) + u(x - s) - 2 * u(x) for s in steps) / h**2
        away = x.norm(dim=1) > 0.2
        # differences: 1e-16 / h^2, and h^2 / 12 times fourth derivatives (mu^4 = 625 on the ring, a third of 0.2^(2/3 - 4) at the
        # corner)
        torch.testing.assert_close(-laplacian[away], problem.source(x)[away], rtol=0, atol=2e-6)


@pytest.mark.parametrize("method", ["fem", pytest.param("deep-ritz", marks=pytest.mark.slow)])
def test_a_run_folder_contains_the_files_of_its_problem(method, tmp_path):
    """The original problem file and its mesh may change or be deleted."""
    home = tmp_path / "home" / "meshes"
    home.mkdir(parents=True)
    shutil.copy(MESHES / "l-shape.msh", home)
    shutil.copy(MESHES.parent / "l-shape.toml", home.parent)
    options = {} if method == "fem" else {"widths": [5], "number": 400}
    solver = make_solver(method, options)
    problem = load_problem(str(home.parent / "l-shape.toml"))
    first = solve(problem, solver, stop=Stop(steps=2), folder=tmp_path / "run", method=method)
    shutil.rmtree(home.parent)
    again = rerun(tmp_path / "run", tmp_path / "again")
    assert torch.equal(again.state.coefficients, first.state.coefficients)
    assert torch.equal(resume(tmp_path / "again").state.coefficients, first.state.coefficients)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_number_of_holes_is_not_the_dimension(number):
    """The list of holes is no point, whose length would be the dimension."""
    holes = ", ".join(f'{{kind = "ball", midpoint = [0, {0.5 * k - 0.5}], radius = 0.1}}' for k in range(number))
    domain = stated(f'kind = "ball"\nradius = 1\nholes = [{holes}]').domain
    assert domain.dimension == 2
    assert domain.measure == pytest.approx(math.pi * (1 - 0.01 * number), rel=1e-12)

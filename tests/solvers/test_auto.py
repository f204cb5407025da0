"""`auto` chooses a method that can solve the problem, and its reasons are facts about the problem."""

import math
import tomllib

import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.expressions import Scope, parse_field
from pdefreq.problem.files import load_problem, problem_directories, problem_names
from pdefreq.problem.problem import Problem
from pdefreq.runs.lifecycle import load_run, rerun
from pdefreq.runs.solve import solve
from pdefreq.solvers.fem import Fem
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.smoothness import layers, roughness
from pdefreq.solvers.spectral import Sine
from pdefreq.studies.refine import refine

SHIPPED = sorted(
    name if variant is None else f"{name}:{variant}"
    for name, _ in problem_names()
    for path in [next(d / f"{name}.toml" for d in problem_directories() if (d / f"{name}.toml").is_file())]
    for variant in (None, *tomllib.loads(path.read_text()).get("variant", {}))
)
AUTO = make_solver("auto")
SQUARE, CUBE = Box((0.0, 0.0), (1.0, 1.0)), Box((0.0,) * 3, (1.0,) * 3)

DISK, RING = Ball((0.0, 0.0), 1.0), Ring((0.0, 0.0), 0.5, 1.0)


def on_the_right(x):
    return x[:, 0] + x[:, 1] > 0.3


def with_parts(domain, *parts):
    return Problem(domain=domain, source="x*y", boundary=[*parts])


def chosen(problem):
    return AUTO.choice(problem.blind())


@pytest.mark.parametrize("name", SHIPPED)
def test_auto_chooses_a_method_whose_needs_the_problem_meets(name):
    problem = load_problem(name)
    choice = chosen(problem)
    assert problem.blind().lacks(choice.solver.needs) is None
    first, *others = choice.reasons
    assert first.startswith("auto chose ") and all(" was not chosen: " in other for other in others)
    for other in others:  # each of these could be used instead
        assert problem.blind().lacks(make_solver(other.partition(" ")[0]).needs) is None
        assert choice.solver.name != other.partition(" ")[0]


# --- Smoothness -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("problem", "clause"),
    [
        (Problem(domain=SQUARE, source="1", boundary="0"), "does not fit the boundary values at (0, 0)"),
        (Problem(domain=CUBE, source="x", boundary="0"), "r^2 log r"),
        (Problem(domain=CUBE, source="x*(1 - x)*y*(1 - y)*z*(1 - z)", boundary="0"), ""),
        (Problem(domain=SQUARE, source="x*y*(1 - x)*(1 - y)", boundary="0"), ""),
        (Problem(domain=SQUARE, exact="exp(x)*sin(3*y)", reaction="2", convection=["1", "x"]), ""),
        (Problem(domain=SQUARE, source="0", boundary="x*y", reaction="1"), "(1, 1)"),  # c u = 1 there, and f = 0
        (Problem(domain=SQUARE, source="0", boundary="x**2 - y**2"), ""),
        (Problem(domain=SQUARE, source="where(x < 0.5, 1, 2)*x*y*(1 - x)*(1 - y)", boundary="0"), "the source"),
        (Problem(domain=SQUARE, source="abs(x + 1)*x*y*(1 - x)*(1 - y)", boundary="0"), ""),  # the kink is outside
        (Problem(domain=SQUARE, source="0", diffusion="where(x < 0.3, 1, 2)", boundary="x"), "coefficient of the diffusion term"),
        (Problem(domain=SQUARE, source="0", boundary="abs(y - 0.3)"), "boundary values have a kink"),
        (Problem(domain=SQUARE, exact="x + 2*y", exponent=3), "p = 3"),
        (Problem(domain=Polygon(((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2))), source="0", boundary="x"), "(1, 1)"),
        (Problem(domain=Polygon(((0, 0), (1, 0), (0, 1))), source="0", boundary="x"), ""),
        (Problem(domain=Polygon(((0, 0), (1, 0), (0, 1))), source="1", boundary="0"), "(0, 0)"),
        (with_parts(SQUARE, BoundaryPart("robin", "x-min", on_the_right), BoundaryPart("dirichlet")), "inside the side `x-min`"),
        (
            with_parts(DISK, BoundaryPart("robin", None, on_the_right, flux=1), BoundaryPart("robin", alpha=2)),
            "inside the side `outer`",
        ),
        (
            with_parts(
                RING,
                BoundaryPart("robin", "outer", alpha=2),
                BoundaryPart("dirichlet", None, on_the_right),
                BoundaryPart("robin"),
            ),
            "`inner`",
        ),
        (with_parts(RING, BoundaryPart("robin", "outer", alpha=2), BoundaryPart("dirichlet")), ""),
        (with_parts(DISK, BoundaryPart("dirichlet", where=lambda x: x[:, 0] > 0), BoundaryPart("dirichlet")), ""),  # equal values
        (with_parts(DISK, BoundaryPart("robin", alpha=1, flux=parse_field("abs(x)", Scope(2), "flux"))), "the flux"),
        (
            with_parts(DISK, BoundaryPart("robin", alpha=1, flux=parse_field("abs(x - 2)", Scope(2), "flux"))),
            "",
        ),  # the kink is outside
        (
            with_parts(
                RING,
                BoundaryPart("robin", "outer", alpha=1, flux=parse_field("abs(x^2 + y^2 - 0.6)", Scope(2), "flux")),
                BoundaryPart("dirichlet"),
            ),
            "",
        ),  # the kink is between the two circles
        (
            Problem(
                domain=Box(0, 1),
                source="x",
                boundary=[
                    BoundaryPart("robin", "x-max", flux=parse_field("abs(x - 0.5)", Scope(1), "flux")),
                    BoundaryPart("dirichlet"),
                ],
            ),
            "",
        ),  # a flux at a point is a number
    ],
)
def test_roughness_names_the_place_that_limits_the_solution(problem, clause):
    found = roughness(problem.blind())
    assert clause in found and bool(found) == bool(clause)


def test_the_angle_of_a_corner_gives_the_exponent_of_its_singular_function():
    """r^(pi/w) sin(pi theta / w) is harmonic and zero on both sides of a corner with the angle w."""
    for w in (0.7 * math.pi, 0.999 * math.pi, 1.5 * math.pi, 1.9 * math.pi):
        ends = [(1.0, 0.0), (2 * math.cos(w / 2), 2 * math.sin(w / 2)), (math.cos(w), math.sin(w))]
        arc = [(3 * math.cos(w * t), 3 * math.sin(w * t)) for t in (0.3, 0.5, 0.7)]
        domain = Polygon(((0.0, 0.0), ends[0], *arc, ends[2]))
        problem = Problem(domain=domain, source="0", boundary="0")
        assert f"(0, 0) has the angle {w / math.pi:.3g} pi, so that u behaves like r^{math.pi / w:.3g}" in roughness(problem)


@pytest.mark.parametrize("source", ["1", "x*y*(1 - x)*(1 - y)"])
def test_solutions_that_are_called_smooth_converge_faster_by_sine_series(source):
    """With a source that fits the corners but not the sides, the coefficients decrease as n^-3 across a side, otherwise as n^-2."""
    problem = Problem(domain=SQUARE, source=source, boundary="0")
    choice = chosen(problem)
    assert isinstance(choice.solver, Sine)
    assert ("r^2 log r" in choice.reasons[0]) == (source == "1")


@pytest.mark.parametrize("d", [1, 2])
def test_layers_that_are_too_thin_for_waves_are_left_to_refined_elements(d):
    """The layer of -a u'' + u' = 1 at the outflow has the width a."""
    box = Box((0.0,) * d, (1.0,) * d)
    options = {"source": "1" if d == 1 else "x*y*(1 - x)*(1 - y)", "boundary": "0", "convection": ["1", "0"][:d]}
    thin, thick = (Problem(domain=box, diffusion=a, **options) for a in (1e-4, 0.5))
    assert "boundary layers of the width 0.0001" in roughness(thin.blind()) and not roughness(thick.blind())
    choice = chosen(thin)
    assert isinstance(choice.solver, Fem) and "refinement=adaptive" in choice.reasons[0]
    assert chosen(thick).solver.name == "random-features"


@pytest.mark.parametrize("d", [1, 2])
def test_layers_of_a_reaction_are_left_to_refined_elements(d):
    """The layers of -a lap u + u = 1 at all sides have the width a^(1/2)."""
    box = Box((0.0,) * d, (1.0,) * d)
    thin, thick = (Problem(domain=box, diffusion=a, reaction=1, source="1", boundary="0") for a in (1e-8, 1.0))
    assert "boundary layers of the width 0.0001" in layers(thin.blind()) and not layers(thick.blind())
    choice = chosen(thin)
    assert isinstance(choice.solver, Fem) and "refinement=adaptive" in choice.reasons[0]


def test_a_reaction_layer_is_resolved_by_the_chosen_method():
    problem = Problem(domain=Box((0.0,), (1.0,)), source="1", boundary="0", diffusion=1e-8, reaction=1)
    x = torch.linspace(0, 1, 20001, dtype=torch.float64)[:, None]
    exact = 1 - torch.exp(-x[:, 0] * 1e4) - torch.exp((x[:, 0] - 1) * 1e4)  # up to exp(-1e4)
    found = solve(problem, "auto", predict=False, reference=0.0)(x)
    assert float((found - exact).norm() / exact.norm()) < 1e-4


@pytest.mark.parametrize("a", [1e-4, 1e-3, 3e-3])
def test_a_thin_layer_is_resolved_by_the_chosen_method(a):
    """With a = 1e-3, waves were chosen, whose error was 0.83."""
    problem = Problem(domain=Box((0.0,), (1.0,)), source="1", boundary="0", diffusion=a, convection=["1"])
    x = torch.linspace(0, 1, 2001, dtype=torch.float64)[:, None]
    exact = x[:, 0] - torch.exp((x[:, 0] - 1) / a)
    found = solve(problem, "auto", predict=False)(x)
    assert float((found - exact).norm() / exact.norm()) < 1e-3  # random features end with an error of 0.9


# --- The choice in runs -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_transform_has_two_modes_for_each_half_wave():
    fine = Problem(domain=SQUARE, exact="sin(150*pi*x)*sin(2*pi*y)")
    solver = chosen(fine).solver
    assert isinstance(solver, Sine) and solver.intervals is not None and solver.intervals >= 300
    assert solve(fine, solver, predict=False).error() < 1e-10  # rounding of the arguments; an aliased mode has error 1
    assert chosen(Problem(domain=SQUARE, exact="sin(2*pi*x)*sin(2*pi*y)")).solver == Sine()


def test_a_run_records_what_was_asked_and_what_was_chosen(tmp_path):
    solution = solve("poisson-6pi", "auto", folder=tmp_path / "run", predict=False, stop=Stop(steps=1))
    assert solution.spec.method == "auto" and solution.spec.solver == {"name": "sine", "intervals": None}
    reasons = chosen(load_problem("poisson-6pi")).reasons
    assert solution.spec.reasons == reasons and solution.notes[: len(reasons)] == reasons
    again = load_run(tmp_path / "run")
    assert again.spec == solution.spec
    repeated = rerun(tmp_path / "run", tmp_path / "again")
    assert torch.equal(repeated.state.coefficients, solution.state.coefficients) and repeated.spec.reasons == reasons
    plain = solve("poisson-6pi", "sine", predict=False)
    assert plain.spec.reasons == () and torch.equal(plain.state.coefficients, solution.state.coefficients)


def test_chains_refinements_and_prepared_methods_use_the_chosen_method():
    problem = load_problem("poisson-6pi")
    chain = solve(problem, "auto+jacobi:steps=3", predict=False)
    assert chain.spec.solver is not None and chain.spec.solver["first"]["name"] == "sine"
    assert chain.spec.reasons[0].startswith("auto chose sine")
    assert refine(problem, "auto", levels=2).levels[-1].unknowns > 0
    prepared = AUTO.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
    assert type(prepared) is type(Sine().prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64))
    assert isinstance(chosen(load_problem("multiscale-2d")).solver, Fem)


def test_a_problem_without_a_method_is_refused():
    """A time-like equation, in four dimensions and with periodic sides and a jump, meets the needs of no method."""
    problem = Problem(
        domain=Box((0.0,) * 4, (1.0,) * 4), source="0", boundary="0", convection=["1"] * 4, diffusion="where(x1 < 0.5, 1, 2)"
    )
    with pytest.raises(IncompatibleError, match="no method of pdefreq can solve"):
        AUTO.choice(problem)

"""The treatment of boundary conditions that is chosen for a problem, and built-in values beside conditions on fluxes."""

from typing import Any

import pytest
import torch

from pdefreq import Problem, Stop, load_problem, resume, solve
from pdefreq.core.announcements import listening
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.domain import Domain
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.polygon import Polygon
from pdefreq.domains.ring import Ring
from pdefreq.parts.boundary import Hard, Penalty
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.runs.run_folder import RunFolder
from pdefreq.runs.spec import solver_from_json
from pdefreq.solvers.names import make_solver

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
DISK = WithHoles(Ball((0.0, 0.0), 1.0), (Ball((0.3, 0.0), 0.2),))
L_SHAPE = Polygon(((0, 0), (2, 0), (2, 1), (1, 1), (1, 3), (0, 3)))
FLUX = BoundaryPart("robin")
METHODS = ["deep-ritz", "mscale", "pinn", "pinn-gradient", "network"]


def values(name: str | None = None, value: Any = 0.0, where: Any = None) -> BoundaryPart:
    return BoundaryPart("dirichlet", name=name, value=value, where=where)


def problem(*parts: BoundaryPart, domain: Domain = SQUARE, **fields: Any) -> Problem:
    return Problem(domain=domain, source=1.0, boundary=parts, **fields)


def lower_half(x):
    return x[:, 1] < 0.5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "parts",
    [
        (values(),),
        (values("x-min", 0.0), values("x-max", 1.0), FLUX),
        (values("x-min", 0.0), FLUX),
        (FLUX,),
    ],
    ids=["one", "two", "mixed", "fluxes"],
)
def test_values_on_whole_sides_are_built_in(method, parts):
    solver = make_solver(method).resolved(problem(*parts, reaction=1), Stop())
    assert solver.boundary == Hard(points=400 if FLUX in parts else None)
    assert solver.choices == ("boundary=auto chose boundary=hard, since the boundary values can be built into this network.",)


@pytest.mark.parametrize(
    ("method", "subject", "reason"),
    [
        ("deep-ritz", problem(values(where=lower_half), FLUX), "values and fluxes are prescribed on one side"),
        ("deep-ritz", problem(values("x-min", 1.0), values()), "the boundary values jump"),
        ("deep-ritz", problem(values("edge-1"), FLUX, domain=L_SHAPE), "vanishes on some parts of the boundary of the polygon"),
        ("pinn", problem(values(value=lambda x: x[:, 0]), domain=L_SHAPE), "have 1 derivatives, and the loss takes 2"),
        ("pinn-gradient", load_problem("perforated"), "have 2 derivatives, and the loss takes 3"),
        ("pinn", problem(values("hole-1"), FLUX, domain=DISK), "on holes alone are less accurate"),
        ("gauss-newton", load_problem("poisson"), "would multiply the waves of the network"),
    ],
)
def test_otherwise_a_penalty_is_chosen_for_a_reason(method, subject, reason):
    solver = make_solver(method).resolved(subject.blind(), Stop())
    assert isinstance(solver.boundary, Penalty)
    (told,) = solver.choices
    assert told.startswith(f"boundary=auto chose boundary=penalty with beta={solver.boundary.beta:g}, since ")
    assert reason in told


@pytest.mark.parametrize("subject", [load_problem("circle"), load_problem("tones")], ids=["periodic", "fit"])
def test_nothing_is_told_without_a_boundary(subject):
    method = "regression" if subject.is_regression else "pinn"
    assert make_solver(method).resolved(subject, Stop()).choices == ()


@pytest.mark.parametrize(
    ("domain", "beta"),
    [
        (Box((0.0, 0.0), (2.0, 2.0)), 500),
        (Box((0.0, 0.0), (200.0, 200.0)), 500),  # lengths are in units of the domain
        (WithHoles(Box((-1.0, -1.0), (1.0, 1.0)), (Ball((0.4, 0.0), 0.5),)), 5000),  # the gap is 0.1, half the side is 1
        (WithHoles(Box((-9.0, -9.0), (9.0, 9.0)), (Ball((3.6, 0.0), 4.5),)), 5000),
        (Ring((0.0, 0.0), 3.0, 4.0), 2000),
    ],
)
def test_the_penalty_parameter_follows_the_smallest_gap(domain, beta):
    split = problem(values(where=lower_half), FLUX, domain=domain)
    assert make_solver("deep-ritz").resolved(split, Stop()).boundary.beta == pytest.approx(beta, rel=0.01)


def test_the_choice_is_printed_once_and_stored_with_the_run(tmp_path):
    told = []
    with listening(lambda _: None, told.append):
        solution = solve("poisson", "deep-ritz:widths=[6]", steps=2, folder=tmp_path / "run", predict=False)
    choice = "boundary=auto chose boundary=hard, since the boundary values can be built into this network."
    assert told.count(choice) == 1
    assert solution.notes.count(choice) == 1
    spec = RunFolder(tmp_path / "run").read_spec()
    assert spec.reasons == (choice,)
    assert solver_from_json(spec.solver).boundary == Hard()


def test_a_resumed_run_keeps_the_choice(tmp_path):
    method = "pinn:widths=[6],number=20,boundary.points=40"
    subject = load_problem("robin")
    whole = solve(subject, method, steps=6, predict=False, probes=[])
    solve(subject, method, steps=3, predict=False, probes=[], folder=tmp_path / "run")
    again = resume(tmp_path / "run", stop=Stop(steps=6))
    assert torch.equal(again.state.coefficients, whole.state.coefficients)
    assert solver_from_json(again.spec.solver).boundary == Hard(points=40)
    assert sum("boundary=auto chose" in note for note in again.notes) == 1


def test_fluxes_are_terms_of_the_objective_beside_built_in_values():
    residual = solve("robin", "pinn:widths=[6],number=20", steps=1, predict=False, probes=[]).history
    assert {name for name in residual.names if name.startswith("objective.")} == {"objective.residual", "objective.robin"}
    energy = solve("robin", "deep-ritz:widths=[6],number=20", steps=1, predict=False, probes=[]).history
    assert {name for name in energy.names if name.startswith("objective.")} == {"objective.energy"}


@pytest.mark.parametrize(
    ("loss", "domain", "parts"),
    [
        ("residual", Box((0.0,), (1.0,)), ["x-min", "x-max"]),
        ("ritz", Box((0.0,), (1.0,)), ["x-max"]),
        ("residual", SQUARE, ["x-min", "y-max"]),
        ("ritz", SQUARE, ["x-min", "y-max"]),
        ("ritz", Ring((0.0, 0.0), 0.5, 1.0), ["inner"]),
        ("residual", DISK, ["outer"]),
    ],
)
def test_mixed_conditions_give_the_solution(loss, domain, parts):
    """u = exp(x) or exp(x) cos(y) from its values on some parts and its fluxes on the others.

    After 40 steps of a small network the errors are between 1e-7 and 1e-3; a missing factor in a term makes them 0.1 or more.
    """
    d = domain.dimension
    exact = "exp(x)" if d == 1 else "exp(x)*cos(y)"
    conditions = [BoundaryPart("dirichlet", name=part, value=field(exact, d)) for part in parts]
    edge = [part for part in domain.part_names if part not in parts]
    conditions += [BoundaryPart("robin", name=part, alpha=1.0, flux=outward(domain, part)) for part in edge]
    subject = Problem(domain=domain, source=source(d), boundary=tuple(conditions), exact=field(exact, d))
    solver = make_solver("gauss-newton", {"loss": loss, "boundary": "hard", "number": 1000, "widths": [8, 8]})
    solution = solve(subject, solver, steps=40, predict=False, probes=["error"])
    x = domain.boundary(100)
    mine = torch.tensor([domain.part_names[int(k)] in parts for k in x.parts])
    torch.testing.assert_close(solution(x.x[mine]), field(exact, d)(x.x[mine]), rtol=0, atol=1e-12)
    assert solution.error() < 1e-2


def field(text, d):
    from pdefreq.problem.coefficient_reader import CoefficientReader

    return CoefficientReader(d, {}, ((0.0,) * d, (1.0,) * d))(text, "exact")


def source(d):
    return "-exp(x)" if d == 1 else 0.0  # -u''; exp(x) cos(y) is harmonic


def outward(domain, part):
    """grad u . n + u on a part."""
    index = domain.part_names.index(part)

    def flux(x):
        u = x[:, 0].exp() if domain.dimension == 1 else x[:, 0].exp() * x[:, 1].cos()
        slope = u[:, None] if domain.dimension == 1 else torch.stack([u, -x[:, 0].exp() * x[:, 1].sin()], dim=1)
        if isinstance(domain, Box):
            normal = torch.zeros_like(x)
            normal[:, index // 2] = 1.0 if index % 2 else -1.0
        else:
            center = x.new_tensor([0.3, 0.0]) if part.startswith("hole") else x.new_zeros(2)
            normal = x - center if part == "outer" else center - x
            normal = normal / normal.norm(dim=1, keepdim=True)
        return (slope * normal).sum(dim=1) + u

    return flux


@pytest.mark.parametrize(
    ("method", "subject", "error", "message"),
    [
        ("deep-ritz:boundary.points=50", "poisson-chirp", OptionError, "the boundary is not sampled.*use boundary=penalty"),
        ("deep-ritz:boundary.points=50", "poisson", OptionError, "the boundary is not sampled.*use boundary=penalty"),
        ("deep-ritz:boundary=penalty,boundary.points=50", "poisson", OptionError, "an interval has two ends"),
    ],
)
def test_a_number_of_boundary_points_without_effect_is_refused(method, subject, error, message):
    with pytest.raises(error, match=message):
        make_solver(method).resolved(load_problem(subject), Stop())


@pytest.mark.parametrize(
    ("method", "subject"),
    [
        ("deep-ritz:boundary=hard", problem(values(where=lower_half), FLUX)),
        ("pinn:boundary=hard", problem(values("edge-1"), FLUX, domain=L_SHAPE)),
        ("pinn:boundary=hard", problem(values(value=lambda x: x[:, 0]), domain=L_SHAPE)),
        ("gauss-newton:boundary=hard", problem(values("x-min", 1.0), values())),
    ],
)
def test_a_refusal_of_built_in_values_can_be_pasted(method, subject):
    def prepare(name, **options):
        solver = make_solver(name, {"widths": [4], **options})
        solver.prepare(subject, seed=0, device=torch.device("cpu"), dtype=torch.float64)

    with pytest.raises(IncompatibleError, match=r": use `--set boundary=penalty`$"):
        prepare(method)
    prepare(method.partition(":")[0], boundary="penalty")

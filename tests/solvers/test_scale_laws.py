"""Networks train alike at all scales: amplitude A, length L and an offset change their errors by no more than rounding.

The exact factors are powers of ten, which are also the units. A step amplifies rounding errors, which differ since powers of ten are
not exact in binary: tolerances state by how much.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch

from pdefreq.core.history import Stop
from pdefreq.domains.box import Box
from pdefreq.parts.networks import FormulaNetwork
from pdefreq.parts.tables import BOUNDARIES, INPUTS, LOSSES, NETWORKS, OPTIMIZERS, POINTS, SCHEDULES, STARTS
from pdefreq.problem.files import problem_from_text
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.network_solver import NetworkSolver

OWN = Path(__file__).parents[1] / "parts" / "own.py"
SMALL = {"widths": [6, 5], "number": 40}
STEPS = 5
SAME = 1e-6  # relative: Gauss-Newton amplifies rounding the most, by factors up to 1e9

HEAD = """
title = "Two waves at any scale"
[parameters]
A = 1
L = 1
off = 0
[domain]
kind = "box"
lower = "1000*off*L"
upper = "(1000*off + 1)*L"
"""
PROBLEMS = {
    "values": """
        [equation]
        exact = "A*(300*off + sin(pi*x/L) + 0.2*sin(5*pi*x/L))"
    """,
    "different values": """
        [equation]
        convection = ["3/L"]
        exact = "A*(300*off + cos(pi*x/L) + 0.2*sin(5*pi*x/L))"
    """,
    "a slope": """
        [equation]
        exact = "A*(off*(300 + 10*x/L) + cos(pi*x/L) + 0.2*sin(5*pi*x/L))"
    """,
    "fluxes": """
        [equation]
        exact = "A*(300*off + cos(pi*x/L) + 0.2*cos(5*pi*x/L))"
        [[boundary.part]]
        kind = "robin"
    """,
    "cooling": """
        [equation]
        reaction = "1/L**2"
        exact = "A*(300*off + cos(pi*x/L) + 0.2*sin(5*pi*x/L))"
        [[boundary.part]]
        kind = "robin"
        alpha = "1/L"
    """,
    "mixed": """
        [equation]
        diffusion = "2 + sin(pi*x/L)"
        exact = "A*(300*off + cos(pi*x/L) + 0.2*sin(5*pi*x/L))"
        [[boundary.part]]
        name = "x-min"
        [[boundary.part]]
        kind = "robin"
        alpha = "1/L"
    """,
    "circle": """
        [equation]
        reaction = "1/L**2"
        exact = "A*(300*off + cos(2*pi*x/L) + 0.2*sin(6*pi*x/L))"
        [[boundary.part]]
        name = "x"
        kind = "periodic"
    """,
    "p-laplacian": """
        [equation]
        exponent = 3
        exact = "A*(300*off + x/L - 1000*off + 0.1*sin(pi*x/L))"
    """,
    "nonlinear": """
        [equation]
        nonlinear = "u^3/(A*L)^2"
        exact = "A*(sin(pi*x/L) + 0.2*sin(5*pi*x/L))"
        [boundary]
        value = "0"
    """,
    "fit": """
        [equation]
        diffusion = "0"
        reaction = "1"
        source = "A*(300*off + sin(pi*x/L) + 0.2*sin(5*pi*x/L))"
    """,
    "data": """
        [equation]
        diffusion = "0"
        reaction = "1"
        source = "A*(300*off + sin(pi*x/L) + 0.2*sin(5*pi*x/L))"
        [data]
        points = "uniform"
        number = 40
    """,
}
SCALES = [(1e6, 1e-3, 0), pytest.param((1e-6, 1e3, 0), marks=pytest.mark.slow), (1e3, 1e3, 1)]


@dataclass(frozen=True, kw_only=True)
class Waves(FormulaNetwork):
    """A sum of four sines: a network that is given by its formula."""

    def shapes(self, dimension):
        return {"a": (4, dimension), "shift": (4,), "b": (4, 1)}

    def value(self, p, x):
        return torch.sin(3 * x @ p["a"].T + p["shift"]) @ p["b"][:, 0]


def method_names():
    found = {}
    for name in SOLVERS:
        solver = SOLVERS.load(name)
        solver = solver() if not isinstance(solver, type) else None
        if isinstance(solver, NetworkSolver):
            found[name] = "fit" if solver.loss.is_regression else "values"
    return found


CASES = {
    **{name: (name, problem, {}) for name, problem in method_names().items()},
    # networks, inputs and starts
    "network mlp": ("deep-ritz", "values", {"network": "mlp", "residual": "true", "widths": [6, 6]}),
    "network mscale": ("pinn", "values", {"network": "mscale", "form": "first-layer"}),
    "network phase-shift": ("deep-ritz", "values", {"network": "phase-shift", "frequencies": None}),
    "input fourier": ("pinn", "values", {"input": "fourier", "features": 5, "std": 3}),
    "input periodic": ("deep-ritz", "values", {"input": "periodic"}),
    "start antisymmetric": ("pinn", "values", {"start": "antisymmetric"}),
    "start doubled": ("deep-ritz", "values", {"start": "doubled"}),
    "start wide": ("deep-ritz", "values", {"start": "wide"}),
    # losses
    "loss auto": ("gauss-newton", "values", {"loss": "auto"}),
    "loss ritz": ("gauss-newton", "values", {"loss": "ritz"}),
    "loss residual": ("network", "different values", {"loss": "residual", "gradient": 1e-3}),
    "metric h-1": ("pinn", "mixed", {"boundary": "penalty", "metric": "h-1"}),
    "metric h-2": ("gauss-newton", "values", {"metric": "h-2"}),
    "loss misfit": ("regression", "fit", {"gradient": 0.5}),
    "loss misfit of another exponent": ("regression", "fit", {"exponent": 3, "gradient": 0.5}),
    # boundary conditions
    "boundary auto": ("pinn", "a slope", {"boundary": "auto"}),
    "boundary hard": ("pinn", "a slope", {"boundary": "hard"}),
    "boundary penalty": ("pinn", "different values", {"boundary": "penalty"}),
    "boundary penalty, energy": ("deep-ritz", "mixed", {"boundary": "penalty"}),
    "boundary penalty, residual": ("pinn", "mixed", {"boundary": "penalty"}),
    "fluxes, energy": ("deep-ritz", "fluxes", {"boundary": "penalty"}),
    "fluxes, residual": ("pinn", "fluxes", {"boundary": "penalty"}),
    "cooling, energy": ("deep-ritz", "cooling", {"boundary": "penalty"}),
    "cooling, residual": ("gauss-newton", "cooling", {"boundary": "penalty"}),
    "circle, energy": ("deep-ritz", "circle", {}),
    "circle, residual": ("pinn", "circle", {}),
    "schedule staged": ("deep-ritz", "values", {"boundary": "penalty", "schedule": "staged"}),
    "balanced": ("pinn", "mixed", {"boundary": "penalty", "balance_every": 2}),
    "weights": ("pinn", "values", {"boundary": "penalty", "weights": "boundary:3"}),
    # nonlinear equations
    "p-laplacian, energy": ("deep-ritz", "p-laplacian", {}),
    "p-laplacian, residual": ("pinn", "p-laplacian", {}),
    "p-laplacian, penalty": ("deep-ritz", "p-laplacian", {"boundary": "penalty"}),
    "nonlinear, energy": ("deep-ritz", "nonlinear", {}),
    "nonlinear, residual": ("gauss-newton", "nonlinear", {}),
    # points
    "points auto": ("pinn", "values", {"points": "auto"}),
    "points gauss": ("pinn", "values", {"points": "gauss"}),
    "points sobol": ("pinn", "values", {"points": "sobol", "resample_every": 2}),
    "points uniform": ("pinn", "values", {"points": "uniform"}),
    "points rad": ("pinn", "values", {"points": "rad", "resample_every": 2}),
    "points rar": ("pinn", "values", {"points": "rar", "resample_every": 2}),
    "points at-data": ("regression", "data", {"number": None}),
    "batch": ("deep-ritz", "values", {"batch": 10}),
    # optimizers
    "network kan": ("deep-ritz", "values", {"network": "kan", "widths": [3], "activation": None}),
    "network module": ("pinn", "values", {"network": f"{OWN}:Waves", "widths": None, "activation": None}),
    "optimizer adam": ("deep-ritz", "values", {"optimizer": "adam", "clip": 0.1}),
    "optimizer gd": ("deep-ritz", "values", {"optimizer": "gd", "learning_rate": 1e-3}),
    "optimizer sgd": ("pinn", "values", {"optimizer": "sgd", "learning_rate": 1e-5}),
    "optimizer soap": ("pinn", "values", {"optimizer": "soap", "basis_every": 2}),
    "optimizer lbfgs": ("deep-ritz", "values", {"optimizer": "lbfgs"}),
    "optimizer ssbroyden": ("deep-ritz", "values", {"optimizer": "ssbroyden"}),
    "optimizer gauss-newton": ("gauss-newton", "values", {}),
}


@cache  # the cases share problems, and no method changes one
def problem_at(name, amplitude=1.0, length=1.0, offset=0):
    return problem_from_text(HEAD + PROBLEMS[name], name="waves", parameters={"A": amplitude, "L": length, "off": offset})


def method_at(name, options, length=1.0):
    options = {**SMALL, **options}
    if "frequencies" in options:  # wavenumbers of the problem, in radians per length
        options["frequencies"] = [0.0, 4 / length]
    return make_solver(name, {key: value for key, value in options.items() if value is not None})


def trained(case, amplitude=1.0, length=1.0, offset=0, steps=STEPS, **options):
    name, problem, given = CASES[case]
    problem = problem_at(problem, amplitude, length, offset)
    run = {"stop": Stop(steps=steps), "probes": ["error", "holdout"], "predict": False}
    return solve(problem, method_at(name, given, length), **run, **options)


def test_every_part_and_method_has_a_case():
    cases = {*CASES}
    for kind in (NETWORKS, INPUTS, STARTS, LOSSES, BOUNDARIES, SCHEDULES, POINTS, OPTIMIZERS):
        title = {"point rule": "points", "penalty schedule": "schedule"}.get(kind.kind, kind.kind)
        assert {f"{title} {name}" for name in kind if (kind, name) != (LOSSES, "function")} <= cases  # knows no units
    assert {*method_names()} <= cases


@cache
def at_one(case):
    """The run with which those at other scales are compared."""
    return trained(case)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("scale", SCALES)
def test_errors_do_not_depend_on_the_amplitude_the_length_or_an_offset(scale, case):
    """The error relative to u minus its lifting, after a few steps that change it."""
    amplitude, length, offset = scale
    if offset and CASES[case][1] == "nonlinear":
        pytest.skip("u^3 at an offset is another equation")
    one = at_one(case)
    start = one.history.column("relative_l2_homogeneous")[0]
    assert one.error("homogeneous") != pytest.approx(start, rel=1e-4)
    found = trained(case, amplitude, length, offset)
    # an offset of 300 in an amplitude of 1 costs three digits, and of 1000 lengths as well
    assert found.error("homogeneous") == pytest.approx(one.error("homogeneous"), rel=SAME)


@pytest.mark.parametrize(
    "case", ["deep-ritz", "pinn", "gauss-newton", "regression", "fluxes, residual", "boundary penalty, energy"]
)
def test_the_recorded_objective_is_that_of_the_problem(case):
    """An energy scales as A^2 / L, a squared residual as A^2 / L^3, a misfit as A^2: powers of ten in front of equal numbers.

    Penalties are multiplied by units so that they scale as the other terms.
    """
    loss = make_solver(CASES[case][0], {}).loss
    power = {"ritz": -1, "residual": -3, "auto": -3, "misfit": 0}[loss.registry.name_of(type(loss))]
    one, found = at_one(case), trained(case, 1e3, 1e-2)
    for name in ("objective", *(["held_out_objective"] if "held_out_objective" in one.history.names else [])):
        expected = 1e6 * 1e-2**power * one.history.column(name)
        np.testing.assert_allclose(found.history.column(name), expected, rtol=SAME)


@pytest.mark.parametrize("amplitude", [1e-150, 1e150])
@pytest.mark.parametrize("case", ["deep-ritz", "pinn", "gauss-newton", "mscale", "regression", "optimizer lbfgs"])
def test_the_largest_and_smallest_amplitudes_are_no_exception(case, amplitude):
    """Squares of them are near the largest and smallest numbers in double precision."""
    one, found = at_one(case), trained(case, amplitude)
    for norm in ("l2", "h1", "homogeneous"):
        assert found.error(norm) == pytest.approx(one.error(norm), rel=SAME)


@pytest.mark.parametrize("case", ["deep-ritz", "pinn", "fluxes, energy"])
def test_single_precision_is_no_exception(case):
    """Rounding errors of 1e-7 are amplified as others are."""
    one, found = (trained(case, *scale, dtype="float32") for scale in ((1.0, 1.0), (1e6, 1e-3)))
    assert found.error() == pytest.approx(one.error(), rel=1e-3)


def test_constant_damping_is_relative_to_the_unit_of_the_objective():
    """One step: later ones amplify rounding errors without bound, since every step is accepted."""
    errors = []
    for amplitude, length in ((1.0, 1.0), (1e6, 1e-3)):
        solver = method_at("gauss-newton", {"damping": 1e-3})
        errors.append(solve(problem_at("values", amplitude, length), solver, stop=Stop(steps=1), predict=False).error())
    assert errors[1] == pytest.approx(errors[0], rel=SAME)


@pytest.mark.parametrize("loss", ["ritz", "residual"])
def test_a_network_given_by_its_formula_is_no_exception(loss):
    errors = [
        solve(
            problem_at("values", amplitude, length),
            NetworkSolver(network=Waves(), loss=LOSSES.load(loss)()),
            stop=Stop(steps=STEPS),
            predict=False,
        ).error()
        for amplitude, length in ((1.0, 1.0), (1e6, 1e-3))
    ]
    assert errors[1] == pytest.approx(errors[0], rel=SAME)


def test_each_axis_of_an_elongated_box_has_its_own_unit():
    """A box of 1000 by 0.001 with u = sin(pi x / 1000) sin(pi y / 0.001) and matching diffusion is trained as the unit square."""

    def problem(width, height):
        exact = f"sin(pi*x/{width})*sin(pi*y/{height})"
        matrix = [[f"{width}**2", "0"], ["0", f"{height}**2"]]
        return Problem(domain=Box((0.0, 0.0), (width, height)), diffusion=matrix, exact=exact)

    solver = make_solver("pinn", {**SMALL, "number": 100})
    unit, long = (solve(problem(*sides), solver, stop=Stop(steps=STEPS), predict=False) for sides in ((1.0, 1.0), (1e3, 1e-3)))
    assert long.history.last("objective") == pytest.approx(unit.history.last("objective"), rel=SAME)
    torch.testing.assert_close(long.state.coefficients, unit.state.coefficients, rtol=SAME, atol=SAME)


def test_without_scaling_a_network_is_trained_in_the_units_of_the_problem():
    """The same steps with units of 1, which fit poorly to an amplitude of 1e6."""
    names = ("auto", "none")
    ones, large = (
        [
            solve(problem_at("values", amplitude), method_at("pinn", {"scaling": name}), stop=Stop(steps=STEPS)).error()
            for name in names
        ]
        for amplitude in (1.0, 1e6)
    )
    assert ones[0] == ones[1]
    assert large[0] == pytest.approx(ones[0], rel=SAME)
    assert large[1] != pytest.approx(ones[1], rel=1e-2)


@pytest.mark.parametrize("loss", ["ritz", "residual", "misfit"])
def test_gradient_descent_is_predicted_at_all_scales(loss):
    """The predicted curves are relative errors for the learning rate of the method, in units of the objective."""
    options = {"loss": loss, "optimizer": "gd", "learning_rate": 1e-3, "points": "gauss", "widths": [20]}
    curves = []
    for amplitude, length in ((1.0, 1.0), (1e6, 1e-3)):
        problem = problem_at("fit" if loss == "misfit" else "values", amplitude, length)
        solver = make_solver("network", {**SMALL, **options, "start": "antisymmetric"})
        history = solve(problem, solver, stop=Stop(steps=2), modes="sine").history
        curves.append(history.facts["mode_predicted_curve"])
    np.testing.assert_allclose(curves[1], curves[0], rtol=0, atol=SAME)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["pinn", "deep-ritz", "mscale", "gauss-newton"])
def test_methods_converge_at_all_scales_as_at_one(name):
    """With the default options, for the amplitudes and lengths of the problem and 300 steps."""
    errors = [
        solve(problem_at("values", amplitude, length), name, stop=Stop(steps=300), predict=False).error()
        for amplitude in (1.0, 1e-6, 1e6)
        for length in (1.0, 1e-3, 1e3)
    ]
    # Adam amplifies rounding errors slowly; Gauss-Newton ends at an error of 2e-8 that depends on them
    np.testing.assert_allclose(errors, errors[0], rtol=1e-2 if name != "gauss-newton" else 1.0)

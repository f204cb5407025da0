"""Laws of all registered methods, problems and probes, which apply to each new entry."""

import functools
import inspect
import json
import math
from dataclasses import dataclass, is_dataclass, replace
from typing import Protocol

import numpy as np
import pytest
import torch

from pdefreq.core.composition import Part, option_tree
from pdefreq.core.devices import as_device, as_dtype, devices
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import as_field
from pdefreq.core.history import Status, Stop
from pdefreq.core.options import MISSING, Option
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.iterations import protocols
from pdefreq.iterations.defaults import discrete_solution_of
from pdefreq.iterations.iteration import Iteration
from pdefreq.probes import PROBES
from pdefreq.probes.probe import default_probes
from pdefreq.problem.data import Data
from pdefreq.problem.files import load_problem, problem_names
from pdefreq.problem.terms.convection import Convection
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.run_folder import to_json
from pdefreq.runs.solve import solve
from pdefreq.runs.spec import solver_from_json, solver_to_json
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.refinable import PredictsModeError, Refines, degree_of
from pdefreq.solvers.solver import Solver
from pdefreq.spectrum import eigen

PROBLEMS = [name for name, _ in problem_names()]
loaded = functools.cache(load_problem)  # no method changes a problem, which is a law below
# The mesh of the first, made by gmsh, has a hundred thousand cells; the others have the same kind of domain as `perforated`.
HEAVY = {"cube-holes", "harmonic-holes", "four-discs"}
CUBES = {"dielectric-sphere"}  # in three dimensions a polynomial of degree 36 along each axis needs 89 GiB
# Problems in more dimensions that resemble others, on which every method is run: by default a method of each family.
SIMILAR = CUBES | {
    *("cosine-diffusion", "multiscale-2d", "p-laplacian-smooth-2d", "perforated", "poisson-chirp", "poisson-multilevel"),
    *("quadratic", "robin", "torsion", "ring", "l-shape", "interference"),
}
LONG = HEAVY | SIMILAR  # their reference solutions
SOLVED = [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in PROBLEMS]
METHODS = sorted(SOLVERS)
CHAINS = ["deep-ritz+jacobi", "mscale+damped-jacobi", "sine+jacobi", "mscale+multigrid"]
# Sizes that make a step fast, for the options that a method has.
SMALL = {"intervals": 12, "cells": 12, "widths": [6, 6], "number": 36, "scales": [1.0, 2.0]}
HOME = dict.fromkeys(METHODS, "poisson") | {
    "regression": "tones",
    "regression-gradient": "tones-known",
    "fourier": "circle",
}  # a suitable problem for each


@pytest.fixture(autouse=True)
def few_modes(monkeypatch):
    """Limits the number of modes: these laws hold for any number, and hundreds of eigenfunctions take seconds on each domain."""
    monkeypatch.setattr(eigen, "MOST_MODES", dict.fromkeys((1, 2, 3), 40))


def small(name: str) -> Solver:
    if "+" in name:
        first, second = name.split("+")
        parts = {f"{part}.{k}": v for part, n in (("first", first), ("second", second)) for k, v in chosen(n).items()}
        return make_solver(name, {**parts, "hand_over_step": 2})
    return make_solver(name, chosen(name))


def chosen(name: str) -> dict:
    return {o.name: SMALL[o.name] for o in all_options(name) if o.name in SMALL}


def all_options(name: str) -> list[Option]:
    """The options of a method and of its parts."""
    return [option for *_, option in option_tree("method", name, SOLVERS.load(name), {}).walk()]


def one_sentence(text: str) -> bool:
    return "\n" not in text and 10 < len(text) < 400


CHAINED = ["poisson", "tones"]  # a chain accepts the problems that its methods accept
RUNS = [(method, problem) for method in METHODS + CHAINS for problem in PROBLEMS]


FAMILIES = {"fem", "jacobi", "deep-ritz", "pinn"}


def _is_slow(method: str, problem: str) -> bool:
    if method in CHAINS:
        return problem not in CHAINED
    if method == "auto":  # has no options: its default sizes take seconds
        return problem in LONG | {"bratu", "chirp", "circle", "neumann"}
    return problem in HEAVY or (problem in SIMILAR and method not in FAMILIES)


@pytest.mark.parametrize(
    ("method", "problem"), [pytest.param(*run, marks=pytest.mark.slow if _is_slow(*run) else ()) for run in RUNS]
)
def test_every_method_runs_on_every_problem_or_refuses_in_one_sentence(method, problem):
    """Unknown solutions are replaced by a constant: reference solutions take seconds and have laws of their own."""
    unknown = loaded(problem).exact is None and not loaded(problem).is_regression
    try:
        dense = method == "ritz-galerkin" and problem in CUBES
        solver = make_solver(method, {"number": 4}) if dense else small(method)
        stop = Stop(steps=3)  # chains hand over after two steps
        solution = solve(loaded(problem), solver, stop=stop, method=method, reference=as_field(1.0) if unknown else None)
    except IncompatibleError as refusal:
        assert one_sentence(str(refusal))
        return
    assert solution.state.coefficients.isfinite().all()
    assert solution.state.coefficients.shape == (solution.state.space.num_coefficients,)
    assert np.isfinite(solution.history.column("objective")).all()
    x = torch.as_tensor(solution.problem.domain.quadrature(25).x)
    u = solution(x)
    assert u.shape == (len(x),) and solution.gradient(x).shape == x.shape
    torch.testing.assert_close(solution(x), u, rtol=0, atol=0)  # evaluation has no side effects
    json.dumps(to_json(solution.summary()), allow_nan=False)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_accepts_some_problem(method):
    assert solve(HOME[method], small(method), stop=Stop(steps=2), probes=()).step >= 1


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_coefficients_have_the_requested_dtype_and_device(method, dtype, device):
    solution = solve(HOME[method], small(method), stop=Stop(steps=2), probes=(), dtype=dtype, device=device)
    assert solution.state.coefficients.dtype == as_dtype(dtype)
    assert solution.state.coefficients.device == as_device(device)


@pytest.mark.parametrize("method", METHODS)
def test_results_in_single_and_double_precision_agree(method):
    """Four steps in float32 and float64 agree up to a few hundred float32 rounding errors of the solution's size."""
    problem = HOME[method]
    x = load_problem(problem).domain.quadrature(50).x
    single, double = (solve(problem, small(method), stop=Stop(steps=4), probes=(), dtype=d)(x) for d in ("float32", "float64"))
    assert (single - double).abs().max() <= 1e-3 * double.abs().max()


@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_equal_seeds_give_equal_runs_and_resume_continues_them(method, tmp_path):
    problem = HOME.get(method, "poisson")
    whole = solve(problem, small(method), stop=Stop(steps=5), seed=4)
    solve(problem, small(method), stop=Stop(steps=5), seed=4, folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    again = resume(tmp_path / "run")
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)
    for name in set(whole.history.names) - {"seconds"}:
        np.testing.assert_array_equal(again.history.column(name), whole.history.column(name), err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_iterations_do_not_change_the_problem_and_restore_their_states(method):
    problem = load_problem(HOME[method])
    before = problem.source(problem.domain.quadrature(20).x)
    iteration = small(method).prepare(problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64"))
    state = iteration.step(iteration.init())
    copy = {name: value.clone() for name, value in state.memory.items()}
    again = iteration.restore(state.coefficients.clone(), copy)
    torch.testing.assert_close(again.coefficients, state.coefficients, rtol=0, atol=0)
    assert {n: float(v) for n, v in iteration.objective(again).items()} == {
        n: float(v) for n, v in iteration.objective(state).items()
    }
    torch.testing.assert_close(problem.source(problem.domain.quadrature(20).x), before, rtol=0, atol=0)
    discrete = discrete_solution_of(iteration, state)
    assert discrete is None or discrete.shape == state.coefficients.shape


@pytest.mark.parametrize("method", METHODS)
def test_options_are_json_documented_and_of_the_stated_type(method):
    factory = SOLVERS.load(method)
    assert (factory.__doc__ or "").strip(), f"{method} has no docstring"
    for option in all_options(method):
        assert option.doc, f"option {option.name} of {method} is not explained in Args"
        assert option.default is not MISSING, f"option {option.name} of {method} has no default"
    solver = make_solver(method)
    assert isinstance(solver, Solver) and is_dataclass(solver)
    assert solver_from_json(json.loads(json.dumps(solver_to_json(solver)))) == solver
    assert solver.budget.steps


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [0, -1, 10**9])
def test_impossible_sizes_are_refused_in_one_sentence(method, bad):
    """Zero, negative, and larger than the memory of any machine."""
    problem = "tones-known" if method == "regression" else HOME[method]  # `tones` has its own points
    sizes = [o.name for o in all_options(method) if o.name in ("intervals", "cells", "number", "harmonics", "widths")]
    assert sizes or not all_options(method)  # `auto` has no options
    for name in sizes:
        value = [bad, bad] if name == "widths" else bad
        with pytest.raises((OptionError, IncompatibleError)) as refusal:
            solve(problem, make_solver(method, {name: value}), stop=Stop(steps=1))
        assert one_sentence(str(refusal.value)), name
        if bad > 0:
            assert any(unit in str(refusal.value) for unit in ("GB", "GiB", "TB", "TiB", "EiB", "PiB", "EB", "PB")), str(
                refusal.value
            )


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_source_of_a_problem_agrees_with_its_exact_solution(name):
    """Independently of the check on loading: the weak form with a smooth bump function, by quadrature."""
    problem = loaded(name)
    assert problem.title and problem.citation
    if problem.exact is None or problem.is_regression:
        return
    domain = problem.domain
    rough = domain.dimension == 3 and (not isinstance(domain, Box) or problem.diffusion.has_kinks)
    samples = domain.interior(60_000, stream(0, "weak form"), sobol=True) if rough else domain.quadrature(60_000)
    bump = domain.distance()
    x, w = samples.x, samples.weights
    test = bump(x) ** 4  # flat at corners, where the distance and possibly a solution are not smooth
    slope = 4 * bump(x)[:, None] ** 3 * bump.gradient(x)
    flux = problem.diffusion(x)[:, None] * problem.exact.gradient(x)
    flux = flux * problem.exact.gradient(x).norm(dim=1, keepdim=True) ** (problem.exponent - 2)
    work = (flux * slope).sum(1) + problem.reaction(x) * problem.exact(x) * test
    if (convection := problem.equation.find(Convection)) is not None:
        velocity = torch.stack([b(x) for b in convection.velocity], dim=1)
        work = work + (velocity * problem.exact.gradient(x)).sum(1) * test
    assert {term.name for term in problem.equation} <= {"diffusion", "convection", "reaction"}  # the terms that are summed here
    miss = work - problem.source(x) * test
    if rough:  # Sobol points: below 5 standard deviations of Monte Carlo
        assert abs((w * miss).sum()) <= 5 * domain.measure * miss.std() / math.sqrt(len(x))
        return
    # 10-point panels with a few waves each: the error of the rule is about 1e-9 of the integrand's size
    assert abs((w * miss).sum()) <= 1e-8 * (w * (flux * slope).sum(1).abs()).sum()


@pytest.mark.parametrize("name", SOLVED)
def test_problems_without_their_exact_solution_can_be_solved(name):
    problem = loaded(name).blind()
    variational = problem.equation.has_energy and problem.indefinite is None
    method = "regression" if problem.is_regression else "deep-ritz" if variational and problem.dirichlet is not None else "fem"
    solution = solve(problem, small(method), stop=Stop(steps=2))
    assert math.isnan(solution.error()) == (solution.reference is None)


@pytest.mark.parametrize("name", sorted(PROBES))
def test_probes_return_the_same_names_and_shapes_in_every_call(name):
    # a network: some probes do not apply to spaces that are linear in their coefficients
    subject, method = "poisson", small("deep-ritz")
    if name == "holdout":  # needs held-out data
        subject, method = replace(load_problem("tones"), data=Data("uniform", 40, holdout=0.25)), small("regression")
    solution = solve(subject, method, stop=Stop(steps=3), probes=[PROBES.load(name)()])
    columns = {c for c in solution.history.names if not c.startswith("objective")} - {
        "step",
        "seconds",
        "unknowns",
        "held_out_objective",
    }
    assert columns
    for column in columns:
        assert np.isfinite(solution.history.column(column)).all()


def test_the_default_probes_are_registered():
    assert {type(p) for p in default_probes()} <= {PROBES.load(n) for n in PROBES}


# ---------------------------------------------------------------- interfaces


class FourMethods(Iteration):
    """A prepared iteration that exposes only the four required methods of the wrapped iteration."""

    def __init__(self, inner):
        self.inner = inner

    def init(self):
        return self.inner.init()

    def step(self, state):
        return self.inner.step(state)

    def objective(self, state):
        return self.inner.objective(state)

    def restore(self, coefficients, memory):
        return self.inner.restore(coefficients, memory)


@dataclass(frozen=True)
class WithFourMethods(Solver):
    """A method whose iterations expose only the required methods of the wrapped method.

    Args:
        method: Name of the wrapped method.
    """

    method: str

    def prepare(self, problem, *, seed, device, dtype, guess=None):
        return FourMethods(small(self.method).prepare(problem, seed=seed, device=device, dtype=dtype, guess=guess))


@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_the_loop_needs_only_the_four_required_methods_of_an_iteration(method, tmp_path):
    problem = HOME.get(method, "poisson")
    whole = solve(problem, small(method), stop=Stop(steps=4))
    stop = Stop(steps=whole.step)
    solver = WithFourMethods(method)
    bare = solve(problem, solver, stop=stop)
    np.testing.assert_array_equal(bare.last_state.coefficients, whole.last_state.coefficients)
    for name in ("step", "unknowns", "objective", "relative_l2", "mode_error_total"):
        if name in whole.history and name in bare.history:
            # if the discrete solution is known, total errors of modes are algebraic errors plus a constant, up to rounding
            rounding = 1e-12 if name == "mode_error_total" else 0
            np.testing.assert_allclose(
                bare.history.column(name), whole.history.column(name), rtol=rounding, atol=rounding, err_msg=name
            )
    solve(problem, solver, stop=stop, folder=tmp_path / "run", callback=lambda step, *_: step == whole.step - 1)
    np.testing.assert_array_equal(resume(tmp_path / "run", solver=solver).last_state.coefficients, whole.last_state.coefficients)


def members(protocol) -> list[str]:
    return [name for name in (*vars(protocol), *protocol.__annotations__) if not name.startswith("_")]


PROTOCOLS = [p for p in vars(protocols).values() if getattr(p, "_is_protocol", False) and p is not Protocol]
RETURNED = {  # checks of the results of the members of each protocol, in addition to their signatures
    "objective_kind": lambda kind, _: isinstance(kind, protocols.ObjectiveKind),
    "open_ended": lambda value, _: isinstance(value, bool),
    "hand_over_steps": lambda steps, _: all(isinstance(step, int) and step >= 0 for step in steps),
    "columns": lambda columns, _: all(value.numel() == 1 for value in columns.values()),
    "is_last_stage": lambda value, _: isinstance(value, bool),
    "final_status": lambda status, _: status.exit_code == 0 or status is Status.UNRESOLVED,  # 36 random features are too few
    "result_state": lambda result, state: result.coefficients.shape == state.coefficients.shape,
    "notes": lambda notes, _: all(isinstance(note, str) for note in notes),
    "quadrature": lambda points, _: points is None or points.weights.shape == points.x.shape[:1],
    "refines_space": lambda value, _: isinstance(value, bool),
    "shares_points": lambda value, _: isinstance(value, bool),
    "drift": lambda drift, _: drift is None or min(drift) >= 0,
    "discrete_solution": lambda c, state: c is None or c.shape == state.coefficients.shape,
    "start": lambda start, _: start[0].value(start[1]).ndim == 0,
    "functional": lambda functional, state: functional.value(state.coefficients).ndim == 0,
    "predict": None,  # the results are tested elsewhere
    "linearized": None,
    "linearization": None,
    "spectral_filter": None,
    "guide": None,
    "certificate": None,
}


@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_protocols_of_iterations_have_their_signatures_and_results(method):
    problem = load_problem(HOME.get(method, "poisson"))
    iteration = small(method).prepare(problem.blind(), seed=0, device=as_device("cpu"), dtype=as_dtype("float64"))
    state = iteration.step(iteration.init())
    for protocol in PROTOCOLS:
        found = iteration.find(protocol)
        if found is None:
            continue
        for name in members(protocol):
            member, holds = getattr(found, name), RETURNED[name]
            if callable(member):
                asked, offered = (
                    [(p.name, p.kind, p.default) for p in inspect.signature(each).parameters.values() if p.name != "self"]
                    for each in (getattr(protocol, name), member)
                )
                assert offered == asked, name
                if holds is not None:
                    member = member(*[state] * len(asked))
            if holds is not None:
                assert holds(member, state), name


def test_the_public_interface_of_a_solver():
    own = {name for name in vars(Solver) if not name.startswith("_")} - {"registry", *dir(Part)}
    assert own == {"name", "budget", "needs", "choices", "resolved", "prepare"}
    assert Solver.__abstractmethods__ == {"prepare"}


@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_resolving_a_method_keeps_its_type_and_is_idempotent(method):
    problem, stop = load_problem(HOME.get(method, "poisson")).blind(), Stop(steps=7)
    once = small(method).resolved(problem, stop)
    assert type(once) is type(small(method)) and once.name == small(method).name
    assert once.resolved(problem, Stop(steps=70)) == once


@pytest.mark.parametrize("method", METHODS)
def test_refinable_methods_double_their_size_and_element_methods_have_a_degree(method):
    solver, domain = make_solver(method), load_problem(HOME[method]).domain
    if isinstance(solver, Refines):
        sizes = [getattr(level, solver.refines) for level in solver.refined(domain, levels=3)]
        assert sizes == [sizes[0], 2 * sizes[0], 4 * sizes[0]]
        assert [getattr(level, solver.refines) for level in solver.refined(domain, start=5, levels=2)] == [5, 10]
    if isinstance(solver, PredictsModeError):
        assert degree_of(solver) is not None

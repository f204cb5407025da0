"""Laws that hold for every registered method, problem and probe: a new entry is tested the moment it is registered."""

import json
import math
from dataclasses import is_dataclass, replace

import numpy as np
import pytest
import torch

from pdefreq.data import Data
from pdefreq.devices import as_device, as_dtype, devices
from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, OptionError
from pdefreq.history import Stop
from pdefreq.probes import PROBES, default_probes
from pdefreq.problem_file import load_problem, problem_names
from pdefreq.registry import MISSING, options_of
from pdefreq.run_spec import solver_from_json, solver_to_json
from pdefreq.runs import resume
from pdefreq.solvers import SOLVERS, make_solver
from pdefreq.solvers.solver import Solver
from pdefreq.solving import solve
from pdefreq.spectrum import eigen
from pdefreq.store import to_json
from pdefreq.streams import stream

PROBLEMS = [name for name, _ in problem_names()]
HEAVY = {"cube-holes"}  # its mesh, made by gmsh, has a hundred thousand cells
CUBES = {"dielectric-sphere"}  # in three dimensions a polynomial of degree 36 along each axis needs 89 GiB
SOLVED = [pytest.param(name, marks=pytest.mark.slow if name in HEAVY else ()) for name in PROBLEMS]
METHODS = sorted(SOLVERS)
CHAINS = ["deep-ritz+jacobi", "mscale+damped-jacobi", "sine+jacobi", "mscale+multigrid"]
# Sizes that make a step cheap, for options that a method happens to have.
SMALL = {"intervals": 12, "cells": 12, "widths": [6, 6], "number": 36, "scales": [1.0, 2.0]}
HOME = dict.fromkeys(METHODS, "poisson") | {"regression": "tones", "regression-gradient": "tones-known"}  # one each can do


@pytest.fixture(autouse=True)
def few_modes(monkeypatch):
    """These laws hold for any number of modes, and hundreds of eigenfunctions take seconds on each domain."""
    monkeypatch.setattr(eigen, "MOST_MODES", dict.fromkeys((1, 2, 3), 40))


def small(name: str) -> Solver:
    if "+" in name:
        first, second = name.split("+")
        parts = {f"{part}.{k}": v for part, n in (("first", first), ("second", second)) for k, v in chosen(n).items()}
        return make_solver(name, {**parts, "switch": 2})
    return make_solver(name, chosen(name))


def chosen(name: str) -> dict:
    return {o.name: SMALL[o.name] for o in options_of(SOLVERS.load(name)) if o.name in SMALL}


def one_sentence(text: str) -> bool:
    return "\n" not in text and 10 < len(text) < 400


@pytest.mark.parametrize("problem", SOLVED)
@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_every_method_runs_on_every_problem_or_refuses_in_one_sentence(method, problem):
    try:
        dense = method == "ritz-galerkin" and problem in CUBES
        solver = make_solver(method, {"number": 4}) if dense else small(method)
        solution = solve(problem, solver, stop=Stop(steps=4), method=method)
    except IncompatibleError as refusal:
        assert one_sentence(str(refusal))
        return
    assert solution.state.coefficients.isfinite().all()
    assert solution.state.coefficients.shape == (solution.state.space.num_coefficients,)
    assert np.isfinite(solution.history.column("objective")).all()
    x = torch.as_tensor(solution.problem.domain.quadrature(25).x)
    u = solution(x)
    assert u.shape == (len(x),) and solution.gradient(x).shape == x.shape
    torch.testing.assert_close(solution(x), u, rtol=0, atol=0)  # evaluation is pure
    json.dumps(to_json(solution.summary()), allow_nan=False)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_can_do_some_problem(method):
    assert solve(HOME[method], small(method), stop=Stop(steps=2)).step >= 1


@pytest.mark.parametrize("device", devices())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("method", METHODS)
def test_coefficients_have_the_dtype_and_device_asked_for(method, dtype, device):
    solution = solve(HOME[method], small(method), stop=Stop(steps=2), dtype=dtype, device=device)
    assert solution.state.coefficients.dtype == as_dtype(dtype)
    assert solution.state.coefficients.device == as_device(device)


@pytest.mark.parametrize("method", METHODS)
def test_precision_changes_digits_and_not_results(method):
    """Four steps in float32 and float64 agree to a few hundred float32 roundings of the solution's size."""
    problem = HOME[method]
    x = load_problem(problem).domain.quadrature(50).x
    single, double = (solve(problem, small(method), stop=Stop(steps=4), dtype=d)(x) for d in ("float32", "float64"))
    assert (single - double).abs().max() <= 1e-3 * double.abs().max()


@pytest.mark.parametrize("method", METHODS + CHAINS)
def test_same_seed_same_run_and_resume_continues_it(method, tmp_path):
    problem = HOME.get(method, "poisson")
    whole = solve(problem, small(method), stop=Stop(steps=5), seed=4)
    solve(problem, small(method), stop=Stop(steps=5), seed=4, folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    again = resume(tmp_path / "run")
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)
    for name in set(whole.history.names) - {"seconds"}:
        np.testing.assert_array_equal(again.history.column(name), whole.history.column(name), err_msg=name)


@pytest.mark.parametrize("method", METHODS)
def test_iterations_leave_the_problem_alone_and_restore_what_they_were_given(method):
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
    limit = iteration.limit(state)
    assert limit is None or limit.shape == state.coefficients.shape


@pytest.mark.parametrize("method", METHODS)
def test_options_are_json_documented_and_of_the_stated_type(method):
    factory = SOLVERS.load(method)
    assert (factory.__doc__ or "").strip(), f"{method} has no docstring"
    for option in options_of(factory):
        assert option.doc, f"option {option.name} of {method} is not explained in Args"
        assert option.default is not MISSING, f"option {option.name} of {method} has no default"
    solver = make_solver(method)
    assert isinstance(solver, Solver) and is_dataclass(solver)
    assert solver_from_json(json.loads(json.dumps(solver_to_json(solver)))) == solver
    assert solver.budget.steps


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bad", [0, -1, 10**9])
def test_impossible_sizes_are_refused_in_one_sentence(method, bad):
    """Zero, negative, and larger than any machine's memory."""
    sizes = [o.name for o in options_of(SOLVERS.load(method)) if o.name in ("intervals", "cells", "number")]
    sizes += [o.name for o in options_of(SOLVERS.load(method)) if o.name == "widths"]
    assert sizes
    for name in sizes:
        value = [bad, bad] if name == "widths" else bad
        with pytest.raises((OptionError, IncompatibleError)) as refusal:
            solve(HOME[method], make_solver(method, {name: value}), stop=Stop(steps=1))
        assert one_sentence(str(refusal.value)), name
        if bad > 0:
            assert any(unit in str(refusal.value) for unit in ("GB", "GiB", "TB", "TiB", "EiB", "PiB", "EB", "PB")), str(
                refusal.value
            )


@pytest.mark.parametrize("name", PROBLEMS)
def test_problems_state_a_source_that_fits_their_exact_solution(name):
    """Loading checks it; here an independent one: the weak form against a smooth bump, by quadrature."""
    problem = load_problem(name)
    assert problem.title and problem.citation
    if problem.exact is None or problem.is_regression:
        return
    domain = problem.domain
    rough = domain.dimension == 3 and (not isinstance(domain, Box) or problem.diffusion.has_kinks)
    samples = domain.interior(60_000, stream(0, "weak form"), sobol=True) if rough else domain.quadrature(60_000)
    bump = domain.distance()
    x, w = samples.x, samples.weights
    test = bump(x) ** 4  # flat at corners, where the distance is rough, and a solution may be
    slope = 4 * bump(x)[:, None] ** 3 * bump.gradient(x)
    flux = problem.diffusion(x)[:, None] * problem.exact.gradient(x)
    flux = flux * problem.exact.gradient(x).norm(dim=1, keepdim=True) ** (problem.exponent - 2)
    work = (flux * slope).sum(1) + problem.reaction(x) * problem.exact(x) * test
    miss = work - problem.source(x) * test
    if rough:  # Sobol points: below 5 standard deviations of Monte Carlo
        assert abs((w * miss).sum()) <= 5 * domain.measure * miss.std() / math.sqrt(len(x))
        return
    # 10-point panels, a few waves each: the rule is exact to about 1e-9 of the integrand's size
    assert abs((w * miss).sum()) <= 1e-8 * (w * (flux * slope).sum(1).abs()).sum()


@pytest.mark.parametrize("name", SOLVED)
def test_problems_without_their_exact_solution_still_solve(name):
    problem = load_problem(name).blind()
    method = "regression" if problem.is_regression else "fem" if problem.dirichlet is None else "deep-ritz"
    solution = solve(problem, small(method), stop=Stop(steps=2))
    assert math.isnan(solution.error()) == (solution.reference is None)


@pytest.mark.parametrize("name", sorted(PROBES))
def test_probes_return_the_same_names_and_shapes_each_time(name):
    # a network: some probes have nothing to say of spaces that are linear in their coefficients
    subject, method = "poisson", small("deep-ritz")
    if name == "holdout":  # has something to measure where data are held out
        subject, method = replace(load_problem("tones"), data=Data("uniform", 40, holdout=0.25)), small("regression")
    solution = solve(subject, method, stop=Stop(steps=3), probes=[PROBES.load(name)()])
    columns = {c for c in solution.history.names if not c.startswith("objective")} - {"step", "seconds", "unknowns", "held_out"}
    assert columns
    for column in columns:
        assert np.isfinite(solution.history.column(column)).all()


def test_the_default_probes_are_registered():
    assert {type(p) for p in default_probes()} <= {PROBES.load(n) for n in PROBES}

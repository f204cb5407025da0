"""The interface of an iteration: four required methods, optional protocols, and the protocols of a chain."""

import re
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import pytest
import torch

from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Status, Stop
from pdefreq.iterations import protocols
from pdefreq.iterations.chain.chain import ChainIteration
from pdefreq.iterations.defaults import (
    columns_of,
    discrete_solution_of,
    drift_of,
    final_status_of,
    hand_over_steps_of,
    is_last_stage,
    is_open_ended,
    notes_of,
    objective_kind_of,
    quadrature_of,
    refines_space,
    result_state_of,
    shares_points,
)
from pdefreq.iterations.iteration import Iteration
from pdefreq.iterations.protocols import (
    Certifies,
    HandsOver,
    HasDiscreteSolution,
    HasFinalStatus,
    HasFunctional,
    HasNotes,
    HasObjectiveKind,
    HasQuadrature,
    HasResult,
    HasStages,
    HasTangentKernel,
    MeasuresDrift,
    ObjectiveKind,
    OpenEnded,
    Predicts,
    RefinesSpace,
    ReportsColumns,
    SharesPoints,
)
from pdefreq.problem.files import load_problem
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.chain import Chain
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.modes import make_modes
from pdefreq.studies.comparison import compare
from tests.toys import Geometric, GeometricIteration, line_problem

PROTOCOLS = [p for p in vars(protocols).values() if getattr(p, "_is_protocol", False) and p is not Protocol]


def prepared(method, problem="poisson", **options):
    solver = make_solver(method, options) if isinstance(method, str) else method
    problem = load_problem(problem) if isinstance(problem, str) else problem
    return solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)


def test_an_iteration_has_four_required_methods():
    assert Iteration.__abstractmethods__ == {"init", "step", "objective", "restore"}
    assert {name for name in vars(Iteration) if not name.startswith("_")} == {*Iteration.__abstractmethods__, "find"}


def test_every_protocol_can_be_checked_at_run_time_and_is_documented():
    assert len(PROTOCOLS) == 17
    for protocol in PROTOCOLS:
        assert not isinstance(object(), protocol)  # raises if it cannot be checked
        assert (protocol.__doc__ or "").endswith(".")
    page = (Path(__file__).parents[2] / "docs" / "extend.md").read_text()
    assert re.findall(r"^\| `(\w+)`", page, re.MULTILINE) == [protocol.__name__ for protocol in PROTOCOLS]


def test_an_iteration_with_four_methods_has_no_protocol_and_the_loop_uses_the_defaults():
    iteration = prepared(Geometric(), line_problem())
    assert type(iteration) is GeometricIteration
    assert [protocol for protocol in PROTOCOLS if iteration.find(protocol) is not None] == []
    state = iteration.init()
    assert objective_kind_of(iteration) is ObjectiveKind.ENERGY and not is_open_ended(iteration)
    assert hand_over_steps_of(iteration) == () and columns_of(iteration, state) == {} and is_last_stage(iteration, state)
    assert final_status_of(iteration, state) is Status.DONE and result_state_of(iteration, state) is state
    assert notes_of(iteration, state) == [] and drift_of(iteration, state) is None
    assert discrete_solution_of(iteration, state) is None and quadrature_of(iteration, state) is None
    assert not refines_space(iteration) and not shares_points(iteration)


def test_an_iteration_with_four_methods_is_solved_resumed_and_compared(tmp_path):
    whole = solve(line_problem(), Geometric(), stop=Stop(steps=8))
    solve(line_problem(), Geometric(), stop=Stop(steps=8), folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    again = resume(tmp_path / "run", line_problem())
    assert torch.equal(again.state.coefficients, whole.state.coefficients)
    np.testing.assert_array_equal(again.history.column("objective"), whole.history.column("objective"))
    compared = compare(line_problem(), {"slow": Geometric(0.9), "fast": Geometric(0.5, steps=8)}).solutions
    assert torch.equal(compared["fast"][0].state.coefficients, whole.state.coefficients)


@runtime_checkable
class HasFactor(Protocol):
    """A protocol that is defined elsewhere: the ratio of the errors after and before a step is known."""

    factor: float


def test_a_protocol_from_elsewhere_is_found_on_iterations_that_implement_it():
    found = prepared(Geometric(0.25), line_problem()).find(HasFactor)
    assert found is not None and found.factor == 0.25
    assert prepared("jacobi").find(HasFactor) is None
    assert prepared(Chain(Geometric(), Geometric()), line_problem()).find(HasFactor) is None  # a chain cannot compose it


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("jacobi", {HasObjectiveKind, OpenEnded, HasDiscreteSolution, HasNotes, Predicts}),
        ("multigrid", {HasObjectiveKind, OpenEnded, HasDiscreteSolution, HasNotes, Predicts}),
        ("two-grid", {HasObjectiveKind, HasDiscreteSolution, HasNotes, Predicts}),
        ("gmres", {HasObjectiveKind, HasDiscreteSolution, HasNotes, Predicts, HasFinalStatus}),
        ("sine", {HasObjectiveKind, HasDiscreteSolution, HasNotes, HasQuadrature}),
        ("fem", {HasObjectiveKind, HasDiscreteSolution, HasNotes, HasQuadrature}),
        ("fem:refinement=uniform", {HasObjectiveKind, HasNotes, RefinesSpace}),
        (
            "deep-ritz",
            {
                *(HasObjectiveKind, OpenEnded, Predicts, HasFunctional, HasTangentKernel, MeasuresDrift, Certifies),
                *(ReportsColumns, HasStages, HasFinalStatus, HasResult, HasNotes, HasQuadrature, SharesPoints),
            },
        ),
    ],
)
def test_the_protocols_of_each_method(method, expected):
    assert {protocol for protocol in PROTOCOLS if prepared(method).find(protocol) is not None} == expected


OWN = {HandsOver, ReportsColumns, HasStages}  # protocols of every chain
SECOND = {HasObjectiveKind, HasFinalStatus, Predicts}  # protocols of a chain if its second part has them
FIRST = {RefinesSpace}  # protocols of a chain if its first part has them
# protocols of a chain if either part has them
EITHER = {HasResult, HasNotes, HasQuadrature, MeasuresDrift, HasDiscreteSolution, SharesPoints}


@pytest.mark.parametrize("second", ["jacobi", "two-grid", "fem", "geometric"])
@pytest.mark.parametrize("first", ["jacobi", "fem", "fem:refinement=uniform", "deep-ritz", "geometric"])
def test_the_protocols_of_a_chain_follow_from_its_parts(first, second):
    def part(name):
        return Geometric() if name == "geometric" else make_solver(name)

    one, two, chain = (
        prepared(solver) for solver in (part(first), part(second), Chain(part(first), part(second), hand_over_step=3))
    )
    for protocol in PROTOCOLS:
        in_first, in_second = one.find(protocol) is not None, two.find(protocol) is not None
        expected = protocol in OWN or (protocol in SECOND and in_second) or (protocol in FIRST and in_first)
        expected = expected or (protocol in EITHER and (in_first or in_second))
        assert (chain.find(protocol) is not None) == expected, protocol


def test_a_chain_delegates_to_the_part_that_owns_the_state():
    chain = prepared("deep-ritz+jacobi", **{"first.widths": (4,), "second.intervals": 8, "hand_over_step": 2})
    network, jacobi = prepared("deep-ritz", widths=(4,)), prepared("jacobi", intervals=8)
    assert isinstance(chain, ChainIteration)
    states = [chain.init()]
    for _ in range(4):
        states.append(chain.step(states[-1]))
    assert hand_over_steps_of(chain) == (2,)
    assert objective_kind_of(chain) is objective_kind_of(jacobi) is not objective_kind_of(network)
    assert [int(columns_of(chain, state)["method"]) for state in states] == [0, 0, 0, 1, 1]
    assert ["held_out_objective" in columns_of(chain, state) for state in states] == [True, True, True, False, False]
    assert [is_last_stage(chain, state) for state in states] == [False, False, False, True, True]
    assert [discrete_solution_of(chain, state) is None for state in states] == [True, True, True, False, False]
    assert torch.equal(discrete_solution_of(chain, states[-1]), discrete_solution_of(jacobi, jacobi.init()))
    assert [quadrature_of(chain, state) is None for state in states] == [False, False, False, True, True]
    assert torch.equal(result_state_of(chain, states[-1]).coefficients, states[-1].coefficients)


def test_hand_over_steps_of_nested_chains_are_summed():
    parts = [Geometric(steps=n) for n in (3, 4, 5)]
    for nested in (Chain(parts[0], Chain(parts[1], parts[2])), Chain(Chain(parts[0], parts[1]), parts[2])):
        assert hand_over_steps_of(prepared(nested, line_problem())) == (3, 7)


def test_a_cheap_prediction_is_never_a_guide():
    iteration = prepared("deep-ritz", widths=(6,), number=20)
    problem = load_problem("poisson")
    modes = make_modes("sine", problem.domain, [[1], [3]])
    target = problem.exact(modes.points(iteration.init().space))
    with pytest.raises(IncompatibleError, match="no theory for Adam"):
        iteration.predict(modes, torch.arange(3), target, cheap=True)
    assert "a guide without a proof" in iteration.predict(modes, torch.arange(3), target).note
    with pytest.raises(IncompatibleError, match="only if the solution is known"):
        iteration.predict(modes, torch.arange(3))

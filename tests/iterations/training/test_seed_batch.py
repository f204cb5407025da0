"""A batch of seeds gives the same coefficients as the seeds one by one, up to rounding."""

import pytest
import torch

from pdefreq.core.errors import IncompatibleError, TooLargeError
from pdefreq.core.history import Stop
from pdefreq.iterations.training.seed_batch import SeedBatch
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver
from tests.toys import line_problem

STEPS = 50
# The products of a batch are summed in another order, which changes them by 1e-16; after 50 steps the coefficients differed by at
# most 2.1e-16. Adam divides by sqrt(v), which can multiply the rounding errors of small gradients on other machines.
SAME = 1e-10
METHODS = [
    "deep-ritz:widths=[6,6],number=40",
    "deep-ritz:widths=[6],number=40,boundary=penalty",
    "deep-ritz:widths=[6],number=40,optimizer=gd,learning_rate=1e-3,clip=0.5",
    "mscale:widths=[5,5],number=40",
    "pinn:widths=[6,6],number=40",
    "deep-ritz:widths=[6],number=40,optimizer=sgd,learning_rate=1e-3",
    "mscale:widths=[5],scales=[1,2],number=40,start=antisymmetric",
    "pinn:widths=[6,6],number=40,activation=tanh,residual=true,half_life=20",
    "deep-ritz:network=phase-shift,frequencies=[0,4],widths=[6],number=40",
]


def trainings(method, problem, seeds=3, dtype=torch.float64):
    solver = make_solver(method).resolved(problem.blind(), Stop(steps=STEPS))
    return [solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=dtype) for seed in range(seeds)]


def alone(iteration, steps):
    state = iteration.init()
    for _ in range(steps):
        state = iteration.step(state)
    return state


@pytest.mark.parametrize("method", [*METHODS[:5], *(pytest.param(method, marks=pytest.mark.slow) for method in METHODS[5:])])
def test_a_batch_has_the_states_of_its_members(method):
    members = trainings(method, line_problem())
    batch, states = SeedBatch(members), [member.init() for member in members]
    for _ in range(STEPS):
        states = batch.step(range(3), states)
    for member, state in zip(members, states, strict=True):
        expected = alone(member, STEPS)
        assert state.memory.keys() == expected.memory.keys()
        for found, wanted in (
            (state.coefficients, expected.coefficients),
            *((state.memory[k], expected.memory[k]) for k in state.memory),
        ):
            assert float((found.double() - wanted.double()).norm()) <= SAME * float(wanted.double().norm())


def test_a_member_that_leaves_does_not_change_the_others():
    members = trainings(METHODS[0], line_problem())
    batch, states = SeedBatch(members), [member.init() for member in members]
    with torch.no_grad():
        states[1].coefficients.fill_(torch.inf)  # a run that diverges
    states = batch.step(range(3), states)
    assert not states[1].coefficients.isfinite().any()
    for _ in range(9):
        states[0], states[2] = batch.step([0, 2], [states[0], states[2]])
    for number in (0, 2):
        expected = alone(members[number], 10).coefficients
        assert float((states[number].coefficients - expected).norm()) <= SAME * float(expected.norm())


def test_states_that_were_stored_are_taken_up_again():
    members = trainings(METHODS[0], line_problem())
    batch, states = SeedBatch(members), [member.init() for member in members]
    for _ in range(5):
        states = batch.step(range(3), states)
    stored = [member.restore(state.coefficients, state.memory) for member, state in zip(members, states, strict=True)]
    states = batch.step(range(3), states)
    again = SeedBatch(members).step(range(3), stored)
    for one, other in zip(states, again, strict=True):
        assert torch.equal(one.coefficients, other.coefficients)


@pytest.mark.slow
def test_a_problem_in_two_dimensions():
    members = trainings("mscale:widths=[4,4],number=64", load_problem("poisson-chirp"), seeds=2)
    batch, states = SeedBatch(members), [member.init() for member in members]
    for _ in range(10):
        states = batch.step(range(2), states)
    for member, state in zip(members, states, strict=True):
        expected = alone(member, 10).coefficients
        assert float((state.coefficients - expected).norm()) <= SAME * float(expected.norm())


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("gauss-newton:widths=[6]", "optimizer of first order"),
        ("pinn-gradient:widths=[6],number=40", "automatic differentiation"),
        ("deep-ritz:widths=[6],number=40,optimizer=soap", "each coefficient on its own"),
        ("jacobi", "optimizer of first order"),
        ("deep-ritz:widths=[6],number=40,points=sobol", "points=gauss"),
        ("deep-ritz:widths=[6],number=40,batch=10", "points=gauss"),
        ("pinn:widths=[6],number=40,boundary=penalty,balance_every=5", "do not depend on the iterate"),
    ],
)
def test_what_is_refused(method, words):
    with pytest.raises(IncompatibleError, match=words):
        SeedBatch(trainings(method, line_problem(), seeds=2))


@pytest.mark.parametrize("number", [100, 20_000])
def test_points_that_depend_on_the_seed_are_refused_in_single_precision(number):
    # The gradients of two sets of 20,000 Sobol points differ by 2e-5.
    with pytest.raises(IncompatibleError, match="depend on the seed"):
        SeedBatch(trainings(f"deep-ritz:widths=[6],number={number},points=sobol", line_problem(), seeds=2, dtype=torch.float32))


def test_mixed_precision_can_be_batched():
    # Its gradients have the rounding errors of single precision, 1e-7, although the coefficients are double.
    method = "pinn:widths=[8,8],number=100,precision=mixed"
    members = trainings(method, load_problem("poisson"), seeds=2)
    states = SeedBatch(members).step(range(2), [member.init() for member in members])
    for member, state in zip(members, states, strict=True):
        start, expected = member.init().coefficients, alone(member, 1).coefficients
        assert float((state.coefficients - expected).norm()) <= 1e-5 * float((expected - start).norm())


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("DefaultCPUAllocator: can't allocate memory: 8 bytes")]
)
def test_a_lack_of_memory_is_a_sentence(monkeypatch, error):
    def full(_):
        raise error

    members = trainings(METHODS[0], line_problem(), seeds=2)
    monkeypatch.setattr(torch.func, "vmap", full)
    with pytest.raises(TooLargeError, match="a step of 2 seeds does not fit into the memory of cpu"):
        SeedBatch(members)

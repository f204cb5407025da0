"""Recorded steps; a function that repeats the operations on the same tensors replaces the CUDA graph."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.history import Stop
from pdefreq.iterations.training.seed_batch import SeedBatch
from pdefreq.iterations.training.step_graphs import StepGraphs
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.network_checks import require_capture
from tests.toys import line_problem

FIXED = "deep-ritz:widths=[6],number=40,boundary=penalty"
REDRAWN = "deep-ritz:widths=[6],number=40,points=sobol,resample_every=4"
STAGED = "deep-ritz:widths=[6],number=40,boundary=penalty,schedule=staged,steps=20"
ONCE = "deep-ritz:widths=[6],number=40,points=sobol,resample_every=1"


class FakeGraphs:
    """Counts what is recorded and replayed. As with a CUDA graph, a recording leaves the tensors as they were."""

    def __init__(self):
        self.records, self.replays = 0, 0

    def __call__(self, work, tensors):
        self.records += 1
        before = [each.clone() for each in tensors]
        work()
        for each, content in zip(tensors, before, strict=True):
            each.copy_(content)

        def replay():
            self.replays += 1
            work()

        return replay


def prepared(method, device="cpu"):
    solver = make_solver(method).resolved(line_problem().blind(), Stop(steps=20))
    return solver.prepare(line_problem().blind(), seed=3, device=torch.device(device), dtype=torch.float64)


def recording(method):
    """An iteration with recorded steps, and its recorder."""
    graphs, iteration = FakeGraphs(), prepared(method)
    iteration._stepper = replace(iteration.stepper, graphs=StepGraphs(graphs))
    return iteration, graphs


def trained(iteration, steps=20):
    state = iteration.init()
    for _ in range(steps):
        state = iteration.step(state)
    return state


@pytest.mark.parametrize(
    ("method", "records", "replays"),
    [
        (FIXED, 1, 19),
        (f"{FIXED},optimizer=sgd,half_life=5,clip=1", 1, 19),
        (f"{FIXED},half_life=5,decay=cosine", 1, 19),
        (REDRAWN, 5, 15),
        (STAGED, 5, 14),  # one of the six stages has a single step
        (ONCE, 0, 0),
    ],
    ids=["fixed", "momentum", "decreasing rate", "redrawn", "staged", "once"],
)
def test_the_states_are_those_of_plain_steps(method, records, replays):
    """New points and new weights are new functionals: each is evaluated once, recorded, and replayed in the remaining steps."""
    iteration, graphs = recording(method)
    found, expected = trained(iteration), trained(prepared(method))
    assert torch.equal(found.coefficients, expected.coefficients)
    assert (graphs.records, graphs.replays) == (records, replays)


def test_another_place_in_memory_is_recorded_again():
    iteration, graphs = recording(FIXED)
    first, second = trained(iteration, 5), iteration.init()
    second = iteration.restore(first.coefficients, first.memory)
    for _ in range(5):
        second = iteration.step(second)
    assert graphs.records == 2
    assert torch.equal(second.coefficients, trained(prepared(FIXED), 10).coefficients)


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RuntimeError("operation not permitted when stream is capturing"), IncompatibleError),
        (torch.OutOfMemoryError("CUDA out of memory"), torch.OutOfMemoryError),  # the run reports it
    ],
)
def test_a_failed_recording_has_its_reason(error, raised):
    def record(*_):
        raise error

    iteration = prepared(FIXED)
    iteration._stepper = replace(iteration.stepper, graphs=StepGraphs(record))
    with pytest.raises(raised, match="capturing" if raised is IncompatibleError else "out of memory"):
        trained(iteration, 2)


@pytest.mark.parametrize(("method", "words"), [("deep-ritz", "needs a GPU"), ("gauss-newton", "needs a GPU")])
def test_a_capture_is_refused_without_a_gpu(method, words):
    with pytest.raises(OptionError, match=words):
        prepared(f"{method}:capture=true")


def test_a_capture_is_refused_for_several_processes(monkeypatch):
    """Each would evaluate all points, since a recorded gradient has no sum over the processes."""
    solver, device = make_solver("deep-ritz"), torch.device("cuda")
    require_capture(solver, device)
    monkeypatch.setattr("pdefreq.solvers.network_checks.processes", lambda: SimpleNamespace(size=2))
    with pytest.raises(OptionError, match="`capture` needs a run in one process, got 2"):
        require_capture(solver, device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("method", [FIXED, REDRAWN, STAGED])
def test_captured_steps_on_a_gpu_are_those_of_plain_steps(method):
    found, expected = trained(prepared(f"{method},capture=true", "cuda")), trained(prepared(method, "cuda"))
    # The same kernels in the same order; other algorithms of products may be chosen, which changes sums by 1e-16.
    torch.testing.assert_close(found.coefficients, expected.coefficients, rtol=1e-10, atol=1e-12)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_batch_of_seeds_on_a_gpu():
    members = [prepared(FIXED, "cuda"), prepared(FIXED, "cuda")]
    batch, states = SeedBatch(members), [member.init() for member in members]
    for _ in range(20):
        states = batch.step(range(2), states)
    torch.testing.assert_close(states[1].coefficients, trained(prepared(FIXED, "cuda")).coefficients, rtol=1e-8, atol=1e-10)

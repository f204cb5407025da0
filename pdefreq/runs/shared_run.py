"""One run that several processes make: the first one leads, and the others take its steps with it.

The first process makes the run as it does alone: it measures, prints, writes, and decides when the run ends. Before the first
step it sends the specification and the state to the others, and before each step a message that there is one more. All processes
then take the step, in which sums over points are divided (`pdefreq.core.reduce`), and obtain the same state.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pdefreq.core.errors import NotConvergedError, OptionError, UserError
from pdefreq.core.reduce import AllReduce, current, is_loss, joined, processes, telling_of_lost_processes, together
from pdefreq.runs.meeting import met
from pdefreq.runs.sent_spec import SentSpec
from pdefreq.runs.spec import solver_from_json

if TYPE_CHECKING:
    import numpy as np
    import torch

    from pdefreq.iterations.iteration import Iteration, State
    from pdefreq.runs.prepared_run import PreparedRun
    from pdefreq.runs.spec import RunSpec

    Step = Callable[[State], State]

SECONDS = "PDEFREQ_PROCESS_SECONDS"
"""The environment variable with the time after which a process that does not answer counts as lost."""

_USUAL_SECONDS, _MOST_SECONDS = 1800.0, 1e9
_REQUESTS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


@dataclass(frozen=True)
class SharedRun:
    """What the other processes need to take the steps of a run.

    Args:
        spec: The specification.
        threads: The number of threads of each process.
        coefficients: The coefficients of the first state.
        memory: The memory of the first state.
        done: Whether further steps would change nothing.
    """

    spec: SentSpec
    threads: int
    coefficients: np.ndarray
    memory: Mapping[str, np.ndarray]
    done: bool

    @classmethod
    def of(cls, spec: RunSpec, state: State) -> Self:
        """The data of a run from a state on."""
        import torch

        memory = {name: value.detach().cpu().numpy() for name, value in state.memory.items()}
        sent = SentSpec.of(spec)
        return cls(sent, torch.get_num_threads(), state.coefficients.detach().cpu().numpy(), memory, state.done)

    def take_part(self) -> None:
        """Take the steps of the run that the first process announces.

        Raises:
            NotConvergedError: If another process is lost, or has another state.
        """
        import torch

        torch.set_num_threads(self.threads)
        with tempfile.TemporaryDirectory(prefix="pdefreq-") as folder:
            iteration, device = self._prepared(Path(folder))
            memory = {name: torch.from_numpy(value).to(device) for name, value in self.memory.items()}
            state = iteration.restore(torch.from_numpy(self.coefficients).to(device), memory)
            state = replace(state, done=self.done)
            _wait_for_all()
            while _is_next(state):
                with together():
                    state = iteration.step(state)

    def _prepared(self, folder: Path) -> tuple[Iteration, torch.device]:
        from pdefreq.core.devices import as_device, as_dtype

        spec = self.spec.read(folder)
        trust = bool(spec.code_files)  # those that the user named for the first process, which has loaded them
        assert spec.solver is not None
        problem, solver = spec.problem.read(trust=trust), solver_from_json(spec.solver, trust=trust)
        device = as_device(spec.device)
        return solver.prepare(problem.blind(), seed=spec.seed, device=device, dtype=as_dtype(spec.dtype)), device


@contextmanager
def led(prepared: PreparedRun, state: State) -> Iterator[Step]:
    """A context with the function that takes a step: `Iteration.step`, with all processes or with the other runs of a `Meeting`.

    Args:
        prepared: The run.
        state: The state before the first of these steps.

    Raises:
        NotConvergedError: By a step, if another process is lost.
    """
    if processes().size == 1:
        yield met(prepared.iteration)
        return
    _send(SharedRun.of(prepared.spec, state))
    _wait_for_all()
    inside = False

    def step(state: State) -> State:
        nonlocal inside
        inside = True
        _announce(state)
        with together():
            state = prepared.iteration.step(state)
        inside = False
        return state

    try:
        yield step
    finally:
        if not inside:  # otherwise the others are still in a step, and end when this process ends
            with suppress(NotConvergedError):  # the results do not need the others any more
                _announce(None)


@contextmanager
def joined_group() -> Iterator[None]:
    """A context in which the processes that torchrun started are one group, with NCCL for tensors on GPUs and Gloo for others.

    Raises:
        NotConvergedError: If the processes do not find each other.
        OptionError: If the time in the environment variable `SECONDS` is not a positive number.
    """
    import torch
    import torch.distributed as dist

    size = int(os.environ["WORLD_SIZE"])
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        backend = "cpu:gloo,cuda:nccl"
    timeout = timedelta(seconds=_seconds(os.environ.get(SECONDS)))
    with telling_of_lost_processes(size):
        dist.init_process_group(backend, timeout=timeout)
    with joined(AllReduce(dist.get_rank(), size, int(os.environ.get("LOCAL_WORLD_SIZE", size)))):
        try:
            yield
        except UserError as error:
            if not is_loss(error):
                _dismiss()
            raise
        _dismiss()
    dist.destroy_process_group()


def _seconds(text: str | None) -> float:
    """The time after which a process counts as lost, from the text of the environment variable.

    Raises:
        OptionError: If it is not a positive number.
    """
    if text is None:
        return _USUAL_SECONDS
    with suppress(ValueError):
        if 0 < (seconds := float(text)) < _MOST_SECONDS:
            return seconds
    raise OptionError(f"the environment variable {SECONDS} must be a positive number of seconds, got '{text}'")


def follow() -> None:
    """Take part in the runs of the first process until it has ended.

    Signals are left to the first process, which ends the run between two steps.

    Raises:
        UserError: If the run can't be prepared here, or another process is lost.
    """
    for number in _REQUESTS:
        signal.signal(number, signal.SIG_IGN)
    import pdefreq.solvers.network_methods  # noqa: F401  # while the first process prepares the run

    while (run := _received()) is not None:
        run.take_part()


def _dismiss() -> None:
    """Let the other processes end, if this one is the first."""
    if processes().rank == 0:
        with suppress(NotConvergedError):
            _send(None)


def _send(run: SharedRun | None) -> None:
    """Send a run to the other processes; None ends them."""
    import torch.distributed as dist

    with telling_of_lost_processes(processes().size):
        dist.broadcast_object_list([run], src=0, device=_cpu())


def _received() -> SharedRun | None:
    import torch.distributed as dist

    found: list[SharedRun | None] = [None]
    with telling_of_lost_processes(processes().size):
        dist.broadcast_object_list(found, src=0, device=_cpu())
    return found[0]


def _wait_for_all() -> None:
    """Wait until all processes are ready for the first step, whose time then does not include their preparation."""
    import torch

    with together():
        current().sum(torch.zeros(1))


def _announce(state: State | None) -> None:
    """Announce a step from a state to the other processes, or with None the end of the steps."""
    import torch
    import torch.distributed as dist

    message = torch.tensor([0, 0] if state is None else [1, _digest(state)])
    with telling_of_lost_processes(processes().size):
        dist.broadcast(message, src=0)


def _is_next(state: State) -> bool:
    """Whether the first process announces a step from this state.

    Raises:
        NotConvergedError: If it has another state.
    """
    import torch
    import torch.distributed as dist

    message = torch.zeros(2, dtype=torch.long)
    with telling_of_lost_processes(processes().size):
        dist.broadcast(message, src=0)
    more, digest = message.tolist()
    if more and digest != _digest(state):
        raise NotConvergedError(
            f"process {processes().rank} has other coefficients than process 0 at the same step: use machines of the same kind "
            "with the same versions of all packages"
        )
    return bool(more)


def _digest(state: State) -> int:
    """A number that depends on the bits of the coefficients, whatever the order of summation."""
    import torch

    c = state.coefficients.detach()
    return int(c.view(torch.int64 if c.dtype == torch.float64 else torch.int32).sum())


def _cpu() -> torch.device:
    import torch

    return torch.device("cpu")

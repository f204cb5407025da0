"""Small functionals and schedules with known minima, for tests of iterations."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from pdefreq.core.history import Stop
from pdefreq.core.streams import stream
from pdefreq.functionals.block import Block, LeastSquaresBlock
from pdefreq.functionals.functional import Functional
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.solvers.solver import Solver
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.trial_space import Network


class Constant:
    """A schedule with the same functional in every step; `used` contains the requested steps."""

    quadrature = None

    def __init__(self, functional):
        self.functional, self.used = functional, []

    def at(self, step):
        self.used.append(step)
        return self.functional

    def key(self, step):
        return 0

    def is_final(self, step):
        return True

    def stage(self, step):
        return 0

    def is_last_stage(self, step):
        return True


class Changing(Constant):
    """A schedule with one functional before a given step and another one from this step on."""

    def __init__(self, first, then, at):
        super().__init__(first)
        self.then, self.change = then, at

    def at(self, step):
        return self.then if step >= self.change else self.functional

    def key(self, step):
        return self.stage(step)

    def is_final(self, step):
        return self.is_last_stage(step)

    def stage(self, step):
        return int(step >= self.change)

    def is_last_stage(self, step):
        return step >= self.change


class Drawn(Constant):
    """A schedule whose functional may change, although it is constant here."""

    def is_final(self, step):
        return False


@dataclass(frozen=True)
class Numbers(Network):
    """A trial space of bare coefficients, without functions."""

    number: int

    @property
    def shapes(self):
        return {"c": (self.number,)}

    smoothness = 0

    def initialize(self, stream):
        return torch.randn(self.number, generator=stream, dtype=torch.float64)

    def at(self, x):
        raise NotImplementedError


class Plain(Block):
    """A block that is a function of the coefficients."""

    order = 0
    num_rows = 1

    def __init__(self, name, function):
        super().__init__(name, None)
        self.function = function

    def value(self, c):
        return self.function(c)

    def gauss_newton_factor(self, c):
        return torch.func.grad(self.function)(c)[None]

    def trace(self, c):
        return self.gauss_newton_factor(c).square().sum()


class Rows(LeastSquaresBlock):
    """|A c - b|^2 / 2."""

    order = 0

    def __init__(self, name, matrix, load):
        super().__init__(name, None)
        self.matrix, self.load = matrix, load

    @property
    def num_rows(self):
        return len(self.load)

    def residual(self, c):
        return self.matrix @ c - self.load

    def gauss_newton_factor(self, c):
        return self.matrix

    def trace(self, c):
        return self.matrix.square().sum()


class Quadratic(Functional):
    """c^T A c / 2 - b^T c."""

    def __init__(self, matrix, load):
        super().__init__([Plain("quadratic", lambda c: c @ matrix @ c / 2), Plain("linear", lambda c: -load @ c)])
        self.matrix, self.load = matrix, load


def quadratic(number=6, dtype=torch.float64):
    generator = stream(0, "test")
    root = torch.randn(number, number, generator=generator, dtype=torch.float64)
    return Quadratic((root @ root.T).to(dtype), torch.randn(number, generator=generator, dtype=torch.float64).to(dtype))


@dataclass(frozen=True)
class Breaking(Solver):
    """A solver that minimizes |c|^2 / 2, whose value is NaN once |c| has fallen to a quarter of its initial value.

    Args:
        optimizer: A name in `OPTIMIZERS` of test_training_iteration.
    """

    optimizer: str

    @property
    def budget(self):
        return Stop(steps=50)

    def prepare(self, problem, *, seed, device, dtype, guess=None):
        from tests.iterations.training.test_training_iteration import OPTIMIZERS

        space = MlpSpace(problem.domain, (4,))
        start = float(space.initialize(stream(seed, "initialization")).norm())
        functional = Functional([Plain("size", lambda c: (c @ c / 2).where(c.norm() > 0.25 * start, torch.nan))])
        from dataclasses import replace

        optimizer = OPTIMIZERS[self.optimizer]
        if hasattr(optimizer, "rate"):
            optimizer = replace(optimizer, rate=replace(optimizer.rate, start=0.3, half_life=None), clip=None)
        return TrainingIteration(space, Constant(functional), optimizer, seed=seed, like=torch.empty(0, dtype=dtype))

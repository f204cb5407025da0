"""The effect of fitting the gradient on the rate of each frequency: ``pdefreq reproduce gradient-loss``.

A network u is fitted to a target on (-pi, pi) by the losses

    L_nongrad = mean |u - f|^2,    L_grad = L_nongrad + mean |u' - f'|^2.

With the tangent kernel K at initialization, L_nongrad moves the error e by -(1/pi) int K(x, y) e(y) dy. Integration by parts
turns the contribution of the gradient into

    -(1/pi) int d/dy K(x, y) e'(y) dy = (1/pi) int K(x, y) e''(y) dy - (1/pi) [ K(x, y) e'(y) ] from y = -pi to pi,

which for a tone, e'' = -xi^2 e, is xi^2 times the rate under L_nongrad and a boundary term. The ratio of the rates is 1 + xi^2
for periodic networks, whose kernel is periodic, so that the boundary term vanishes. On an interval it reduces the ratio.

The notes contain the losses but no numbers; networks, widths and the interval are our choice. Networks are zero at initialization
(antisymmetric), so that the initial error is the target. Activations must be smooth: if the slope of a unit jumps, so does the
derivative of u with respect to a weight, and d/dy K does not include the jump.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import CallableField
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.figures.gradient_loss import Curves, gradient_loss_figure
from pdefreq.iterations.training.training_iteration import TrainingIteration
from pdefreq.problem.files import load_problem
from pdefreq.solvers.network_methods import regression, regression_gradient
from pdefreq.spectrum.modes import ModeFamilies
from pdefreq.theory.dynamics import GradientFlowFilter

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.dynamics import LinearDynamics

SOURCE = "Xu, Understanding deep learning (lecture notes), section 1.1.2, equations 1.21 to 1.23"
TOGETHER = (1, 3, 5)  # the target of `tones-known`
ALONE = (1, 2, 3, 4, 5, 6, 7, 8)
HARMONICS = 5  # of the periodic input; with fewer harmonics the kernel has hardly any component at the highest tone
_POINTS = 400  # Gauss points, 40 panels: see the error of a tone alone for what they miss
_BLOCK = 10_000  # units; of wider networks rates are summed up in blocks, which takes less memory and time
_STEP = 1e-5  # rate of the one step that is taken: the error falls by about as much, and what is not linear by its square


@dataclass(frozen=True)
class Fit:
    """A network with one hidden layer at initialization, and a target that is a sum of tones sin(xi x).

    Args:
        periodic: Whether cos kx and sin kx, k = 1 ... 5, are the input, in place of x.
        width: Number of units.
        tones: The xi, whole numbers.
        seed: Seed of the weights.
    """

    periodic: bool
    width: int
    tones: tuple[int, ...]
    seed: int = 0

    @property
    def blocks(self) -> list[Fit]:
        """The networks of 10,000 units that form this network, each with its own seed.

        Raises:
            OptionError: If the width is not a multiple of 10,000.
        """
        count, rest = divmod(self.width, _BLOCK)
        if rest:
            raise OptionError(f"a `width` above {_BLOCK} must be a multiple of it, got {self.width}")
        return [replace(self, width=_BLOCK, seed=count * self.seed + part) for part in range(count)]

    @property
    def problem(self) -> Problem:
        """`tones-known` with these tones."""
        return replace(load_problem("tones-known").blind(), source=CallableField(self.target))

    @property
    def modes(self) -> Modes:
        """The tones as sine modes: 2 xi half waves."""
        return ModeFamilies(self.problem).modes("sine", [[2 * k] for k in self.tones])

    def target(self, x: Tensor) -> Tensor:
        """The sum of tones at points ``(n, 1)``."""
        return torch.sin(x * x.new_tensor(self.tones)).sum(dim=1)

    def iteration(self, *, gradient: bool) -> TrainingIteration:
        """Gradient descent on one of the two losses."""
        method = regression_gradient if gradient else regression
        periodic = {"input": "periodic", "harmonics": HARMONICS}
        solver = method().with_options(
            periodic if self.periodic else None,
            widths=(self.width,),
            initialization="ntk",
            start="antisymmetric",
            optimizer="gd",
            learning_rate=_STEP,
            half_life=None,
            points="gauss",
            number=_POINTS,
            scaling="none",
        )
        iteration = solver.prepare(self.problem, seed=self.seed, device=torch.device("cpu"), dtype=torch.float64)
        assert isinstance(iteration, TrainingIteration)
        return iteration

    def dynamics(self, *, gradient: bool) -> LinearDynamics:
        """The exact dynamics of the tones for a constant kernel."""
        iteration, modes = self.iteration(gradient=gradient), self.modes
        return iteration.linearized(modes, self.target(modes.points(iteration.init().space)))

    def rates(self, *, gradient: bool) -> np.ndarray:
        """Relative decrease of each tone's error in one step of gradient descent, over the step, shape ``(tones,)``.

        They are linear in the kernel, which is a mean over units: a network of B blocks has the mean of its blocks' rates.
        """
        if self.width > _BLOCK:
            return np.mean([block.rates(gradient=gradient) for block in self.blocks], axis=0)
        iteration, modes = self.iteration(gradient=gradient), self.modes
        state = iteration.init()
        evaluator = state.space.at(modes.points(state.space))

        def amplitudes(c: Tensor) -> np.ndarray:
            return modes.coefficients(evaluator.value(c).numpy(), state.space)

        target = modes.coefficients(self.target(modes.points(state.space)).numpy(), state.space)
        before = amplitudes(state.coefficients)
        after = amplitudes(iteration.step(state).coefficients)
        return (after - before) / (target - before) / _STEP

    def ratios(self) -> np.ndarray:
        """Initial rate under L_grad over that under L_nongrad, for each tone."""
        return self.rates(gradient=True) / self.rates(gradient=False)

    def boundary_term(self) -> float:
        """What the boundary adds to the ratio of a tone alone, from the kernel between the tone and the ends of the interval.

        With the mode v = sin k(x + pi), whose slope is k at both ends, it is k (K(v, pi) - K(v, -pi)) / pi over the initial rate
        under L_nongrad.
        """
        (k,) = self.tones
        state, modes = self.iteration(gradient=False).init(), self.modes
        ends = torch.tensor([[-math.pi], [math.pi]], dtype=torch.float64)
        x = modes.points(state.space)
        kernel = state.space.at(x).jacobian(state.coefficients) @ state.space.at(ends).jacobian(state.coefficients).T
        left, right = (float(modes.coefficients(column.numpy(), state.space)[0]) for column in kernel.T)
        return k * (right - left) / math.pi / float(self.rates(gradient=False)[0])


def curves(fit: Fit) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Time, in units of that of the fastest direction under L_nongrad, and relative errors ``(T, tones)`` by loss."""
    time = np.concatenate([[0.0], np.geomspace(1e-2, 1e3, 300)])
    plain = fit.dynamics(gradient=False)
    clock = torch.from_numpy(time) / float(plain.kappa[0])
    both = {"L_nongrad": plain, "L_grad": fit.dynamics(gradient=True)}
    return time, {name: (d.errors(GradientFlowFilter(), clock) / d.start).abs().numpy() for name, d in both.items()}


def experiment(*, width: int, widths: Sequence[int], seeds: Sequence[int]) -> Report:
    """The study.

    Args:
        width: Units for tones alone.
        widths: Units for tones together.
        seeds: Of the latter.
    """
    alone = {name: [Fit(p, width, (k,)) for k in ALONE] for name, p in (("periodic input", True), ("plain interval", False))}
    ratios = {name: np.array([fit.ratios()[0] for fit in fits]) for name, fits in alone.items()}
    boundary = np.array([fit.boundary_term() for fit in alone["plain interval"]])
    wavenumbers = np.array(ALONE, float)
    theory = 1 + wavenumbers**2
    measured = {m: np.array([Fit(True, m, TOGETHER, seed).ratios() for seed in seeds]) for m in widths}
    expected = 1 + np.array(TOGETHER, float) ** 2
    off = {m: np.abs(found / expected - 1) for m, found in measured.items()}  # (seeds, tones)
    exact = np.abs(ratios["periodic input"] / theory - 1).max()
    share, explained = ratios["plain interval"] / theory, (theory + boundary) / ratios["plain interval"]
    largest = ", ".join(f"{100 * found.max():.1f} % (m = {m})" for m, found in off.items())
    widest = ", ".join(f"{100 * row.max():.1f} %" for row in off[widths[-1]])
    median = ", ".join(f"{100 * np.median(found):.1f} %" for found in off.values())
    findings = [
        f"Periodic input, single tones, {width} units: the ratio of initial rates differs from 1 + xi^2 by at most {exact:.1e} "
        "(relative). The kernel is periodic at any width, so that the boundary term vanishes.",
        f"Periodic input, tones {', '.join(map(str, TOGETHER))} together: over all tones and seeds the relative "
        f"difference from 1 + xi^2, which is due to the coupling of the tones by the kernel, is at most {largest}; its median is "
        f"{median}.",
        f"With {widths[-1]} units the largest distances from 1 + xi^2 are {widest} in the seeds {', '.join(map(str, seeds))} "
        "(goal: 3 %).",
        f"Plain interval, single tones, {width} units: the ratio is {share.min():.2g} to {share.max():.2g} of 1 + xi^2.",
        f"Plain interval: the sum of 1 + xi^2 and the boundary term differs from the ratio by at most "
        f"{np.abs(explained - 1).max():.1e} (relative).",
    ]
    rows = [
        [k, float(one), *(float(ratios[name][i]) for name in alone), float(boundary[i])]
        for i, (k, one) in enumerate(zip(ALONE, theory, strict=True))
    ]
    columns = ["xi", "1 + xi^2", "periodic input", "plain interval", "boundary term of the interval"]
    together = [
        [m, seed, k, float(one), float(found)]
        for m, by_seed in measured.items()
        for seed, row in zip(seeds, by_seed, strict=True)
        for k, one, found in zip(TOGETHER, expected, row, strict=True)
    ]
    time, errors = curves(Fit(True, width, TOGETHER))
    figure = gradient_loss_figure(
        wavenumbers, ratios, theory + boundary, off, Curves(time, TOGETHER, errors), units=width, seeds=len(seeds)
    )
    return Report(
        "Losses with the gradient: the speedup of each frequency",
        SOURCE,
        findings,
        {
            "tones-alone": Table(columns, rows),
            "tones-together": Table(["m", "seed", "xi", "1 + xi^2", "ratio"], together),
        },
        {"gradient-loss": figure},
    )


@Entry(
    places=(Place(Document.THEORY, "section 1.1.2, equations 1.22 and 1.23, figure 1.2"),),
    shows="A loss with the gradient multiplies the initial rate of frequency xi by 1 + xi^2 where the kernel is periodic, so "
    "that high frequencies are learned earlier. On an interval a boundary term reduces the factor.",
    lacks="The notes state the losses and the target, but no network, no training and no numbers.",
    seconds=66.9,
)
def gradient_loss() -> Report:
    """Fitting values and gradient: the rate of frequency xi is 1 + xi^2 times larger for periodic input (lecture notes)."""
    return experiment(width=500, widths=(100, 1000, 10_000, 40_000), seeds=(0, 1, 2))


if __name__ == "__main__":
    main("gradient-loss", gradient_loss)

"""The kernel of a wide network, and the limit of training with it: ``pdefreq reproduce kernel``.

Both parts have the network of the notes, u = 1 / sqrt(m) sum_k a_k relu(w_k x + b_k) with standard normal a, w, b, on (-1, 1).

**Eigenvectors** (figure 1.1). On uniform points, with descending eigenvalues, eigenvector i of the kernel at infinite width
changes sign i
times: high frequencies have small eigenvalues and converge late. The kernel of m units jumps at the kink of each unit. If several
kinks lie between neighboring points, the jumps average out; with one kink or none, an eigenvector may cross zero three times in a
row instead of once. The law therefore fails if points are too dense for the width, but only between close neighbors.

The mean of the kernels of B networks of m units is the kernel of a network of B m units: theirs side by side. The mean-field
parametrization, with 1 / m, has the kernel of this one over m, and the same eigenvectors.

**Equation 1.14.** The limit of gradient descent from any initial function h_ini follows from three kernel regressions with the
initial kernel: h_k(.; 0, X, Y) + h_ini - h_k(.; 0, X, h_ini(X)). Trained networks approach it like m^(-1/2). The task is that of
figure 1.4, sin 4x, with 6 uniform points instead of 10 random points, two of which may be so close that only a few units have
their kink between them; such units do not stay near their initial values at the widths used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.history import Schedule
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.experiments.entry import Document, Entry, Place
from pdefreq.experiments.report import Report, Table, main
from pdefreq.experiments.trials import require_at_least
from pdefreq.figures.wide_kernel import Interpolation, wide_kernel_figure
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.theory.infinite_width import wide_kernels
from pdefreq.theory.kernel_modes import Eigenpairs, eigenpairs, sign_changes
from pdefreq.theory.kernel_regression import trained_output
from pdefreq.theory.ntk import kernel as tangent_kernel

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.history import History
    from pdefreq.iterations.iteration import State

SOURCE = (
    "Xu, Understanding deep learning (lecture notes), figures 1.1 and 1.4 and equation 1.14; Zhang, Xu, Luo, Ma (2020), arXiv "
    "1905.07777"
)
BOX = Box((-1.0,), (1.0,))
INDICES = 60  # eigenvectors that are counted
ASKED = 20  # of them, of a finite width
COARSE = 600  # entries of a vector: ten for each half wave of the last one
TRAINING, TESTS = 6, 500
ENOUGH = 1e-3  # largest residual at a training point at which training ends; the largest value is 1
_MOST_STEPS = 50_000  # a guard: the longest training took 3000


def interval(number: int) -> Tensor:
    """Uniform points of [-1, 1], including both ends, ``(number, 1)``."""
    return torch.linspace(-1, 1, number, dtype=torch.float64)[:, None]


def finite_kernel(width: int, number: int, seed: int, initialization: str = "ntk") -> Tensor:
    """The tangent kernel of a random network between even points, ``(number, number)``."""
    space = MlpSpace(BOX, (width,), "relu", initialization, bias="hidden")
    return tangent_kernel(space.at(interval(number)).jacobian_factors(space.initialize(stream(seed, "initialization"))))


def leading(kernel: Tensor, count: int = INDICES) -> Eigenpairs:
    """The leading eigenpairs, by Lanczos' method: of 3000 points 25 times faster than a decomposition by LAPACK."""
    from scipy.sparse.linalg import aslinearoperator

    return eigenpairs(aslinearoperator(kernel.numpy()), count)


def first_broken(vectors: Tensor) -> int | None:
    """The first i whose column does not change sign i times; None if all do."""
    wrong = (sign_changes(vectors) != torch.arange(vectors.shape[1])).nonzero()
    return int(wrong[0]) if len(wrong) else None


@dataclass(frozen=True)
class KernelSpectrum:
    """Eigenvectors of one kernel.

    Args:
        width: m; None for infinity.
        number: Of points.
        seed: Seed of the weights.
        pairs: The leading ones.
    """

    width: int | None
    number: int
    seed: int | str
    pairs: Eigenpairs

    @property
    def label(self) -> str:
        """For figures."""
        if self.width is None:
            return "m = ∞"
        return f"m = {self.width:,}" + (f", seed {self.seed}" if isinstance(self.seed, int) else "")

    @property
    def sentence(self) -> str:
        """What was found."""
        broken, units = first_broken(self.pairs.vectors), "infinitely many" if self.width is None else f"{self.width}"
        of = f"{units} units" + (f" (seed {self.seed})" if self.width is not None else "") + f", {self.number} points"
        if broken is None:
            return f"{of}: eigenvector i changes sign i times for all i < {INDICES}."
        said = f"{of}: eigenvector i changes sign i times for i < {broken}"
        return said + ("." if self.width is None or broken >= ASKED else f", not for all i < {ASKED}.")

    def row(self) -> list[object]:
        """For the table."""
        vectors = self.pairs.vectors
        broken = [first_broken(v) for v in (vectors, vectors[:: max(1, self.number // COARSE)])]
        return [self.width or "infinite", self.number, self.seed, *(f"none of {INDICES}" if i is None else i for i in broken)]


def spectra(width: int, numbers: Sequence[int], seeds: int) -> list[KernelSpectrum]:
    """The analytic kernel at the last number of points; networks of each seed at all of them; and all networks side by side."""
    most = numbers[-1]
    found = [KernelSpectrum(None, most, "-", leading(wide_kernels(interval(most)).tangent))]
    for number in numbers:
        kernels = []
        for seed in range(seeds):
            kernels.append(finite_kernel(width, number, seed))
            found.append(KernelSpectrum(width, number, seed, leading(kernels[-1])))
        if number == most:
            mean = torch.stack(kernels).mean(dim=0)
            found.append(KernelSpectrum(seeds * width, number, f"0 to {seeds - 1}, side by side", leading(mean)))
    return found


def target(x: Tensor) -> Tensor:
    """The target function."""
    return torch.sin(4 * x[:, 0])


def interpolation(width: int, seed: int, *, antisymmetric: bool = False) -> Interpolation:
    """Equation 1.14 for one network, and then its training at the rate 1 / kappa_1.

    Args:
        width: Units, those of both copies together if it is antisymmetric.
        seed: Seed of the weights.
        antisymmetric: Whether it is zero at the start.
    """
    x, t = interval(TRAINING), BOX.interior(TESTS, stream(0, "test points")).x.sort(dim=0).values
    y, field = target(x), CallableField(target)
    zero, one, data = ConstantField(0.0), ConstantField(1.0), Data(x=x, values=y)
    problem = Problem(domain=BOX, source=field, diffusion=zero, reaction=one, data=data)
    solver = regression().with_options(
        widths=(width // 2 if antisymmetric else width,),
        activation="relu",
        initialization="ntk",
        bias="hidden",
        start="antisymmetric" if antisymmetric else None,
        optimizer="gd",
        half_life=None,
        steps=_MOST_STEPS,
        scaling="none",
    )
    start = solver.prepare(problem, seed=seed, device=torch.device("cpu"), dtype=torch.float64).init()
    c, space = start.coefficients, start.space
    inside, outside = space.at(x), space.at(t)
    at_data = inside.jacobian(c)
    gram, cross = at_data @ at_data.T, outside.jacobian(c) @ at_data.T
    initial = outside.value(c)
    predicted = trained_output(gram, cross, y, initial_at_data=inside.value(c), initial=initial)
    rate = TRAINING / (2 * float(torch.linalg.eigvalsh(gram)[-1]))  # the kernel of the loss, a mean of squares, is 2 / n times K

    def met(_: int, state: State, __: History) -> bool:
        with torch.no_grad():
            return bool((inside.value(state.coefficients) - y).abs().max() < ENOUGH)

    schedule = Schedule(dense=1, per_decade=50)
    found = solve(
        problem, solver.with_options(learning_rate=rate), seed=seed, probes=(), schedule=schedule, callback=met, predict=False
    )
    with torch.no_grad():
        trained = outside.value(found.state.coefficients)
    return Interpolation(
        width,
        seed,
        antisymmetric,
        int(found.state.memory["steps"]),
        *(v.detach().numpy() for v in (x[:, 0], y, t[:, 0], initial, predicted, trained)),
    )


def experiment(
    *,
    width: int = 10_000,
    numbers: Sequence[int] = (600, 3000),
    widths: Sequence[int] = (1000, 4000, 16_000, 64_000),
    seeds: int = 3,
) -> Report:
    """Both parts.

    Args:
        width: Units of the kernels.
        numbers: Of points of the kernels, ascending.
        widths: Units of trained networks, ascending.
        seeds: Of both.
    """
    require_at_least(1, seeds=seeds)
    kernels = spectra(width, numbers, seeds)
    runs = [interpolation(m, seed) for m in widths for seed in range(seeds)]
    even = interpolation(widths[-1], 0, antisymmetric=True)
    widest = [run for run in runs if run.width == widths[-1]]
    slope = float(np.polyfit(np.log([run.width for run in runs]), np.log([run.distance for run in runs]), 1)[0])
    findings = [
        *(spectrum.sentence for spectrum in kernels),
        f"Equation 1.14, {widths[-1]} units: trained networks differ from it at {TESTS} test points by "
        f"{', '.join(f'{run.distance:.3f}' for run in widest)} of their own size, root mean square over root mean square (goal: "
        f"0.05), and in the largest absolute value by {', '.join(f'{run.largest:.3f}' for run in widest)}; from an "
        f"antisymmetric start by {even.distance:.3f} and {even.largest:.3f}.",
        f"Over widths from {widths[0]} to {widths[-1]} the distance behaves like m^{slope:.2f}; theory: m^-0.5.",
    ]
    columns = ["m", "points", "seed", "first i without i sign changes", f"the same in {COARSE} of the entries"]
    trained = [
        [run.width, run.seed, "antisymmetric" if run.antisymmetric else "as drawn", run.steps, run.distance, run.largest]
        for run in (*runs, even)
    ]
    figure = wide_kernel_figure(
        interval(numbers[-1])[:, 0].numpy(),
        {spectrum.label: spectrum.pairs.vectors.numpy() for spectrum in kernels if spectrum.number == numbers[-1]},
        {spectrum.label: spectrum.pairs.values.numpy() / spectrum.number for spectrum in kernels},
        runs,
        even,
    )
    return Report(
        "The kernel of a wide network: its eigenvectors, and the limit of training",
        SOURCE,
        findings,
        {
            "eigenvectors": Table(columns, [spectrum.row() for spectrum in kernels]),
            "trained": Table(["m", "seed", "start", "steps", "relative L2", "relative max"], trained),
        },
        {"kernel": figure},
    )


@Entry(
    places=(
        Place(
            Document.LINEAR,
            "section 1.1, figure 1.1 on eigenvectors; section 1.4, equation 1.14; section 1.6, figure 1.4(a) and (b)",
        ),
        Place(Document.SLIDES, "slide 'Linear approximation for wide NN'"),
    ),
    publication="arXiv 1905.07777",
    shows="Eigenvectors of the tangent kernel with larger eigenvalues oscillate less, so that low frequencies converge first. "
    "The trained output of a wide network is predicted by three kernel regressions, which contain the initial output as "
    "an error.",
    published=("none; curves for 3000 points and for 1-5000-5000-1",),
    lacks="The learning rate and the number of steps are not stated; the caption of figure 1.1 belongs to another figure.",
    seconds=63,
)
def kernel(seeds: int = 3) -> Report:
    """Eigenvectors of a wide ReLU network's kernel, and its trained output from three kernel regressions (lecture notes).

    Args:
        seeds: Number of networks of each width.
    """
    return experiment(seeds=seeds)


if __name__ == "__main__":
    main("kernel", kernel)

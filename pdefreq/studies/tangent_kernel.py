"""The tangent kernel of a network on an interval."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from pdefreq.core.conversion import convert
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.text_table import text_table
from pdefreq.domains.box import Box
from pdefreq.figures.notebook import Shown, paragraph, table
from pdefreq.iterations.protocols import HasTangentKernel
from pdefreq.spaces.trial_space import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from pdefreq.problem.problem import Problem
    from pdefreq.runs.solution import Solution
    from pdefreq.solvers.solver import Solver
    from pdefreq.spectrum.modes import Modes
    from pdefreq.theory.kernel_modes import Eigenpairs, RayleighQuotients

_DECOMPOSED = 1000  # largest number of points with a full eigendecomposition of the kernel
_MODES = 12  # number of modes, unless the problem names more


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TangentKernel(Shown):
    """The kernel K(x, y) = grad_c u(x) . grad_c u(y) of a network u with parameters c, at its initial state.

    Args:
        x: The uniform points of the interval, ``(n,)``.
        matrix: K at every point, or at every k-th one if there are many.
        pairs: Its leading eigenpairs at all points.
        trace: The sum of all eigenvalues.
        modes: The lowest modes and those at the wavenumbers that the problem names.
        quotients: The Rayleigh quotients of these modes, and their eigen-residuals.
        highest_wavenumber: The largest wavenumber that the points resolve.
        linearization: The method, whose objective defines the kernel in the metric of the loss.
        trained: The run along which the drift of the kernel was measured, or None.
        title: The title of the figure.
    """

    x: Tensor
    matrix: Tensor
    pairs: Eigenpairs
    trace: float
    modes: Modes
    quotients: RayleighQuotients
    highest_wavenumber: float
    linearization: HasTangentKernel
    trained: Solution | None
    title: str

    def __repr__(self) -> str:
        head = f"<tangent kernel at {len(self.x)} points: largest eigenvalue {float(self.pairs.values[0]):.4g}>"
        return "\n".join([head, *text_table([*self._rows()[0]], self._rows())])

    @functools.cached_property
    def loss_eigenvalues(self) -> Tensor:
        """The eigenvalues of the kernel in the metric of the loss, descending; see `pdefreq.iterations.training.linearized`."""
        from pdefreq.iterations.training.linearized import loss_spectrum

        return loss_spectrum(*self.linearization.start())

    @property
    def drift(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The recorded steps, and |K(t) - K(0)| / |K(0)| in the Frobenius norm at each; None without a run."""
        if self.trained is None:
            return None
        return self.trained.history.column("step"), self.trained.history.column("kernel_drift")

    def plot(self) -> Figure:
        """A figure of the matrix, its eigenvalues, eigenvectors and their frequencies, and the drift."""
        from pdefreq.figures.kernel import kernel_figure

        at = self.x.numpy()
        thinned = at[:: -(-len(at) // len(self.matrix))]
        return kernel_figure(self.matrix.numpy(), thinned, pairs=self.pairs, at=at, drift=self.drift, title=self.title)

    def _rows(self) -> list[dict[str, float]]:
        names = ("wavenumber", "Rayleigh quotient", "eigen-residual")
        values = (self.modes.wavenumber, self.quotients.values.numpy(), self.quotients.eigen_residuals.numpy())
        return [dict(zip(names, map(float, row), strict=True)) for row in zip(*values, strict=True)]

    def _html(self) -> str:
        return paragraph([self.title]) + table([*self._rows()[0]], self._rows())


def tangent_kernel(
    problem: Problem | str, solver: Solver | str, *, number: int = 300, seed: int = 0, steps: int = 0, method: str | None = None
) -> TangentKernel:
    """The tangent kernel of the network that a method trains, at its initial state, and its drift along a run.

    Args:
        problem: A problem on an interval, or its name or path as in `solve`.
        solver: A method that trains a network, or its name.
        number: The number of points.
        seed: The seed of the initial state.
        steps: The number of steps of a run along which the drift is measured; 0 means none.
        method: The name of the method in titles; by default the given name, or that of the solver.

    Raises:
        IncompatibleError: If the domain is not an interval, or the method does not train a network.

    Example:
        >>> kernel = tangent_kernel("poisson", "deep-ritz", number=50)
        >>> bool((kernel.pairs.values[:3] > 0).all())
        True
    """
    from pdefreq.core.history import Stop
    from pdefreq.figures.kernel import SHOWN
    from pdefreq.probes.ntk import NtkProbe
    from pdefreq.runs.arguments import problem_of, solver_of
    from pdefreq.runs.solve import solve
    from pdefreq.spectrum.box_modes import make_modes
    from pdefreq.spectrum.family import nearest
    from pdefreq.spectrum.span import span_of
    from pdefreq.theory.kernel_modes import eigenpairs, rayleigh_quotients
    from pdefreq.theory.ntk import diagonal, kernel, operator

    problem = problem_of(problem)
    name, solver = method or (solver if isinstance(solver, str) else ""), solver_of(solver)
    name = name or solver.name
    if convert("number", number, int) < 2:
        raise OptionError(f"`number` must be at least 2, got {number}", option="number")
    domain = problem.domain
    if not isinstance(domain, Box) or domain.dimension != 1:
        raise IncompatibleError("`pdefreq ntk` draws kernels on an interval; in higher dimensions use the probe `ntk`")
    iteration = solver.prepare(problem.blind(), seed=seed, device=torch.device("cpu"), dtype=torch.float64)
    state = iteration.init()
    linearization = iteration.find(HasTangentKernel)
    if linearization is None or not isinstance(state.space, Network):
        raise IncompatibleError(f"{name} does not train a network, so it has no tangent kernel: use `pdefreq predict`")
    x = torch.linspace(domain.lower[0], domain.upper[0], number, dtype=torch.float64)
    with torch.no_grad():
        blocks = state.space.at(x[:, None]).jacobian_factors(state.coefficients)
        pairs = eigenpairs(kernel(blocks)) if number <= _DECOMPOSED else eigenpairs(operator(blocks), SHOWN)
        thinned = x[:: -(-number // _DECOMPOSED)]
        matrix = kernel(state.space.at(thinned[:, None]).jacobian_factors(state.coefficients))
        every = make_modes("cosine" if problem.spectrum.modes == "cosine" else "sine", domain, intervals=(number - 1,))
        wanted = [xi for xi in problem.spectrum.wavenumbers if xi <= every.wavenumber[-1]]
        named = nearest(every.wavenumber, np.zeros(len(every)), wanted)
        chosen = list(dict.fromkeys([*named, *range(min(_MODES, len(every)))]))[: max(_MODES, len(set(named)))]
        modes = every.take(np.sort(chosen))
        span = span_of(modes)
        assert span is not None
        waves = span.at(x[:, None]).jacobian(torch.zeros(len(modes), dtype=torch.float64))
        quotients = rayleigh_quotients(lambda v: torch.from_numpy(operator(blocks) @ v.numpy()), waves)
    return TangentKernel(
        x=x,
        matrix=matrix,
        pairs=pairs,
        trace=float(diagonal(blocks).sum()),
        modes=modes,
        quotients=quotients,
        highest_wavenumber=float(every.wavenumber[-1]),
        linearization=linearization,
        trained=solve(problem, solver, stop=Stop(steps=steps), probes=[NtkProbe()], seed=seed) if steps else None,
        title=f"{problem.title or problem.name}, {name}: tangent kernel of u at initialization",
    )

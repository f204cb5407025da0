"""Regressions of data: values at points of an interval, handwritten digits, and the parity function."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
import torch

from pdefreq.core.errors import MissingPackageError
from pdefreq.core.fields import as_field
from pdefreq.core.history import Schedule
from pdefreq.domains.box import Box
from pdefreq.experiments.training import TrainingHistory
from pdefreq.experiments.trials import in_words
from pdefreq.probes.filter import FilterProbe
from pdefreq.probes.spectral import SpectralProbe
from pdefreq.problem.data import Data
from pdefreq.problem.problem import Problem
from pdefreq.problem.spectrum import Spectrum
from pdefreq.runs.solution import Solution
from pdefreq.runs.solve import solve
from pdefreq.solvers.network_methods import regression

LEVEL = 0.7
"""The relative error below which the low or the high part of a data set counts as learned."""


def interval_regression(lower: float, upper: float, data: Data, *, exact: str | None = None) -> Problem:
    """The regression u = f on an interval for data at its points.

    Args:
        lower: Left end.
        upper: Right end.
        data: The points with their values; without values, those of `exact` are taken.
        exact: The exact function as a formula, if it is known.
    """
    domain = Box((lower,), (upper,))
    return Problem(domain=domain, exact=exact, diffusion=as_field(0.0), reaction=as_field(1.0), data=data)


def regression_of(x: torch.Tensor, y: torch.Tensor, *, holdout: float, direction: np.ndarray, title: str) -> Problem:
    """The regression u = y at points of their bounding box, measured along a direction.

    Args:
        x: Points, shape ``(n, d)``.
        y: Values, shape ``(n,)``.
        holdout: The fraction of the points that is held out of training.
        direction: The direction of waves, shape ``(d,)``.
        title: The title.
    """
    lower, upper = float(x.min()), float(x.max())
    d = x.shape[1]
    return Problem(
        domain=Box((lower,) * d, (upper,) * d),
        diffusion=as_field(0.0),
        reaction=as_field(1.0),
        data=Data(title, x=x, values=y, holdout=holdout),
        spectrum=Spectrum(modes="ray", direction=tuple(direction.tolist())),
        title=title,
    )


def fitted_labels(problem: Problem, *, learning_rate: float, steps: int, seed: int, per_decade: int) -> Solution:
    """A tanh network of widths 200 and 100, trained by Adam in single precision on the labels of points in many dimensions.

    The errors of waves along the direction of the problem, and of the low and the high part of the labels, are recorded.

    Args:
        problem: The regression.
        learning_rate: The learning rate.
        steps: The number of steps.
        seed: The seed of the network.
        per_decade: The number of recorded steps in each decade.
    """
    method = regression().with_options(
        widths=(200, 100), activation="tanh", learning_rate=learning_rate, half_life=None, scaling="none", initialization="glorot"
    )
    return solve(
        problem,
        method,
        steps=steps,
        seed=seed,
        probes=[SpectralProbe(), FilterProbe()],
        schedule=Schedule(dense=20, per_decade=per_decade),
        dtype="float32",
        predict=False,
    )


def principal_direction(x: torch.Tensor) -> np.ndarray:
    """The unit vector along which the points ``(n, d)`` vary most, shape ``(d,)``; its largest entry is positive."""
    _, _, rows = np.linalg.svd((x - x.mean(dim=0)).numpy(), full_matrices=False)
    return rows[0] * np.sign(rows[0][np.abs(rows[0]).argmax()])


def digits(*, holdout: float = 0.2) -> Problem:
    """The 1797 handwritten digits of scikit-learn, 8 x 8 gray values from 0 to 1: u = 1 for even digits and -1 for odd ones.

    Raises:
        MissingPackageError: If scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise MissingPackageError(
            "the digits need scikit-learn: install it with `pip install 'pdefreq[digits]'`", package="scikit-learn"
        ) from None
    found = load_digits()
    x = torch.tensor(found.data / 16, dtype=torch.float64)
    y = torch.where(torch.tensor(found.target) % 2 == 0, 1.0, -1.0).double()
    return regression_of(x, y, holdout=holdout, direction=principal_direction(x), title="handwritten digits")


def parity(dimension: int = 10, *, holdout: float = 0.5) -> Problem:
    """The product of the coordinates at all points of {-1, 1}^d, along the diagonal."""
    x = torch.tensor(list(itertools.product((-1.0, 1.0), repeat=dimension)), dtype=torch.float64)
    return regression_of(x, x.prod(dim=1), holdout=holdout, direction=np.ones(dimension), title="parity")


def fourier_sum(x: torch.Tensor, y: np.ndarray, wavenumbers: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The non-uniform discrete Fourier transform (1/n) sum_j y_j exp(-i xi p.x_j) along a unit vector p, shape ``(m,)``.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 4.1.
    """
    return np.exp(-1j * np.outer(wavenumbers, x.numpy() @ direction)) @ y / len(y)


def first_steps(errors: Mapping[str, np.ndarray], steps: np.ndarray) -> dict[str, str]:
    """The first recorded step at which each error is below `LEVEL`, in words.

    Args:
        errors: Errors by name, each of shape ``(n,)``.
        steps: The recorded steps, shape ``(n,)``.
    """
    return {name: in_words([TrainingHistory(steps, error).first_below(LEVEL)]) for name, error in errors.items()}

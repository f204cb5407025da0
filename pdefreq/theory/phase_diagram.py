"""Where a two-layer ReLU network trains like a linear model, and where its neurons condense, by the scale of its initialization.

u = (1 / alpha) sum_k a_k relu(w_k . x) with a_k ~ N(0, beta_1^2), w_k ~ N(0, beta_2^2) and m neurons has the coordinates

    gamma = -log(beta_1 beta_2 / alpha) / log m,    gamma' = -log(beta_1 / beta_2) / log m,

each a limit for m to infinity. The inner weights stay put in the linear regime (their relative distance RD from the start tends
to 0 as m^S, S < 0), and move without bound in the condensed one (S > 0); between them is the line gamma = 1 for gamma' <= 0,
gamma' = gamma - 1 for gamma' > 0, where RD stays of order one.

Source:
    Luo, Xu, Ma, Zhang (2021), Phase diagram for two-layer ReLU neural networks at infinite-width limit, JMLR 22.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from pdefreq.core.errors import OptionError


class Regime(StrEnum):
    """How training goes in the limit of infinite width."""

    LINEAR = "linear"
    CRITICAL = "critical"
    CONDENSED = "condensed"


@dataclass(frozen=True)
class PhasePoint:
    """A point of the diagram.

    Args:
        gamma: Exponent of the scale of the output.
        gamma_prime: Exponent of the imbalance between output and inner weights.

    Example:
        >>> [(name, point.regime.value) for name, point in COMMON_INITIALIZATIONS.items()]
        [('lecun', 'linear'), ('he', 'linear'), ('xavier', 'critical'), ('ntk', 'linear'), ('mean-field', 'critical')]
    """

    gamma: float
    gamma_prime: float

    @classmethod
    def of(cls, width: int, *, alpha: float, beta1: float, beta2: float) -> PhasePoint:
        """The coordinates of one network: those of a family of networks are their limit.

        Args:
            width: m > 1.
            alpha: The factor 1 / alpha of the output.
            beta1: Standard deviation of the output weights.
            beta2: Standard deviation of the inner weights.
        """
        log = math.log(width)
        return cls(-math.log(beta1 * beta2 / alpha) / log, -math.log(beta1 / beta2) / log)

    @property
    def distance(self) -> float:
        """How far gamma lies beyond the boundary: negative in the linear regime, positive in the condensed one."""
        return self.gamma - critical_gamma(self.gamma_prime)

    @property
    def predicted_slope(self) -> float:
        """S of RD ~ m^S for inner weights of order one: a scaling argument of our own, which agrees with the line of the source.

        Output weights are a = m^-gamma', and alpha = m^(gamma - gamma'). Gradient steps move w in proportion to a / alpha and a
        to 1 / alpha. To change u by one, all m units together,

        - w alone moves by alpha / (m a) = m^(gamma - 1): for gamma' <= 0, where w has the larger part of the kernel;
        - for gamma' > 0 it is a that moves, by alpha / m, and a's size at the start or at the end carries w along by
          a alpha / m = m^(gamma - 1 - 2 gamma') or by (alpha / m)^2 = m^(2 (gamma - 1 - gamma')), whichever is more;
        - where this is more than there was, both grow alike until m a w / alpha is one: w = m^((gamma - 1 - gamma') / 2).

        Example:
            >>> [PhasePoint(gamma, 0.0).predicted_slope for gamma in (0.5, 1.0, 1.75)]
            [-0.5, 0.0, 0.375]
        """
        beyond, prime = self.gamma - 1, self.gamma_prime
        alone = beyond if prime <= 0 else max(beyond - 2 * prime, 2 * (beyond - prime))
        return min(alone, (beyond - prime) / 2)

    @property
    def regime(self) -> Regime:
        if abs(self.distance) < 1e-12:
            return Regime.CRITICAL
        return Regime.LINEAR if self.distance < 0 else Regime.CONDENSED


def critical_gamma(gamma_prime: float) -> float:
    """The gamma on the boundary at a gamma': 1 + max(gamma', 0).

    Example:
        >>> critical_gamma(-2.0), critical_gamma(0.5)
        (1.0, 1.5)
    """
    return 1 + max(gamma_prime, 0.0)


def distance_slope(widths: Sequence[int], distances: Sequence[float]) -> float:
    """S = d log RD / d log m by least squares, of networks of one family trained to the end.

    Published at gamma' = 0: -0.506 for gamma = 0.5, 0.007 for gamma = 1.

    Args:
        widths: m, at least two different ones.
        distances: |w - w_0| / |w_0| of the inner weights, all positive.

    Raises:
        OptionError: If there are fewer than two widths, or a distance is not positive.

    Example:
        >>> round(distance_slope([100, 400, 1600], [0.2, 0.1, 0.05]), 12)
        -0.5
    """
    if len(set(widths)) < 2 or len(widths) != len(distances) or min(distances) <= 0:
        raise OptionError(f"a slope needs positive distances at two widths or more, got {list(distances)} at {list(widths)}")
    return float(np.polyfit(np.log(widths), np.log(distances), 1)[0])


COMMON_INITIALIZATIONS = {
    "lecun": PhasePoint(0.5, 0.5),
    "he": PhasePoint(0.5, 0.5),
    "xavier": PhasePoint(1.0, 0.0),
    "ntk": PhasePoint(0.5, 0.0),
    "mean-field": PhasePoint(1.0, 0.0),
}
"""Source: Luo, Xu, Ma, Zhang (2021)."""

"""The phase diagram of two-layer ReLU networks: linear and condensed training, by the scale of the initialization.

u = (1 / alpha) sum_k a_k relu(w_k . x) with a_k ~ N(0, beta_1^2), w_k ~ N(0, beta_2^2) and m neurons has the coordinates

    gamma = -log(beta_1 beta_2 / alpha) / log m,    gamma' = -log(beta_1 / beta_2) / log m,

each in the limit m to infinity. In the linear regime the relative distance RD of the inner weights from their initial values
tends to 0 like m^S, S < 0; in the condensed regime it grows without bound, S > 0. The boundary between the regimes is the line
gamma = 1 for gamma' <= 0, gamma' = gamma - 1 for gamma' > 0, on which RD stays of order one.

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
    """The regimes of training in the limit of infinite width."""

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
        """The coordinates of one network; the coordinates of a family of networks are the limit for large widths.

        Args:
            width: m > 1.
            alpha: The divisor of the output.
            beta1: Standard deviation of the output weights.
            beta2: Standard deviation of the inner weights.
        """
        log = math.log(width)
        return cls(-math.log(beta1 * beta2 / alpha) / log, -math.log(beta1 / beta2) / log)

    @property
    def distance(self) -> float:
        """The difference of gamma and its value on the boundary: negative in the linear regime, positive in the condensed one."""
        return self.gamma - critical_gamma(self.gamma_prime)

    @property
    def predicted_slope(self) -> float:
        """S of RD ~ m^S for inner weights of order one, by a heuristic scaling argument.

        The argument gives the same boundary between the regimes as the source.

        Output weights are a = m^-gamma', and alpha = m^(gamma - gamma'). Gradient steps change w in proportion to a / alpha, and
        a in proportion to 1 / alpha. If all m units together change u by one,

        - for gamma' <= 0 the change of w, which contributes the larger part of the kernel, is alpha / (m a) = m^(gamma - 1);
        - for gamma' > 0 the change of a is alpha / m, and w changes by the larger of a alpha / m = m^(gamma - 1 - 2 gamma')
          with the initial a, and (alpha / m)^2 = m^(2 (gamma - 1 - gamma')) with the final a;
        - if these changes exceed the initial values, a and w grow together until m a w / alpha = 1, hence
          w = m^((gamma - 1 - gamma') / 2).

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
    """The slope S = d log RD / d log m by least squares, for fully trained networks of one family.

    Published values at gamma' = 0: -0.506 for gamma = 0.5, 0.007 for gamma = 1.

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

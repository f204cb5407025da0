"""Weights of the terms of an objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.functionals.functional import Functional


def balanced(functional: Functional, c: Coefficients) -> Tensor:
    """Weights tr K / tr K_i of the terms, which give all terms the same mean rate, shape ``(terms,)``.

    tr K_i is the sum over the rows of term i of their squared gradients. Rows include quadrature weights, so that the numbers of
    points do not matter. A term that does not depend on the coefficients keeps the weight 1.

    Source:
        Wang, Yu, Perdikaris (2022), When and why PINNs fail to train, J. Comput. Phys. 449, Algorithm 1.
    """
    traces = torch.stack(list(functional.traces(c).values()))
    return torch.where(traces > 0, traces.sum() / traces, 1.0)

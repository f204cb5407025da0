"""Powers of the size of a gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pdefreq.shapes import Gradients, Values


def size_power(q: Gradients, power: float) -> Values:
    """|q|^power, shape ``(n,)``. Where q = 0 a negative power is a huge finite number, so that its product with q is 0."""
    import torch

    # The power has an infinite slope or value at zero: keep it off zero.
    return q.square().sum(dim=1).clamp_min(torch.finfo(q.dtype).tiny).pow(power / 2)

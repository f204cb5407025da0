"""Interfaces of one-dimensional problems: the points at which level set functions of formulas vanish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pdefreq.core.interval_roots import interval_roots

if TYPE_CHECKING:
    import numpy as np

    from pdefreq.core.fields import Field
    from pdefreq.domains.domain import Domain


def interfaces(level_sets: Sequence[Field], domain: Domain) -> tuple[float, ...]:
    """The roots of level set functions inside an interval, in ascending order.

    Args:
        level_sets: The functions, inner ones before those that contain them (`Field.level_sets`).
        domain: A domain of dimension 1.

    Raises:
        ValueError: If the domain has more than one dimension.
    """
    import torch

    if domain.dimension > 1:
        raise ValueError("interfaces are points only in one dimension")

    def values(level_set: Field) -> Callable[[np.ndarray], np.ndarray]:
        return lambda x: level_set(torch.from_numpy(x)[:, None]).numpy()

    (lower,), (upper,) = domain.bounds
    return tuple(interval_roots([*map(values, level_sets)], lower, upper).tolist())

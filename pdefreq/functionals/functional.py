"""What every functional can do. It is bound to a problem, a space and points once; then it is a function of c alone."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.shapes import Coefficients


class Functional(ABC):
    """A scalar function of the coefficients."""

    order: ClassVar[int]
    """The highest derivative taken: regression 0, Ritz 1, strong residual 2. A space must be at least as smooth."""

    tends_to_zero: ClassVar[bool]
    """Whether the minimum is zero in the limit of rich spaces (losses), or some negative energy (Ritz)."""

    @abstractmethod
    def terms(self, c: Coefficients) -> dict[str, Tensor]:
        """Named terms, weights included; their sum is the objective."""

    def parts(self, c: Coefficients) -> Iterator[Tensor]:
        """Scalars whose sum is the objective: differentiated one after the other, they share one memory."""
        import torch

        yield torch.stack(list(self.terms(c).values())).sum()

    def gradient(self, c: Coefficients) -> Coefficients:
        """The gradient of the objective, ``(P,)``: by automatic differentiation unless a subclass knows better."""
        import torch

        c = c.detach().requires_grad_(True)
        total = torch.zeros_like(c)
        with torch.enable_grad():
            for part in self.parts(c):
                total += torch.autograd.grad(part, c)[0]
        return total

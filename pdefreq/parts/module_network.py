"""Networks given as PyTorch modules."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pdefreq.core.devices import require_memory
from pdefreq.core.errors import OptionError
from pdefreq.core.registry import is_file
from pdefreq.core.streams import stream
from pdefreq.parts.networks import Network
from pdefreq.parts.part import POSITIVE, require

if TYPE_CHECKING:
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.frame import Frame
    from pdefreq.spaces import trial_space

_POINTS = 64  # random points at which a module is tested
_ARRAYS = 12  # number of arrays of the size of all parameters in a step


@dataclass(frozen=True, kw_only=True)
class ModuleNetwork(Network):
    """Any `torch.nn.Module` that maps points ``(n, d)`` to values ``(n,)`` or ``(n, 1)``.

    The trainable parameters of the module are the coefficients. All derivatives are computed by automatic differentiation.

    Args:
        make: A module, whose parameters are the initial ones of every run, or a class or function that returns a new module for
            each seed, or my_file.py:Name. A class or function receives ``dimension`` and ``generator`` if it has such parameters.
        derivatives: The largest order of square-integrable derivatives, for example 1 for ReLU. With null it is determined from
            the layers and from second derivatives at random points.
    """

    make: str | Callable[..., Any]
    derivatives: float | None = None

    adopts = "a torch.nn.Module, or a class or function that makes one for each seed, such as `def waves(dimension)`"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self, POSITIVE, "derivatives")
        if isinstance(self.make, str) and not is_file(self.make):
            raise OptionError(f"`make` must be a module, a function that returns one, or my_file.py:Name, got '{self.make}'")

    @staticmethod
    def accepts(value: Any) -> bool:
        """Whether a value is a module, a class of modules, or a function with a parameter `dimension` or `generator`, or none."""
        import torch

        if isinstance(value, torch.nn.Module) or (isinstance(value, type) and issubclass(value, torch.nn.Module)):
            return True
        if not inspect.isfunction(value):
            return False
        given = inspect.signature(value).parameters
        return not given or not {"dimension", "generator"}.isdisjoint(given)

    @classmethod
    def adopt(cls, value: Any) -> ModuleNetwork:
        """The part for a value that it accepts, or for the name of such a value in a file."""
        return cls(make=value)

    @property
    def remarks(self) -> list[str]:
        return [
            "All derivatives of the module are computed by automatic differentiation, which takes longer than for the networks "
            "`mlp`, `mscale` and `phase-shift`."
        ]

    @property
    def smoothness_from(self) -> str:
        return "the module"

    @property
    def smoother(self) -> str:
        return "smooth activations in the module, such as torch.nn.Tanh"

    def on(self, domain: Domain, frame: Frame | None = None) -> trial_space.Network:
        from pdefreq.spaces.networks.formula import FormulaSpace
        from pdefreq.spaces.networks.module import ModuleFormula

        make = self.registry.load(self.make) if isinstance(self.make, str) else self.make
        points = domain.interior(_POINTS, stream(0, "module at points")).x
        formula = ModuleFormula(make, points if frame is None else frame.coordinates(points), self.derivatives)
        space = FormulaSpace(formula, domain.dimension, frame)
        require_memory(space.num_coefficients, "parameters", 8 * _ARRAYS * space.num_coefficients)
        return space

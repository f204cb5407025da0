"""PyTorch modules as formulas of trial spaces."""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.parameter import UninitializedParameter

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream

if TYPE_CHECKING:
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values

_SPREAD = 0.1  # standard deviation of a perturbation of all parameters, since some modules are initially zero
_TOLERANCE = 1e-4  # relative; also for modules that compute in single precision
_FLAT = 1e-12  # bound on second derivatives of piecewise linear functions, relative to the gradient
_KINKED = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Softshrink)
_ONCE_SMOOTH = (nn.ELU, nn.CELU, nn.SELU)


class ModuleFormula:
    """The values of a `torch.nn.Module` as a function of its trainable parameters.

    Buffers and frozen parameters are constants.

    Args:
        make: A module, or a class or function that returns one.
        points: Points ``(n, d)`` of the domain in the coordinates that the module receives, at which it is tested.
        smoothness: The largest order of square-integrable derivatives; None determines it.

    Raises:
        OptionError: If `make` returns no module, the module has no trainable parameters, can't be evaluated at points ``(n, d)``
            or can't be differentiated twice, or its value at a point depends on other points or is random.
    """

    def __init__(self, make: Callable[..., Any], points: Points, smoothness: float | None = None) -> None:
        self._make = copy.deepcopy(make) if isinstance(make, nn.Module) else make
        self._points, self._dimension = points, points.shape[1]
        self._module = self._made(stream(0, "module"))
        trainable = {name: p for name, p in self._module.named_parameters() if p.requires_grad}
        fixed = {name: p for name, p in self._module.named_parameters() if not p.requires_grad}
        if any(isinstance(p, UninitializedParameter) for p in trainable.values()):
            raise OptionError(f"{self._title} has parameters of unknown shape: replace lazy layers, such as LazyLinear by Linear")
        self._constants = {name: t.detach() for name, t in (fixed | dict(self._module.named_buffers())).items()}
        self._shapes = {name: tuple(p.shape) for name, p in trainable.items()}
        if not trainable:
            raise OptionError(f"{self._title} has no trainable parameters: set requires_grad=True for some of them")
        self._require_function()
        self._smoothness = self._measured_smoothness() if smoothness is None else smoothness

    @property
    def smoothness(self) -> float:
        return self._smoothness

    def shapes(self, dimension: int) -> dict[str, tuple[int, ...]]:
        return self._shapes

    def initial(self, dimension: int, stream: torch.Generator) -> dict[str, Tensor]:
        parameters = dict(self._made(stream).named_parameters())
        if {name: tuple(parameters[name].shape) for name in self._shapes if name in parameters} != self._shapes:
            raise OptionError(f"{self._title} must have parameters of the same names and shapes each time it is created")
        return {name: parameters[name].detach().double().cpu().clone() for name in self._shapes}

    def value(self, p: Mapping[str, Tensor], x: Points) -> Values:
        values = self._output(p, x)
        return values[:, 0] if values.ndim == 2 else values

    def _output(self, p: Mapping[str, Tensor], x: Points) -> Tensor:
        constants = {name: t.to(x) if t.is_floating_point() else t.to(x.device) for name, t in self._constants.items()}
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernels of attention have first derivatives only
            return functional_call(self._module, {**constants, **p}, (x,))

    @property
    def _title(self) -> str:
        name = type(self._make) if isinstance(self._make, nn.Module) else self._make
        return f"the module '{getattr(name, '__name__', name)}'"

    def _made(self, generator: torch.Generator) -> nn.Module:
        """The module with its initial parameters, which are random numbers of the generator."""
        if isinstance(self._make, nn.Module):
            return self._make
        known = {"dimension": self._dimension, "generator": generator}
        accepted = inspect.signature(self._make).parameters
        arguments = {name: value for name, value in known.items() if name in accepted}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            try:
                made = self._make(**arguments)
            except Exception as error:  # of the user's code
                raise OptionError(
                    f"{self._title} can't be made: {_told(error)}; the arguments can be {' and '.join(known)}"
                ) from error
        if not isinstance(made, nn.Module):
            raise OptionError(
                f"{self._title} must be a torch.nn.Module or a function that returns one, got {type(made).__name__}"
            )
        return made

    def _require_function(self) -> None:
        """Check the shapes of values, and that values are finite, not random, and independent of other points."""
        x, p = self._sample()
        with torch.no_grad():
            try:
                values = self._output(p, x)
            except Exception as error:  # of the user's code
                raise OptionError(
                    f"{self._title} can't be evaluated at points of shape {tuple(x.shape)}: {_told(error)}"
                ) from error
            if not isinstance(values, torch.Tensor) or tuple(values.shape) not in ((len(x),), (len(x), 1)):
                shape = tuple(values.shape) if isinstance(values, torch.Tensor) else type(values).__name__
                raise OptionError(
                    f"{self._title} must return values of shape (n,) or (n, 1) at n points, got {shape} at {len(x)}"
                )
            values, again = values.flatten(), self.value(p, x)
            few = self.value(p, x[: len(x) // 2])
        size = _TOLERANCE * float(values.abs().max())
        if not values.isfinite().all():
            raise OptionError(f"{self._title} has values that are not finite at points of the domain")
        if float((values - again).abs().max()) > size:
            raise OptionError(
                f"{self._title} returns different values when it is called again: leave out random layers such as Dropout"
            )
        if float((values[: len(few)] - few).abs().max()) > size:
            raise OptionError(
                f"the value of {self._title} at a point depends on the other points: leave out layers such as BatchNorm"
            )

    def _measured_smoothness(self) -> float:
        """The largest order of square-integrable derivatives: 1 for modules with kinks, 2 with layers such as ELU.

        Modules with kinks contain a layer that is known to have them, or have varying gradients but zero second derivatives.
        """
        if any(isinstance(layer, _KINKED) for layer in self._module.modules()):
            return 1
        (x, p), rows = self._sample(), []
        try:
            slope = torch.autograd.grad(self.value(p, x.requires_grad_(True)).sum(), x, create_graph=True)[0]
            if slope.requires_grad:
                rows = [torch.autograd.grad(each.sum(), x, retain_graph=True, allow_unused=True)[0] for each in slope.unbind(1)]
        except RuntimeError as error:
            reason = str(error).partition("\n")[0]
            raise OptionError(
                f"{self._title} must have first and second derivatives in the points and the parameters: {reason}"
            ) from error
        curvature = max((float(row.abs().max()) for row in rows if row is not None), default=0.0)
        slope = slope.detach()
        size = float(slope.abs().max())
        if curvature <= _FLAT * size and float((slope - slope[0]).abs().max()) > _TOLERANCE * size:
            return 1
        return 2 if any(isinstance(layer, _ONCE_SMOOTH) for layer in self._module.modules()) else math.inf

    def _sample(self) -> tuple[Points, dict[str, Tensor]]:
        """The points of the domain, and random perturbations of the initial parameters."""
        draw = stream(0, "perturbed module")
        p = self.initial(self._dimension, stream(0, "module"))
        p = {name: t + _SPREAD * torch.randn(t.shape, generator=draw, dtype=torch.float64) for name, t in p.items()}
        return self._points.clone(), p


def _told(error: Exception) -> str:
    """The first line of an exception, with its class."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

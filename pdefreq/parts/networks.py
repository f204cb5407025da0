"""Network architectures: the trial spaces of network methods."""

from __future__ import annotations

import itertools
import math
from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Self

from pdefreq.core.composition import Part
from pdefreq.core.errors import OptionError
from pdefreq.parts.inputs import Bands, Input, Periodic, ReceivesBands
from pdefreq.parts.part import COUNT, EXPONENT, require
from pdefreq.parts.starts import Start
from pdefreq.parts.tables import NETWORKS
from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.networks.initializations import INITIALIZATIONS, initialization_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from pdefreq.core.shapes import Points, Values
    from pdefreq.domains.domain import Domain
    from pdefreq.domains.frame import Frame
    from pdefreq.spaces import trial_space
    from pdefreq.spaces.networks.feed_forward import FeedForward
    from pdefreq.spectrum.data_spectrum import SpectralData

_LIVE = 12  # largest number of arrays, of the size of all units at 1024 points and of all weights, that exist at once in a step


class Network(Part):
    """An architecture, from which a network on a given domain is built."""

    registry = NETWORKS
    adopters = ("module",)

    @abstractmethod
    def on(self, domain: Domain, frame: Frame | None = None) -> trial_space.Network:
        """The network on a domain, without boundary values.

        Args:
            domain: The domain.
            frame: The coordinates that the network receives in place of x; None for x itself.

        Raises:
            IncompatibleError: If the architecture does not suit the domain.
            OptionError: If an option does not fit the dimension of the domain.
        """

    def sized(self, data: SpectralData, *, is_residual: bool) -> Network:
        """The part with its widths set, if they depend on the spectrum of the data.

        Args:
            data: The data of the problem.
            is_residual: Whether the network is trained on the residual of the equation.
        """
        return self

    @property
    def consists_of_waves(self) -> bool:
        """Whether the initial units are waves that the solution is expected to contain."""
        return False

    def resolved(self, periodic_axes: tuple[int, ...]) -> Network:
        """The same part with all defaults set that depend on the periodic axes of the problem."""
        return self

    @property
    def remarks(self) -> list[str]:
        """The notes for the user at the end of a run."""
        return []

    def settled(self, data: SpectralData, frame: Frame) -> tuple[Network, str]:
        """The part with all options set that depend on the spectrum of the data, and a sentence on the choice, or "".

        The choice depends on the problem only, so that a resumed run makes the same choice.

        Args:
            data: The data of the problem.
            frame: The coordinates that the network receives.
        """
        return self, ""

    def inputs(self, dimension: int) -> int:
        """How many numbers are computed from the coordinates of each point and stored in addition to them."""
        return 0

    def num_parameters(self, dimension: int) -> int:
        """The number of parameters in `dimension` coordinates; 0 if it is not known before the network is built."""
        return 0

    def step_bytes(self, dimension: int) -> int:
        """About the largest number of bytes that a step needs; 0 if it is not known before the network is built."""
        return 0

    def require_memory(self, dimension: int) -> None:
        """Check that a step fits into the memory of the machine.

        Raises:
            OptionError: If it does not.
        """
        return

    @property
    def starts_at_zero(self) -> bool:
        """Whether the initial function is exactly zero."""
        return False

    @property
    def smoothness_from(self) -> str:
        """The option that determines the smoothness of the network, for messages."""
        return self.registry.name_of(type(self)) or type(self).__name__

    @property
    def smoother(self) -> str:
        """The options that make the network smooth, for messages."""
        return "activation=sin or tanh"


class FormulaNetwork(Network):
    """An architecture that is given by its formula; all derivatives are computed by automatic differentiation."""

    @property
    def smoothness(self) -> float:
        """Largest order of derivative that is square integrable: inf for smooth activations, 1 for ReLU."""
        return math.inf

    @abstractmethod
    def shapes(self, dimension: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the parameters in `dimension` coordinates; a matrix has the shape ``(out, in)``."""

    @abstractmethod
    def value(self, p: Mapping[str, Tensor], x: Points) -> Values:
        """The function with the parameters `p` at points ``(n, d)``, shape ``(n,)``. Each value depends on its own point only."""

    def draw(self, name: str, shape: tuple[int, ...], stream: torch.Generator) -> Tensor:
        """The initial value of one parameter, float64 on the CPU: matrices by Glorot and Bengio (2010), other parameters zero."""
        import torch

        std = math.sqrt(2 / sum(shape)) if len(shape) == 2 else 0.0
        return std * torch.randn(shape, generator=stream, dtype=torch.float64)

    def initial(self, dimension: int, stream: torch.Generator) -> dict[str, Tensor]:
        """The initial values of all parameters, each by `draw`."""
        return {name: self.draw(name, shape, stream) for name, shape in self.shapes(dimension).items()}

    def on(self, domain: Domain, frame: Frame | None = None) -> trial_space.Network:
        from pdefreq.spaces.networks.formula import FormulaSpace

        return FormulaSpace(self, domain.dimension, frame)

    def step_bytes(self, dimension: int) -> int:
        return 8 * _LIVE * self._size(dimension)

    def require_memory(self, dimension: int) -> None:
        from pdefreq.core.devices import require_memory

        require_memory(self._size(dimension), "parameters", self.step_bytes(dimension))

    def _size(self, dimension: int) -> int:
        return sum(math.prod(shape) for shape in self.shapes(dimension).values())


@dataclass(frozen=True, kw_only=True)
class FeedForwardNetwork(Network):
    """A feed-forward network, or a sum of several of equal shape.

    Args:
        widths: Number of units of each hidden layer, in each sub-network if there are several; null chooses widths and
            initialization of a sine network by the spectrum of the data.
        activation: A name: sin, tanh, srelu, phi, sin-srelu, relu, ricker(a), gelu, silu, softplus, elu, gaussian, gabor(omega),
            sinc, or my_file.py:Name; or, in Python, a function of a tensor.
        initialization: How weights are drawn: a name such as tiled, glorot, he, lecun, torch, mscale, ntk, mean-field, siren,
            spectrum (waves of the data, for sines), or with numbers normal(std), phase(gamma, gamma_prime), siren(omega),
            uniform(inner, bias, outer); or my_file.py:Name.
        bias: Which layers have biases: all, hidden (all but the last) or none.
        residual: Whether a hidden layer's input is added to its output, where both have the same width.
        adaptive: n of activations sigma(n a z) with a trainable slope a for each layer, initially 1 / n; null means none.
        input: The map that is applied to the coordinates first; null leaves the coordinates unchanged, or is a periodic input if
            the problem has periodic sides.
        start: A modification that determines the initial function; null keeps the initial parameters as drawn.
    """

    widths: tuple[int, ...] | None = (50, 50, 50)
    activation: str | Callable[..., Any] = "tanh"
    initialization: str = "tiled"
    bias: Literal["all", "hidden", "none"] = "all"
    residual: bool = False
    adaptive: float | None = None
    input: Input | None = None
    start: Start | None = None
    waves: tuple[tuple[float, ...], ...] = field(default=(), metadata={"option": False})  # in rad per length, by `settled`
    sizes: str = field(default="", compare=False, metadata={"option": False})  # the sentence of `sized`

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.initialization == "spectrum" and self.activation != "sin":
            raise OptionError(f"initialization=spectrum draws waves and needs activation=sin, got {self.activation}")
        if self.initialization == "spectrum" and self.input is not None:
            raise OptionError("initialization=spectrum draws waves of the coordinates: leave `input` out")
        require(self, COUNT, "widths")
        require(self, EXPONENT, "adaptive")
        for registry, named, given in (
            (ACTIVATIONS, activation_named, self.activation),
            (INITIALIZATIONS, initialization_named, self.initialization),
        ):
            if not (isinstance(given, str) and registry.knows(given)):
                named(given)  # pyright: ignore[reportArgumentType]  # raises if the name is unknown, loads a file, or differentiates a function

    def sized(self, data: SpectralData, *, is_residual: bool) -> FeedForwardNetwork:
        from pdefreq.parts.network_sizes import UNINFORMED, Suggestion, suggested

        if self.widths is not None:
            return self
        fits = is_residual and self.activation == "sin" and self.input is None and self.initialization == "siren(10)"
        other = Suggestion(UNINFORMED, self.initialization, "widths follow the spectrum only for sines trained on a residual")
        found = suggested(data) if fits else other
        listed = ",".join(map(str, found.widths))
        told = f"widths=[{listed}] and initialization={found.initialization} were chosen, since {found.reason}."
        return replace(self, widths=found.widths, initialization=found.initialization, sizes=told)

    @property
    def consists_of_waves(self) -> bool:
        return self.initialization == "spectrum"

    @property
    def layer_widths(self) -> tuple[int, ...]:
        """The widths, which `sized` sets."""
        assert self.widths is not None
        return self.widths

    def resolved(self, periodic_axes: tuple[int, ...]) -> FeedForwardNetwork:
        if not periodic_axes:
            return self
        # A single harmonic keeps initial networks smooth: with four, Gauss-Newton overfitted its points on smooth solutions.
        return replace(self, input=(self.input or Periodic(harmonics=1)).resolved(periodic_axes))

    def settled(self, data: SpectralData, frame: Frame) -> tuple[FeedForwardNetwork, str]:
        if self.input is not None:
            features, told = self.input.settled(data, frame)
            if told:
                network, sizes = replace(self, input=features).settled(data, frame)
                return network, f"{told} {sizes}".strip()
        if self.initialization != "spectrum":
            return self, self.sizes
        if self.input is not None:
            raise OptionError("initialization=spectrum draws waves that are not periodic: use another initialization here")
        found = data.spectrum
        waves = found.plane_waves(self.layer_widths[0])
        told = f"The first layer is initialized with {len(waves)} waves: {found.reason}."
        told = f"{self.sizes} {told}".strip()
        return replace(self, waves=tuple(map(tuple, waves.tolist()))), told

    def bands(self, data: SpectralData, frame: Frame) -> Bands | None:
        return self.input.bands(data, frame) if isinstance(self.input, ReceivesBands) else None

    def with_bands(self, octaves: tuple[int, ...]) -> Self:
        assert isinstance(self.input, ReceivesBands)
        return replace(self, input=self.input.with_bands(octaves))

    @abstractmethod
    def drawn_on(self, domain: Domain, layers: dict[str, Any]) -> FeedForward:
        """The network without its `start`.

        Args:
            domain: The domain of the inputs.
            layers: The options that all feed-forward networks share: widths, activation, initialization, embedding, residual,
                bias, adaptive.
        """

    @property
    def stack(self) -> int:
        """The number of sub-networks that are summed."""
        return 1

    def on(self, domain: Domain, frame: Frame | None = None) -> trial_space.Network:
        from pdefreq.domains.frame import Frame
        from pdefreq.spaces.networks.embedding import coordinates

        frame = frame or Frame.identity(domain.dimension)
        layers = {
            "widths": self.layer_widths,
            "activation": self.activation,
            "initialization": self.initialization,
            "embedding": coordinates(frame) if self.input is None else self.input.embedding(domain, frame),
            "residual": self.residual,
            "bias": self.bias,
            "adaptive": self.adaptive,
            "waves": tuple(tuple(k * unit for k, unit in zip(row, frame.units, strict=True)) for row in self.waves),
        }
        network = self.drawn_on(domain, layers)
        return network if self.start is None else self.start.applied(network)

    def inputs(self, dimension: int) -> int:
        return 0 if self.input is None else self.input.size(dimension)[2]

    def num_parameters(self, dimension: int) -> int:
        layers = itertools.pairwise((self.inputs(dimension) or dimension, *self.layer_widths, 1))
        return self.stack * sum((a + 1) * b for a, b in layers)

    def step_bytes(self, dimension: int) -> int:
        start = Start if self.start is None else self.start
        parts, widths = self.stack * start.copies, [start.widening * width for width in self.layer_widths]
        weights = parts * sum(a * b for a, b in itertools.pairwise((self.inputs(dimension) or dimension, *widths, 1)))
        return 8 * _LIVE * (weights + parts * 1024 * sum(widths))

    def require_memory(self, dimension: int) -> None:
        from pdefreq.core.devices import require_memory

        if self.input is not None:
            name, number, _ = self.input.size(dimension)
            require_memory(number, name, 8 * _LIVE * 1024 * self.inputs(dimension))
        require_memory(max(self.layer_widths), "widths", self.step_bytes(dimension))

    @property
    def starts_at_zero(self) -> bool:
        return self.start is not None and self.start.is_zero

    @property
    def smoothness_from(self) -> str:
        return self.activation if isinstance(self.activation, str) else activation_named(self.activation).name


@dataclass(frozen=True, kw_only=True)
class Mlp(FeedForwardNetwork):
    """A plain feed-forward network."""

    def drawn_on(self, domain: Domain, layers: dict[str, Any]) -> FeedForward:
        from pdefreq.spaces.networks.mlp import MlpSpace

        return MlpSpace(domain, **layers)

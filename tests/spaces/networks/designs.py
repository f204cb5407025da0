"""Small networks of all kinds, and the same networks as plain functions of points, without stacks of layers and channels."""

import torch

from pdefreq.core.fields import CallableField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.frame import Frame
from pdefreq.parts.networks import FormulaNetwork
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace, DoubledSpace
from pdefreq.spaces.networks.embedding import coordinates, periodic_features, random_features
from pdefreq.spaces.networks.formula import FormulaSpace
from pdefreq.spaces.networks.hard_boundary import AffineNetwork, HardBoundary, InUnits
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace
from tests.spaces.networks.test_activations import PUBLISHED

SCALES = (1.0, 2.0, 5.0)


def box(d):
    return Box((-1.0,) * d, (1.0,) * d)


def hard(d, activation):
    lifting = CallableField(lambda x: torch.cos(x).sum(dim=1))
    return HardBoundary(MlpSpace(box(d), (4, 3), activation), lifting, box(d).distance())


def frame(d):
    return Frame((0.5,) * d, (0.5, 2.0, 4.0)[:d])


def waves(d):
    return ((0.0,) * d, (2.0,) * d, tuple(float(k) for k in range(1, d + 1)))


class Product(FormulaNetwork):
    """The sum of the product of two layers. It is no stack of layers, so that automatic differentiation is used."""

    def __init__(self, activation):
        self.activation = activation_named(activation)
        self.sigma = PUBLISHED.get(activation, lambda a: self.activation.derivatives(a, 0)[0])  # plain torch functions

    @property
    def smoothness(self):
        return self.activation.smoothness

    def shapes(self, dimension):
        return {"a": (4, dimension), "shift": (4,), "b": (4, dimension)}

    def value(self, p, x):
        return (self.sigma(x @ p["a"].T + p["shift"]) * self.sigma(x @ p["b"].T)).sum(dim=1)


NETWORKS = {
    "formula": lambda d, a: FormulaSpace(Product(a), d),
    "mlp": lambda d, a: MlpSpace(box(d), (5, 4, 3), a),
    "one layer": lambda d, a: MlpSpace(box(d), (6,), a),
    "residual": lambda d, a: MlpSpace(box(d), (d, 4, 4), a, residual=True),  # no residual connection at the first layer
    "no bias": lambda d, a: MlpSpace(box(d), (5, 4), a, bias="none"),
    "adaptive": lambda d, a: MscaleSpace(box(d), (1.0, 2.0), (4, 3), a, adaptive=5.0, bias="hidden"),
    "mscale-1": lambda d, a: MscaleSpace(box(d), SCALES, (6, 4), a, form="first-layer"),
    "mscale-2": lambda d, a: MscaleSpace(box(d), SCALES, (4, 3), a),
    "fourier": lambda d, a: MlpSpace(box(d), (4, 3), a, embedding=random_features(d, 3, 2.0)),
    "cylinder": lambda d, a: MlpSpace(box(d), (5, 3), a, embedding=periodic_features(box(d), 2, [d - 1])),
    "periodic": lambda d, a: MscaleSpace(box(d), (1.0, 2.0), (4, 3), a, embedding=periodic_features(box(d), 1)),
    "ntk": lambda d, a: MlpSpace(box(d), (5, 4), a, "ntk"),
    "siren": lambda d, a: MlpSpace(box(d), (5, 4), a, "siren(3)"),
    "phase-shift": lambda d, a: PhaseShiftSpace(box(d), waves(d), (4, 3), a),
    "hard": hard,
    "framed": lambda d, a: MlpSpace(box(d), (4, 3), a, embedding=coordinates(frame(d))),
    "framed fourier": lambda d, a: MlpSpace(box(d), (4, 3), a, embedding=random_features(d, 3, 2.0, frame=frame(d))),
    "framed cylinder": lambda d, a: MlpSpace(box(d), (5, 3), a, embedding=periodic_features(box(d), 2, [d - 1], frame=frame(d))),
    "framed formula": lambda d, a: FormulaSpace(Product(a), d, frame(d)),
    "in units": lambda d, a: InUnits(MlpSpace(box(d), (4, 3), a), 3.0, 0.1),
    "hard in units": lambda d, a: HardBoundary(
        InUnits(MlpSpace(box(d), (4, 3), a), 0.0, 100.0), CallableField(lambda x: torch.cos(x).sum(dim=1)), box(d).distance()
    ),
    "antisymmetric": lambda d, a: AntisymmetricSpace(MlpSpace(box(d), (4, 3), a)),
    "doubled": lambda d, a: DoubledSpace(MscaleSpace(box(d), SCALES, (7,), a, "ntk", form="first-layer", residual=True)),
}


def in_frame(frame, x):
    return (x - x.new_tensor(frame.origin)) / x.new_tensor(frame.units)


def plain(space, c, x):
    """Values of the network at points, for automatic differentiation."""
    if isinstance(space, AffineNetwork):
        return space.lifting(x) + space.distance(x) * plain(space.network, c, x)
    if isinstance(space, AntisymmetricSpace):
        first, second = c[: len(c) // 2], c[len(c) // 2 :]
        return (plain(space.network, first, x) - plain(space.network, second, x)) / 2**0.5
    if isinstance(space, FormulaSpace):
        x = x if space.frame is None else in_frame(space.frame, x)
        return space.formula.value(space.unflatten(c), x)
    network = space.network if isinstance(space, DoubledSpace) else space
    p, weight_scales = space.unflatten(c), network.weight_scales()
    if isinstance(space, DoubledSpace):  # one hidden layer
        weight_scales[0] = (torch.cat([weight_scales[0][0], weight_scales[0][0]], dim=1), weight_scales[0][1])
    sigma = PUBLISHED[network.activation] if network.activation in PUBLISHED else activation_named(network.activation)
    features = network.embedding
    if features is not None:
        origin = x.new_tensor((0.0,) * x.shape[1] if features.frame is None else features.frame.origin)
        angles = (x - origin) @ x.new_tensor(features.frequencies).reshape(-1, x.shape[1]).T
        passed = x if features.frame is None else in_frame(features.frame, x)
        x0 = torch.cat([torch.cos(angles), torch.sin(angles), passed[:, list(features.passed)]], dim=1)
    else:
        x0 = x
    last, total = len(network.widths) + 1, x.new_zeros(len(x))
    for s in range(network.stack):
        h = x0
        for k, (w, b) in enumerate(weight_scales, start=1):
            weight = p[f"weight{k}"][s] * w[min(s, len(w) - 1)]
            a = h @ weight.T
            bias = p.get(f"bias{k}")
            if bias is not None and bias.dim() == 3:
                a = a + b * bias[s].T
            if k == last:
                break
            if f"slope{k}" in p:
                a = network.adaptive * p[f"slope{k}"][s] * a
            h = sigma(a) + h if network.residual and k > 1 and h.shape == a.shape else sigma(a)
        total = total + (a[:, 0] if not isinstance(space, PhaseShiftSpace) else a[:, 0] * wave(space, s, x))
    shared = p.get(f"bias{last}")
    return total + shared if shared is not None and shared.dim() == 1 else total


def wave(space, s, x):
    """cos of each frequency, then sin of each nonzero frequency."""
    number = len(space.frequencies)
    if s < number:
        return torch.cos(x @ x.new_tensor(space.frequencies[s]))
    return torch.sin(x @ x.new_tensor([omega for omega in space.frequencies if any(omega)][s - number]))


def matrices(n, d):
    """A random indefinite symmetric matrix at each point."""
    root = torch.randn(n, d, d, generator=stream(1, "test", d), dtype=torch.float64)
    return root + root.mT


def case(kind, activation, d, n=40):
    """A network, random coefficients (without dead units or equal copies), and points."""
    space = NETWORKS[kind](d, activation)
    generator = stream(0, "test", d)
    c = space.initialize(generator) + 0.05 * torch.randn(space.num_coefficients, generator=generator, dtype=torch.float64)
    return space, c, torch.rand(n, d, generator=generator, dtype=torch.float64) * 2 - 1

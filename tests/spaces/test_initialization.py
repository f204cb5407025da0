import math

import pytest
import torch

from pdefreq.domains.box import Box
from pdefreq.errors import UnknownNameError
from pdefreq.spaces.activations import ACTIVATIONS
from pdefreq.spaces.initialization import INITIALIZATIONS, initialization_named
from pdefreq.spaces.mlp import Mlp
from pdefreq.spaces.mscale import Mscale
from pdefreq.streams import stream

BOX = Box((0.0, 0.0), (2.0, 3.0))
SCALES = (1.0, 4.0, 32.0)
COMPACT = [name for name, entry in ACTIVATIONS.items() if entry.support]


def test_the_same_stream_gives_the_same_weights():
    for name in INITIALIZATIONS:
        space = Mscale(BOX, SCALES, (5, 4), "phi", name)
        assert torch.equal(space.initialize(stream(3, "initialization")), space.initialize(stream(3, "initialization")))
        assert not torch.equal(space.initialize(stream(3, "initialization")), space.initialize(stream(4, "initialization")))


@pytest.mark.parametrize(("name", "variance"), [("glorot", 2.0), ("mscale", 4.0)])
def test_standard_deviations_are_the_stated_ones(name, variance):
    space = Mlp(BOX, (300, 200), "tanh", name)
    p = space.unflatten(space.initialize(stream(0, "test")))
    for weight, fans in (("weight1", 302), ("weight2", 500), ("weight3", 201)):
        samples = p[weight].numel()
        # the sample deviation of N normal numbers is off by 1 / sqrt(2 N): five times that
        assert float(p[weight].std()) == pytest.approx(math.sqrt(variance / fans), rel=5 / math.sqrt(2 * samples))
    if name == "glorot":
        assert not p["bias1"].any() and not p["bias2"].any()
    else:
        assert float(p["bias1"].std()) == pytest.approx(math.sqrt(variance / 302), rel=5 / math.sqrt(600))


def preactivations(space, x):
    """Inputs of the units of each hidden layer, ``(S, width, n)``."""
    p = space.unflatten(space.initialize(stream(0, "test")))
    h, found = x.T, []
    for layer in range(1, len(space.widths) + 1):
        weight = p[f"weight{layer}"] * (space.unit_scales if layer == 1 else 1)
        a = weight @ h + p[f"bias{layer}"]
        found.append(a)
        h = ACTIVATIONS[space.activation](a)
    return found


@pytest.mark.parametrize("activation", COMPACT)
def test_hardly_a_unit_of_compact_support_is_dead(activation):
    """Units of all scales and layers meet their support somewhere in the domain; Glorot's leave more than a tenth dead."""
    left, right = ACTIVATIONS[activation].support
    x = BOX.quadrature(10_000).x
    dead = {}
    for name in ("tiled", "glorot"):
        space = Mscale(BOX, SCALES, (20, 20, 20), activation, name)
        inside = [((a > left) & (a < right)).any(dim=2) for a in preactivations(space, x)]
        dead[name] = 1 - float(torch.stack(inside).double().mean())
    assert dead["tiled"] < 0.03  # a hidden unit whose bias is drawn at the edge of the support may miss it
    assert dead["glorot"] > 0.1


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_units_of_every_scale_are_centred_in_the_domain(activation):
    """The line on which a first-layer unit's input is the middle of the support crosses the domain."""
    left, right = ACTIVATIONS[activation].support or (0.0, 0.0)
    space = Mscale(BOX, SCALES, (50,), activation, "tiled")
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0], [2.0, 3.0]], dtype=torch.float64)
    (a,) = preactivations(space, corners)
    middle = (left + right) / 2
    assert ((a.amin(dim=2) <= middle) & (a.amax(dim=2) >= middle)).all()  # it changes sign between two corners


def test_unknown_names_get_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown initialization 'gloriot': did you mean 'glorot'"):
        initialization_named("gloriot")

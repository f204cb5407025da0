import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from tests.spaces.registered import ACTIVATION_NAMES

INTERVAL = Box((-1.0,), (1.0,))
SQUARE = Box((-1.0,) * 2, (1.0,) * 2)
SCALES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_subnetworks_are_a_sum_of_plain_networks_at_scaled_points(activation):
    """MscaleDNN-2: u(x) = sum_i f_i(a_i x). The batched product agrees with a loop."""
    space = MscaleSpace(SQUARE, SCALES, (8, 6), activation)
    single = MlpSpace(SQUARE, (8, 6), activation)
    c = space.initialize(stream(1, "test"))
    x = SQUARE.interior(50, stream(2, "test")).x
    value, gradient = torch.zeros(50, dtype=torch.float64), torch.zeros(50, 2, dtype=torch.float64)
    stacked = space.unflatten(c)
    for i, scale in enumerate(SCALES):
        bias = stacked["bias3"] / len(SCALES)
        own = torch.cat([p[i].flatten() for name, p in stacked.items() if name != "bias3"] + [bias])
        part, slope = single.at(scale * x).value_and_gradient(own)
        value, gradient = value + part, gradient + scale * slope
    found, found_gradient = space.at(x).value_and_gradient(c)
    # inputs of units at scale 32 have size 10: the order of operations changes their rounding errors of 1e-15
    torch.testing.assert_close(found, value, rtol=0, atol=1e-13)
    torch.testing.assert_close(found_gradient, gradient, rtol=0, atol=1e-11)


def test_the_first_layer_form_scales_groups_of_units():
    """MscaleDNN-1: sigma(a_i w x + b), a plain network with multiplied first weights."""
    space = MscaleSpace(SQUARE, (1.0, 3.0, 9.0), (8, 6), "sin", form="first-layer")
    assert space.unit_scales.flatten().tolist() == [1, 1, 1, 3, 3, 3, 9, 9]
    plain = MlpSpace(SQUARE, (8, 6), "sin")
    assert plain.shapes == space.shapes
    c = space.initialize(stream(1, "test"))
    scaled = c.clone()
    plain.unflatten(scaled)["weight1"].mul_(space.unit_scales)
    x = SQUARE.interior(50, stream(2, "test")).x
    assert torch.equal(space.at(x).value(c), plain.at(x).value(scaled))


def test_a_single_scale_of_one_is_a_plain_network():
    space, plain = MscaleSpace(INTERVAL, (1.0,), (8, 6), "tanh"), MlpSpace(INTERVAL, (8, 6), "tanh")
    c = space.initialize(stream(0, "test"))
    assert torch.equal(c, plain.initialize(stream(0, "test")))
    x = INTERVAL.quadrature(20).x
    assert torch.equal(space.at(x).value(c), plain.at(x).value(c))


def test_the_number_of_parameters_agrees_with_the_published_network():
    """Six sub-networks 30-30-30: 11706 parameters in the stored run of the authors, whose six output biases are one here."""
    assert MscaleSpace(INTERVAL, SCALES, (30, 30, 30)).num_coefficients == 11706 - 5


def test_equal_spaces_compare_equal():
    assert MscaleSpace(INTERVAL, SCALES, (3,)) == MscaleSpace(INTERVAL, SCALES, (3,))
    assert hash(MscaleSpace(INTERVAL, SCALES, (3,))) != hash(MscaleSpace(INTERVAL, SCALES, (4,)))

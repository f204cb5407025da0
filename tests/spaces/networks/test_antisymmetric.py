"""Networks that are zero initially: their values, and their tangent kernels."""

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import ConstantField
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace, DoubledSpace, width_doubled
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace

BOX = Box((-1.0, 0.0), (1.0, 1.0))
X = BOX.interior(20, stream(5, "test")).x
SINGLE = {
    "mlp": MlpSpace(BOX, (8, 6), "tanh", "normal(1)"),
    "ntk": MlpSpace(BOX, (8, 6), "tanh", "ntk"),
    "mscale": MscaleSpace(BOX, (1.0, 4.0), (8, 6), "sin"),
    "first layer": MscaleSpace(BOX, (1.0, 2.0, 4.0), (7,), "sin", form="first-layer"),  # groups of unequal size
    "phase-shift": PhaseShiftSpace(BOX, ((1.0, 2.0),), (5, 4), "tanh"),
    "adaptive": MlpSpace(BOX, (8, 6), "tanh", adaptive=2.0),
}


def blocks(space, stream_):
    """The initial tangent kernel of each parameter block, and the initial values."""
    c = space.initialize(stream_)
    evaluator = space.at(X)
    pieces = evaluator.jacobian(c).split([torch.Size(shape).numel() for shape in space.shapes.values()], dim=1)
    return {name: j @ j.T for name, j in zip(space.shapes, pieces, strict=True)}, evaluator.value(c)


def close(found, expected):
    # sums of a few hundred products; the factors sqrt(1/2) are rounded twice
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-14 * float(expected.abs().max()))


@pytest.mark.parametrize("kind", list(SINGLE))
def test_antisymmetric_networks_are_zero_initially_with_the_kernel_of_a_single_network(kind):
    single = SINGLE[kind]
    space = AntisymmetricSpace(single)
    kernels, value = blocks(space, stream(0, "initialization"))
    assert (value == 0).all()  # to the last bit
    expected, output = blocks(single, stream(0, "initialization"))
    assert output.abs().max() > 0.01
    close(sum(kernels.values()), sum(expected.values()))
    c = space.initialize(stream(0, "initialization"))
    assert (space.at(X).gradient(c) == 0).all() and (space.at(X).second(c) == 0).all()
    assert space.num_coefficients == 2 * single.num_coefficients and space.smoothness == single.smoothness


def test_antisymmetric_initialization_applies_to_any_network():
    """Inside built-in boundary values, and around them."""
    hard = HardBoundary(SINGLE["mlp"], ConstantField(3.0), BOX.distance())
    inside = HardBoundary(AntisymmetricSpace(SINGLE["mlp"]), ConstantField(3.0), BOX.distance())
    around = AntisymmetricSpace(hard)
    assert (inside.at(X).value(inside.initialize(stream(0, "a"))) == 3).all()  # the lifting, which antisymmetry around it cancels
    assert (around.at(X).value(around.initialize(stream(0, "a"))) == 0).all()
    kernels = [sum(blocks(space, stream(0, "a"))[0].values()) for space in (hard, inside, around)]
    close(kernels[1], kernels[0])
    close(kernels[2], kernels[0])


@pytest.mark.parametrize("kind", list(SINGLE))
def test_the_doubling_trick_doubles_two_layers_of_the_kernel_and_makes_the_others_zero(kind):
    single = SINGLE[kind]
    kernels, value = blocks(DoubledSpace(single), stream(0, "initialization"))
    expected, output = blocks(single, stream(0, "initialization"))
    scale = max(float(k.abs().max()) for k in expected.values())
    # zero up to the order of summation of terms and their negatives
    assert value.abs().max() < 1e-14 * float(output.abs().max())
    last = len(single.widths)
    for name, kernel in kernels.items():
        layer = int(name.removeprefix("weight").removeprefix("bias").removeprefix("slope"))
        if name == f"bias{last + 1}":
            close(kernel, expected[name])  # present once
        elif layer >= last and "slope" not in name:
            close(kernel, 2 * expected[name])
        else:
            assert kernel.abs().max() < 1e-26 * scale  # the square of a rounding error
            assert expected[name].abs().max() > 1e-6 * scale


def test_on_one_hidden_layer_the_doubling_trick_doubles_the_whole_kernel():
    single = MlpSpace(BOX, (50,), "tanh", "normal(1)", bias="hidden")
    kernels, _ = blocks(DoubledSpace(single), stream(0, "a"))
    expected, _ = blocks(single, stream(0, "a"))
    close(sum(kernels.values()), 2 * sum(expected.values()))


def test_the_doubled_network_can_become_nonzero():
    """The copies are independent parameters: the network has the shapes of one with twice the last width."""
    space, wide = DoubledSpace(SINGLE["mlp"]), MlpSpace(BOX, (8, 12), "tanh", "normal(1)")
    assert space.shapes == wide.shapes
    c = torch.randn(space.num_coefficients, generator=stream(1, "a"), dtype=torch.float64)
    assert torch.equal(space.at(X).value(c), wide.at(X).value(c))


def test_the_comparison_network_has_twice_the_width():
    space = width_doubled(MscaleSpace(BOX, (1.0, 4.0), (8, 6), "sin", "normal(0.1)"))
    assert space == MscaleSpace(BOX, (1.0, 4.0), (16, 12), "sin", "normal(0.1)")


def test_a_residual_connection_into_the_copied_layer_is_refused():
    with pytest.raises(OptionError, match="doubling trick copies the last hidden layer"):
        DoubledSpace(MlpSpace(BOX, (8, 8), "tanh", residual=True))
    DoubledSpace(MlpSpace(BOX, (8, 8, 6), "tanh", residual=True))

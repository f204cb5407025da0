import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace

BOX = Box((0.0, 0.0), (1.0, 2.0))
X = BOX.interior(20, stream(0, "test")).x


def test_constant_networks_give_plane_waves():
    """With zero weights and last biases a, b it is sum a cos + b sin, which the Laplacian multiplies by -omega^2."""
    omega = torch.tensor([3.0, -4.0], dtype=torch.float64)
    space = PhaseShiftSpace(BOX, ((3.0, -4.0),), (4,))
    c = torch.zeros(space.num_coefficients, dtype=torch.float64)
    space.unflatten(c)["bias2"].copy_(torch.tensor([2.0, 5.0]).view(2, 1, 1))
    angle = X @ omega
    value, gradient, laplacian = space.at(X).second_order(c)
    # a cosine is a sine shifted by the double nearest to pi / 2
    torch.testing.assert_close(value, 2 * torch.cos(angle) + 5 * torch.sin(angle), rtol=0, atol=1e-14)
    slope = 5 * torch.cos(angle) - 2 * torch.sin(angle)
    torch.testing.assert_close(gradient, slope[:, None] * omega, rtol=0, atol=1e-13)
    torch.testing.assert_close(laplacian, -25 * value, rtol=0, atol=1e-12)


def test_a_single_zero_frequency_is_a_plain_network():
    space, plain = PhaseShiftSpace(BOX, ((0.0, 0.0),), (5, 4)), MlpSpace(BOX, (5, 4))
    assert space.num_coefficients == plain.num_coefficients  # no B_m, because its sine is zero
    c = space.initialize(stream(0, "a"))
    torch.testing.assert_close(space.at(X).value(c), plain.at(X).value(c), rtol=0, atol=1e-15)


@pytest.mark.parametrize("frequencies", [(), ((1.0,),), ((1.0, 2.0), (1.0, 2.0, 3.0))])
def test_frequencies_must_have_the_dimension_of_the_domain(frequencies):
    with pytest.raises(
        OptionError, match=r"at least one of `frequencies`, got none|as many components as there are coordinates, 2, got \["
    ):
        PhaseShiftSpace(BOX, frequencies, (4,))

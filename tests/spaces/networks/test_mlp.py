"""Parameters and precision of networks. Derivatives are tested in `test_derivative_laws`."""

import pytest
import torch

from pdefreq.core.errors import UserError
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace
from pdefreq.spaces.trial_space import SpaceField
from tests.spaces.networks.designs import NETWORKS, box, case
from tests.spaces.registered import ACTIVATION_NAMES, pairs


@pytest.mark.parametrize(("kind", "activation"), pairs(NETWORKS))
def test_values_do_not_depend_on_which_derivatives_are_computed(kind, activation):
    space, c, x = case(kind, activation, 2)
    evaluator = space.at(x)
    value, gradient = evaluator.value_and_gradient(c)
    if kind not in ("ntk", "siren"):  # these may be dead with activations for which they are not intended
        assert gradient.abs().max() > 1e-5  # otherwise the comparison is trivial
    assert torch.equal(evaluator.value(c), value) and torch.equal(evaluator.gradient(c), gradient)
    # values alone and values with slopes use different kernels of the activation: rounding may differ
    torch.testing.assert_close(evaluator.second_order(c)[0], value, rtol=0, atol=1e-14 * max(1.0, float(value.abs().max())))


def test_the_coefficient_vector_contains_all_parameters_once():
    space = MlpSpace(box(3), (7, 5), "tanh")
    assert space.shapes == {
        "weight1": (1, 7, 3),
        "bias1": (1, 7, 1),
        "weight2": (1, 5, 7),
        "bias2": (1, 5, 1),
        "weight3": (1, 1, 5),
        "bias3": (1,),
    }
    assert space.num_coefficients == 7 * 3 + 7 + 5 * 7 + 5 + 5 + 1
    c = torch.arange(space.num_coefficients)
    assert torch.equal(torch.cat([p.flatten() for p in space.unflatten(c).values()]), c)


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_smoothness_is_that_of_the_activation(activation):
    assert MlpSpace(box(1), (4,), activation).smoothness == activation_named(activation).smoothness


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_points_determine_the_precision(dtype):
    space, c, x = case("mscale-2", "tanh", 2)
    u = SpaceField(space, c)
    assert u(x.to(dtype)).dtype == dtype and u.gradient(x.to(dtype)).dtype == dtype
    # float32: eps is 1e-7, inputs are scaled by 5
    torch.testing.assert_close(u(x.to(dtype)).double(), u(x), rtol=0, atol=1e-5 if dtype == torch.float32 else 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MlpSpace(box(1), ()), r"`widths` must list .* at least 1 unit, got \[\]"),
        (lambda: MlpSpace(box(1), (3, 0)), r"`widths` must list .* at least 1 unit, got \[3, 0\]"),
        (lambda: PhaseShiftSpace(box(1), ((1.0,),), ()), "`widths` must list"),
        (lambda: MscaleSpace(box(1), (), (5,)), r"`scales` must be one or more positive .* got \[\]"),
        (lambda: MscaleSpace(box(1), (1.0, -2.0), (5,)), "`scales` must be one or more positive"),
        (lambda: MlpSpace(box(1), (5,), "foo"), "unknown activation 'foo'"),
        (lambda: MlpSpace(box(1), (5,), "tanh", "foo"), "unknown initialization 'foo'"),
    ],
)
def test_networks_without_layers_or_units_are_refused_in_one_sentence(make, message):
    with pytest.raises(UserError, match=message):
        make()

"""Activations given by functions."""

import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.spaces.networks.activations.automatic import automatic

F = torch.nn.functional
SMOOTHNESS = {
    torch.relu: 1,
    F.leaky_relu: 1,
    F.hardtanh: 1,
    F.elu: 2,
    F.selu: 1,  # slopes 1.05 and 1.76 at zero
    F.gelu: math.inf,
    F.mish: math.inf,
    torch.tanh: math.inf,
    torch.sin: math.inf,
    torch.atan: math.inf,
}


@pytest.mark.parametrize(("function", "smoothness"), SMOOTHNESS.items(), ids=lambda each: getattr(each, "__name__", str(each)))
def test_the_smoothness_is_the_order_of_the_first_derivative_that_jumps(function, smoothness):
    assert automatic(function).smoothness == smoothness


@pytest.mark.parametrize("shift", [0.1234567, 1 / 3, -5.5])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_a_jump_is_found_at_any_place(order, shift):
    assert automatic(lambda a: torch.sin(a) + torch.relu(a - shift) ** order).smoothness == order


@pytest.mark.parametrize("name", ["gelu", "silu", "elu", "tanh", "sin", "softplus", "gaussian"])
def test_derivatives_agree_with_those_coded_by_hand(name):
    plain = {"gaussian": lambda a: torch.exp(-a * a / 2), "softplus": lambda a: torch.logaddexp(a, torch.zeros_like(a))}
    function = plain.get(name) or getattr(F, name, None) or getattr(torch, name)
    a = torch.linspace(-6, 6, 1001, dtype=torch.float64)
    for by_hand, found in zip(activation_named(name).jet(a, 4), automatic(function).jet(a, 4), strict=True):
        assert float((by_hand - found).abs().max()) < 1e-12  # the bound; rounding is 1e-15


def test_a_function_trains_as_the_registered_activation_does():
    from pdefreq import Stop, deep_ritz, gauss_newton, solve

    for method in (deep_ritz, gauss_newton):
        pair = [method().with_options(activation=each, widths=(8, 8)) for each in ("gelu", F.gelu)]
        first, second = (solve("poisson", each, stop=Stop(steps=5)).state.coefficients for each in pair)
        torch.testing.assert_close(first, second, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    "function", [torch.sum, lambda a: a.sum(dim=-1, keepdim=True) + a, lambda _: 3, lambda a: a.cumsum(0), max]
)
def test_other_functions_are_refused_in_one_sentence(function):
    with pytest.raises(OptionError, match=r"the activation '.*' must"):
        automatic(function)


def test_every_registered_activation_without_numbers_has_the_smoothness_that_is_measured():
    for name in ACTIVATIONS:
        if name not in ("ricker", "gabor"):
            activation = activation_named(name)
            measured = automatic(lambda a, activation=activation: activation(a)).smoothness
            assert measured == activation.smoothness, name

import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.activations.activation import Activation
from tests.spaces.registered import ACTIVATION_NAMES, COMPACT

NAMES = [*ACTIVATION_NAMES, "ricker(0.3)"]
KNOTS = {"srelu": [0, 1], "phi": [0, 1, 2, 3], "sin-srelu": [0, 1], "relu": [0], "elu": [0]}


def published_ricker(x, a):
    return math.pi**0.25 / (15 * a) * (1 - (x / a) ** 2) * torch.exp(-0.5 * (x / a) ** 2)


# As in the papers (Liu, Cai, Xu, 2020; Li, Xu, Zhang, 2020; lecture notes, 1.8).
PUBLISHED = {
    "sin": torch.sin,
    "tanh": torch.tanh,
    "srelu": lambda x: torch.relu(x) * torch.relu(1 - x),
    "phi": lambda x: torch.relu(x) ** 2 - 3 * torch.relu(x - 1) ** 2 + 3 * torch.relu(x - 2) ** 2 - torch.relu(x - 3) ** 2,
    "sin-srelu": lambda x: torch.sin(2 * math.pi * x) * torch.relu(x) * torch.relu(1 - x),
    "relu": torch.relu,
    "ricker(0.3)": lambda x: published_ricker(x, 0.3),
    "ricker(0.8)": lambda x: published_ricker(x, 0.8),
    "gelu": torch.nn.functional.gelu,
    "silu": torch.nn.functional.silu,
    "softplus": lambda x: torch.log1p(torch.exp(x)),
    "elu": torch.nn.functional.elu,
    "gaussian": lambda x: torch.exp(-(x**2) / 2),
    "gabor(2)": lambda x: torch.cos(2 * x) * torch.exp(-(x**2) / 2),
}


def points(name: str) -> torch.Tensor:
    """Points on both sides of the support, at distances of at least 1e-2 from every knot."""
    x = torch.linspace(-1.7, 4.3, 301, dtype=torch.float64)
    return x[[all(abs(float(v) - knot) > 1e-2 for knot in KNOTS.get(name, [])) for v in x]]


@pytest.mark.parametrize("name", PUBLISHED)
def test_values_agree_with_the_published_formulas(name):
    x = points(name)
    # the published phi is the sum of four squares of size up to 19: a few rounding errors
    torch.testing.assert_close(activation_named(name)(x), PUBLISHED[name](x), rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_each_derivative_is_the_slope_of_the_preceding_one(name):
    """Central differences of width 2e-4 have an error of 2e-9 times a derivative two orders higher, which grows like 7^order."""
    x, h = points(name), 1e-4
    before, after, jet = (activation_named(name).jet(x + step, 4) for step in (-h, h, 0))
    for order in range(4):
        slope = (after[order] - before[order]) / (2 * h)
        torch.testing.assert_close(jet[order + 1], slope, rtol=0, atol=1e-8 * 7 ** (order + 3))


@pytest.mark.parametrize("name", PUBLISHED)
def test_derivatives_agree_with_those_of_the_published_function(name):
    x = points(name).requires_grad_(True)
    jet = activation_named(name).jet(x.detach(), 4)
    expected = PUBLISHED[name](x)
    for order in range(5):
        # the derivatives of sin-sReLU and Ricker grow like 7^order: a few rounding errors of this size
        torch.testing.assert_close(jet[order], expected.detach(), rtol=0, atol=1e-13 * 7**order)
        if order < 4:
            (expected,) = torch.autograd.grad(expected.sum(), x, create_graph=True)
            expected = expected if expected.requires_grad else expected + 0 * x  # piecewise constant


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_jets_can_be_differentiated_twice(name, order):
    x = points(name)[::25].clone().requires_grad_(True)

    def jet(a):
        return activation_named(name).jet(a, order)

    assert torch.autograd.gradcheck(jet, x)
    assert torch.autograd.gradgradcheck(jet, x)


@pytest.mark.parametrize("name", NAMES)
def test_smoothness_is_the_order_of_the_first_derivative_that_jumps(name):
    """A derivative of order s is square integrable if and only if those of lower order are continuous."""
    activation = activation_named(name)
    jumps = set()
    for knot in KNOTS.get(name, []):
        sides = torch.tensor([knot - 1e-9, knot + 1e-9], dtype=torch.float64)
        for order, values in enumerate(activation.jet(sides, 2)):
            if abs(float(values[1] - values[0])) > 1e-6:  # a continuous one changes by its slope, at most 80, times 2e-9
                jumps.add(order)
    assert min(jumps, default=math.inf) == activation.smoothness


@pytest.mark.parametrize("name", COMPACT)
def test_the_support_is_the_stated_interval(name):
    activation = activation_named(name)
    assert activation.support is not None
    left, right = activation.support
    outside = torch.cat([torch.linspace(left - 9, left - 0.1, 50), torch.linspace(right + 0.1, right + 9, 50)]).double()
    value, slope, curvature = activation.jet(outside, 2)
    assert (value == 0).all() and (curvature == 0).all()
    assert slope.abs().max() < 2e-16  # sin-sReLU is sin 2 pi there, which is not exactly zero
    assert (activation(torch.tensor([left, right], dtype=torch.float64)) == 0).all()
    inside = torch.linspace(left, right, 1000, dtype=torch.float64)[1:-1]
    assert (activation(inside) != 0).all()


def test_fourier_transforms_agree_with_the_closed_forms():
    """The integral of e^(-ikx) sigma(x), by Gauss quadrature between knots, against the closed forms."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    x = (np.arange(3)[:, None] + (nodes + 1) / 2).ravel()
    w = np.tile(weights / 2, 3)

    def transform(name, k):
        return np.sum(w * activation_named(name)(torch.from_numpy(x)).numpy() * np.exp(-1j * k * x))

    def srelu(k):
        return np.exp(-0.5j * k) * (4 * np.sin(k / 2) / k**3 - 2 * np.cos(k / 2) / k**2)

    for k in (0.7, 3.0, 11.0):  # rounding is about 1e-16, slightly amplified by k^-3 in the closed form
        assert transform("srelu", k) == pytest.approx(srelu(k), abs=1e-14)
        assert transform("phi", k) == pytest.approx(2 * ((1 - np.exp(-1j * k)) / (1j * k)) ** 3, abs=1e-14)
        assert transform("sin-srelu", k) == pytest.approx((srelu(k - 2 * np.pi) - srelu(k + 2 * np.pi)) / 2j, abs=1e-13)


@pytest.mark.parametrize("a", [0.1, 0.3, 2.0])
def test_the_transform_of_ricker_has_its_maximum_at_the_stated_frequency(a):
    """It is proportional to k^2 exp(-(a k)^2 / 2), with its maximum at sqrt(2) / a."""
    x = torch.linspace(-12 * a, 12 * a, 4001, dtype=torch.float64)
    value = activation_named(f"ricker({a})")(x)
    for k in (0.5 / a, math.sqrt(2) / a, 3 / a):
        found = float((value * torch.cos(k * x)).sum() * (x[1] - x[0]))  # exact up to rounding: smooth, and zero at the ends
        closed = math.pi**0.25 / 15 * math.sqrt(2 * math.pi) * (a * k) ** 2 * math.exp(-((a * k) ** 2) / 2)
        assert found == pytest.approx(closed, abs=1e-13)  # rounding of 4001 terms


@pytest.mark.parametrize("text", ["ricker", "ricker()", "ricker(0)", "ricker(-1)", "ricker(inf)", "ricker(1,2)", "ricker(x)"])
def test_ricker_needs_a_width(text):
    with pytest.raises(OptionError, match=r"ricker\(a\)"):
        activation_named(text)


def test_unknown_names_are_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="unknown activation 'sine': did you mean 'sin'"):
        activation_named("sine")


@pytest.mark.parametrize(
    ("derivatives", "got"),
    [
        (torch.tanh, "got .*argument"),
        (lambda a, _: torch.tanh(a), "got .*shapes"),
        (lambda a, _: [torch.tanh(a)], r"got the shapes \[\(2,\)\] for order 2"),
        (lambda a, order: [a.sum()] * (order + 1), "got the shapes"),
        (None, "got 'NoneType' object is not callable"),
    ],
)
def test_derivatives_of_the_wrong_shape_are_refused(derivatives, got):
    with pytest.raises(
        OptionError, match=rf"the derivatives of activation 'mine' must be a function \(a, order\).*{got}"
    ) as refusal:
        Activation("mine", derivatives, math.inf)
    assert "\n" not in str(refusal.value)


def test_the_derivatives_of_sinc_are_those_of_its_integral():
    """f(a) = int_0^1 cos(t a) dt, so that the n-th derivative is the integral of t^n cos(t a + n pi / 2): 40 Gauss points."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    t, w = (nodes + 1) / 2, weights / 2
    a = torch.cat(
        [torch.linspace(-20, 20, 401, dtype=torch.float64), torch.tensor([0.0, 1e-9, 2.999, 3.001], dtype=torch.float64)]
    )
    for n, found in enumerate(activation_named("sinc").jet(a, 5)):
        expected = (w * t**n * np.cos(t * a.numpy()[:, None] + n * math.pi / 2)).sum(axis=1)
        # upward recurrence from |a| = 3 multiplies rounding errors by at most n! / 3^n < 1 and their sum
        np.testing.assert_allclose(found.numpy(), expected, rtol=0, atol=1e-14)

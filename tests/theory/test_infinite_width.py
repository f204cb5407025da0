import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.theory.infinite_width import DUALS, wide_kernels

ACTIVATIONS = {"relu": torch.relu, "erf": torch.erf, "sin": torch.sin}
POINTS = torch.tensor([[0.3], [-0.8]], dtype=torch.float64)


def finite_kernel(width, layers, activation, seed):
    """The tangent kernel of one random network between the two points, by automatic differentiation."""
    random = torch.Generator().manual_seed(seed)
    sizes = [1] + [width] * layers
    hidden = [
        (torch.randn(b, a, generator=random, dtype=torch.float64), torch.randn(b, generator=random, dtype=torch.float64))
        for a, b in zip(sizes, sizes[1:], strict=False)
    ]
    parameters = (hidden, torch.randn(width, generator=random, dtype=torch.float64))

    def network(parameters, x):
        layers, a = parameters
        h = x
        for index, (w, b) in enumerate(layers):
            h = ACTIVATIONS[activation](w @ h / (1 if index == 0 else math.sqrt(width)) + b)
        return a @ h / math.sqrt(width)

    parts = []
    for x in POINTS:
        inner, a = torch.func.grad(network)(parameters, x)
        parts.append(torch.cat([p.flatten() for layer in inner for p in layer] + [a]))
    return float(parts[0] @ parts[1])


def test_the_published_value_of_the_two_layer_relu_kernel():
    assert wide_kernels(POINTS[:1], POINTS[1:]).tangent.item() == pytest.approx(0.7013322158, abs=5e-11)  # ten published digits


@pytest.mark.parametrize(("layers", "widths"), [(1, (64, 512, 4096)), (2, (32, 96, 288))])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_finite_networks_approach_the_closed_form_like_the_inverse_root_of_the_width(activation, layers, widths):
    """The root mean square over 48 networks has a standard error of 10 %, and the slope over a factor 9 (64) of widths has 0.06
    (0.03), from random sums alone; with two hidden layers there are additional terms of size 1/m.
    """
    exact = wide_kernels(POINTS[:1], POINTS[1:], activation=activation, hidden_layers=layers).tangent.item()
    rms = [np.sqrt(np.mean([(finite_kernel(m, layers, activation, s) - exact) ** 2 for s in range(48)])) for m in widths]
    assert np.polyfit(np.log(widths), np.log(rms), 1)[0] == pytest.approx(-0.5, abs=0.2)
    assert rms[-1] < 0.15 * abs(exact) * (1 if layers == 1 else 3)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@given(st.floats(0.1, 3), st.floats(0.1, 3), st.floats(-0.99, 0.99))
def test_expectations_by_quadrature(activation, p, q, correlation):
    """Gauss-Hermite quadrature in two dimensions: exact up to rounding for entire functions, to 1/n across the kinks of ReLU."""
    from scipy.special import roots_hermitenorm

    t, w = (torch.from_numpy(v) for v in roots_hermitenorm(80))
    w = w / math.sqrt(2 * math.pi)
    g = math.sqrt(p) * t[:, None]
    h = math.sqrt(q) * (correlation * t[:, None] + math.sqrt(1 - correlation**2) * t)
    slope = {"relu": lambda z: (z > 0).double(), "erf": lambda z: 2 / math.pi**0.5 * torch.exp(-(z**2)), "sin": torch.cos}[
        activation
    ]
    phi, weights = ACTIVATIONS[activation], w[:, None] * w
    found = DUALS[activation](*(torch.tensor(v, dtype=torch.float64) for v in (p, q, correlation * math.sqrt(p * q))))
    for value, product in zip(found, (phi(g) * phi(h), slope(g) * slope(h)), strict=True):
        assert value.item() == pytest.approx(
            float((weights * product).sum()), abs={"relu": 0.06, "erf": 1e-3, "sin": 1e-10}[activation]
        )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_kernels_are_symmetric_and_positive(activation):
    x = torch.linspace(-2, 2, 40, dtype=torch.float64).reshape(20, 2)
    kernels = wide_kernels(x, activation=activation, hidden_layers=3, weight_std=1.4, bias_std=0.3)
    for k in (kernels.tangent, kernels.covariance):
        assert (k - k.T).abs().max() < 1e-13 * k.abs().max()
        assert torch.linalg.eigvalsh(k).min() > -1e-12 * k.abs().max()


def test_the_kernel_of_close_points_is_accurate():
    """On the diagonal the ReLU kernel is |x~|^2 / 2 + |x~|^2 / 2, and at distance t it decreases by |t| / 2 pi to first order."""
    x = torch.tensor([[0.5]], dtype=torch.float64)
    assert wide_kernels(x).tangent.item() == pytest.approx(1.25, rel=1e-15)
    t = 1e-5  # the sine of the angle is the root of a difference, with a relative error of 1e-16 / t^2: here 1e-6
    fall = 1.25 - wide_kernels(x, x + t).tangent.item() + 0.5 * t  # x~.x~' grows by 0.5 t
    assert fall == pytest.approx(t / (2 * math.pi), rel=1e-4)  # without terms of size t^2


def test_without_biases_the_relu_kernel_is_homogeneous():
    x = torch.tensor([[1.0, 2.0], [-0.5, 0.3]], dtype=torch.float64)
    k = wide_kernels(x, bias_std=0).tangent
    assert torch.allclose(wide_kernels(3 * x, x, bias_std=0).tangent, 3 * k, rtol=1e-13)


def test_kernels_without_closed_form_are_refused():
    with pytest.raises(UnknownNameError, match=r"no closed form .* 'tanh'"):
        wide_kernels(POINTS, activation="tanh")
    with pytest.raises(OptionError, match="at least one hidden layer"):
        wide_kernels(POINTS, hidden_layers=0)
    for wrong in ({"weight_std": float("nan")}, {"bias_std": -1.0}):
        with pytest.raises(OptionError, match="standard deviation"):
            wide_kernels(POINTS, **wrong)

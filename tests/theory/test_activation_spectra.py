"""Transforms by quadrature of their definition; for activations that do not decay, by duality with a test function."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from pdefreq.core.errors import OptionError
from pdefreq.spaces.networks.activations import ACTIVATIONS, activation_named
from pdefreq.theory.activation_spectra import (
    ACTIVATION_SPECTRA,
    ActivationSpectrum,
    activation_spectrum,
    heaviside_transform,
    phi_transform,
    quadrature_spectrum,
    ricker_transform,
    sin_srelu_transform,
    srelu_transform,
    tanh_transform,
)

K = torch.tensor([-30.0, -2 * math.pi, -1.0, -1e-5, 0.0, 1e-9, 0.7, 2 * math.pi, 11.0], dtype=torch.float64)


def plus(x):
    return max(x, 0.0)


COMPACT = {
    "srelu": (srelu_transform, lambda x: plus(x) * plus(1 - x), [0, 1]),
    "phi": (phi_transform, lambda x: plus(x) ** 2 - 3 * plus(x - 1) ** 2 + 3 * plus(x - 2) ** 2 - plus(x - 3) ** 2, [0, 1, 2, 3]),
    "sin-srelu": (sin_srelu_transform, lambda x: math.sin(2 * math.pi * x) * plus(x) * plus(1 - x), [0, 1]),
    "ricker": (
        ricker_transform,
        lambda x: math.pi**0.25 / (15 * 0.3) * (1 - (x / 0.3) ** 2) * math.exp(-((x / 0.3) ** 2) / 2),
        [-4, 0, 4],
    ),
}


def transform(function, k, edges):
    parts = []
    for wave in ("cos", "sin"):
        pieces = [
            quad(function, a, b, weight=wave, wvar=k, epsabs=1e-13, limit=200)[0] for a, b in zip(edges, edges[1:], strict=False)
        ]
        parts.append(sum(pieces))
    return parts[0] - 1j * parts[1]


@pytest.mark.parametrize("name", COMPACT)
def test_transforms_of_integrable_activations(name):
    found, function, edges = COMPACT[name]
    expected = [transform(function, float(k), edges) for k in K]
    np.testing.assert_allclose(found(K).numpy(), expected, atol=1e-11)


def test_the_transform_of_tanh_follows_from_its_derivative():
    """i k F[tanh] = F[sech^2], which is integrable: pi k / sinh(pi k / 2)."""
    k = K[K.abs() > 1e-3]
    expected = [transform(lambda x: 1 / math.cosh(x) ** 2, float(v), [-25, 0, 25]) for v in k]
    np.testing.assert_allclose((1j * k * tanh_transform(k)).numpy(), expected, atol=1e-11)
    assert tanh_transform(torch.tensor([5000.0])).isfinite()


@pytest.mark.parametrize(("name", "order"), [("heaviside", 1), ("relu", 2)])
def test_transforms_of_steps_and_ramps_by_parseval(name, order):
    """int sigma g = (1 / 2 pi) int F[sigma] conj F[g] with g the fourth derivative of a Gaussian, F[g] = k^4 exp(-k^2/2).

    The moments of g of order 0 and 1 vanish, so that the singular part of F[sigma] at k = 0 does not contribute.
    """
    spectrum = heaviside_transform if name == "heaviside" else ACTIVATION_SPECTRA["relu"].transform
    center = 0.7
    hermite = lambda x: (x**4 - 6 * x**2 + 3) * math.exp(-(x**2) / 2)  # noqa: E731
    direct = quad(lambda x: x ** (order - 1) * hermite(x - center), 0, 14, epsabs=1e-13)[0]
    k = torch.linspace(-12, 12, 4001, dtype=torch.float64)[torch.arange(4001) != 2000]
    gaussian = math.sqrt(2 * math.pi) * k**4 * torch.exp(-(k**2) / 2) * torch.exp(-1j * k * center)
    by_spectrum = float((spectrum(k) * gaussian.conj()).sum().real) * 24 / 4000 / (2 * math.pi)  # exact for analytic integrands
    assert by_spectrum == pytest.approx(direct, abs=1e-10)


def test_the_transform_of_a_neuron_is_shifted_and_scaled():
    """tanh(w x + b): (2 pi i / |w|) exp(i b k / w) / (exp(-pi k / 2w) - exp(pi k / 2w)), as published."""
    k = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
    for w, b in ((2.0, 0.25), (-0.75, 1.125)):
        published = (
            2j * math.pi / abs(w) * torch.exp(1j * b * k / w) / (torch.exp(-math.pi * k / 2 / w) - torch.exp(math.pi * k / 2 / w))
        )
        found = ACTIVATION_SPECTRA["tanh"].of_neuron(k, torch.tensor(w).double(), torch.tensor(b).double())
        assert torch.allclose(found, published, rtol=1e-12)
    shifted = ACTIVATION_SPECTRA["srelu"].of_neuron(k, torch.tensor(3.0).double(), torch.tensor(-0.5).double())
    expected = [transform(lambda x: plus(3 * x - 0.5) * plus(1.5 - 3 * x), float(v), [1 / 6, 1 / 2]) for v in k]
    np.testing.assert_allclose(shifted.numpy(), expected, atol=1e-12)


@pytest.mark.parametrize(
    "name", [n for n, s in ACTIVATION_SPECTRA.items() if isinstance(s, ActivationSpectrum) and math.isfinite(s.tail)]
)
def test_tails_decay_at_the_stated_power(name):
    """The largest |F| in windows of one period at large k has the slope of the leading term, with corrections of size 1/k^2."""
    spectrum = ACTIVATION_SPECTRA[name]
    starts = 2 * math.pi * np.array([20.0, 40.0, 80.0])
    window = torch.linspace(0, 4 * math.pi, 400, dtype=torch.float64)
    peaks = [float(spectrum.transform(start + window).abs().max()) for start in starts]
    slope = np.polyfit(np.log(starts), np.log(peaks), 1)[0]
    assert slope == pytest.approx(-spectrum.tail, abs=0.1)  # windows begin at 20 periods: their width changes the power by 2 / 20


@pytest.mark.parametrize("a", [0.3, 0.1])
def test_the_transform_of_ricker_has_its_maximum_at_the_published_frequency(a):
    k = torch.linspace(0, 40, 40001, dtype=torch.float64)
    peak = float(k[ricker_transform(k, a).abs().argmax()])
    assert peak == pytest.approx(math.sqrt(2) / a, abs=1e-3)
    assert f"{peak:.3g}" == {0.3: "4.71", 0.1: "14.1"}[a]


NUMBERS = {"ricker": "(0.3)", "gabor": "(5)"}
WITHOUT_QUADRATURE = {"relu", "sinc"}  # a jump of the first derivative, and a decay like 1/x


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n in ACTIVATION_SPECTRA and n not in WITHOUT_QUADRATURE])
def test_closed_forms_agree_with_quadrature(name):
    """For every activation; the quadrature resolves |k| <= 100, and division by k^2 multiplies rounding errors at small k."""
    activation = activation_named(name + NUMBERS.get(name, ""))
    k = torch.cat([torch.tensor([-7.0, -0.3], dtype=torch.float64), torch.linspace(0.1, 60, 200, dtype=torch.float64)])
    closed, numerical = activation_spectrum(activation), quadrature_spectrum(activation)
    assert (closed.transform(k) - numerical.transform(k)).abs().max() < 1e-12
    assert closed.tail == numerical.tail


def test_every_activation_has_a_spectrum_or_none_that_is_a_function():
    """sin is the only activation whose transform consists of points."""
    refused = []
    for name in ACTIVATIONS:
        try:
            activation_spectrum(activation_named(name + NUMBERS.get(name, "")))
        except OptionError:
            refused.append(name)
    assert refused == ["sin"]


@settings(max_examples=10)  # each needs a quadrature with 5120 points, whose derivatives are automatic
@given(st.floats(0.5, 2), st.floats(-2, 2))
def test_functions_of_the_user_are_transformed_by_quadrature(width, center):
    """A shifted Gaussian, whose derivatives come from automatic differentiation."""
    spectrum = activation_spectrum(activation_named(lambda a: torch.exp(-(((a - center) / width) ** 2) / 2)))
    expected = width * math.sqrt(2 * math.pi) * torch.exp(-((K * width) ** 2) / 2 - 1j * K * center)
    assert torch.allclose(spectrum.transform(K), expected, atol=1e-12)


def test_the_transform_of_sinc_is_a_box():
    """By Parseval with a Gaussian: int sin(x)/x exp(-x^2/2) dx = (1/2 pi) int_-1^1 pi sqrt(2 pi) exp(-k^2/2) dk."""
    direct = 2 * quad(lambda x: math.sin(x) / x * math.exp(-(x**2) / 2), 1e-300, 12, epsabs=1e-13)[0]
    k = torch.linspace(-2, 2, 400_001, dtype=torch.float64)
    gaussian = math.sqrt(2 * math.pi) * torch.exp(-(k**2) / 2)
    found = activation_spectrum(activation_named("sinc")).transform(k).real
    assert float((found * gaussian).sum()) * 1e-5 / (2 * math.pi) == pytest.approx(direct, abs=1e-4)  # jumps at +-1, step 1e-5

import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.theory.activation_spectra import ACTIVATION_SPECTRA
from pdefreq.theory.gradient_dominance import frequency_gradients, low_frequency_share

TANH, RELU = ACTIVATION_SPECTRA["tanh"], ACTIVATION_SPECTRA["relu"]


def random(seed=0):
    return torch.Generator().manual_seed(seed)


def test_gradients_agree_with_the_closed_form_of_the_output_weights():
    """dL/da_j = Re[conj(F[h] - F[f]) F[sigma(w_j x + b_j)]] with the published transform of tanh."""
    p = torch.randn(5, 3, 3, generator=random(), dtype=torch.float64)
    k, target = 1.7, 0.4 - 0.2j
    a, w, b = p.unbind(dim=2)
    units = (
        2j * math.pi / w.abs() * torch.exp(1j * b * k / w) / (torch.exp(-math.pi * k / 2 / w) - torch.exp(math.pi * k / 2 / w))
    )
    difference = (a * units).sum(dim=1, keepdim=True) - target
    expected = (difference.conj() * units).real
    assert torch.allclose(frequency_gradients(TANH, k, target, p)[..., 0], expected, rtol=1e-10)


def test_the_share_of_tanh_tends_to_one_exponentially_in_the_inverse_radius():
    """1 - share decreases by more than exp(-3 (1/delta' - 1/delta)); with 1e5 samples its standard error is below a tenth."""
    beyond = [1 - low_frequency_share(TANH, (1.0, 2.0), radius, stream=random()) for radius in (1.0, 0.7, 0.5)]
    assert beyond[0] > beyond[1] * math.exp(2 * (1 / 0.7 - 1)) > 0
    assert beyond[1] > beyond[2] * math.exp(3 * (1 / 0.5 - 1 / 0.7)) > 0


def test_the_share_of_relu_does_not_depend_on_the_radius():
    """F = -1/k^2 is a power, and for small parameters F[h] is negligible: scaling them changes no ratio of gradients."""
    shares = [low_frequency_share(RELU, (1.0, 2.0), radius, stream=random()) for radius in (0.1, 0.01)]
    assert shares[0] == pytest.approx(shares[1], abs=0.01)
    assert shares[1] < 0.9


@pytest.mark.parametrize("wavenumbers", [(2.0, 1.0), (0.0, 1.0), (1.0, 1.0)])
def test_wavenumbers_must_ascend(wavenumbers):
    with pytest.raises(OptionError, match="positive and ascending"):
        low_frequency_share(TANH, wavenumbers, 0.5)


def test_amplitudes_that_underflow_are_refused():
    with pytest.raises(OptionError, match="underflow"):
        low_frequency_share(TANH, (1.0, 2.0), 1e-4, samples=100)

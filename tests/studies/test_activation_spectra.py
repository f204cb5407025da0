import math

import pytest
import torch

from pdefreq import activations
from pdefreq.core.errors import OptionError, UnknownNameError


@pytest.mark.parametrize("a", [0.1, 0.3, 1.0])
def test_the_peak_of_ricker_is_at_the_published_wavenumber(a):
    """sqrt(2) / a, to the distance of neighboring wavenumbers, 0.7 %."""
    (found,) = activations(f"ricker({a})").found.values()
    assert found.peak == pytest.approx(math.sqrt(2) / a, rel=0.007)
    assert found.closed


def test_decreasing_spectra_have_no_peak():
    for name, each in activations("tanh", "relu", "softplus", "gelu").found.items():
        assert each.peak == 0, name


def test_a_function_of_the_user_is_transformed_and_drawn():
    found = activations("tanh", lambda a: a * torch.exp(-a.square() / 2))
    assert [each.closed for each in found.found.values()] == [True, False]
    assert max(each.peak for each in found.found.values()) == pytest.approx(1, rel=0.007)  # k exp(-k^2/2)
    assert found.plot().axes


def test_a_sine_has_no_spectrum_and_unknown_names_are_refused():
    with pytest.raises(OptionError, match="no Fourier transform"):
        activations("sin")
    with pytest.raises(UnknownNameError, match="did you mean 'tanh'"):
        activations("tanhh")

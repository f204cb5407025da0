import numpy as np
import pytest
import torch

from pdefreq.theory.decay_limit import decay_kernel, spike_height

SPACING = 0.1  # in cycles: the period is 10, and the data span an interval of length 1


def points(*values):
    return torch.tensor(values, dtype=torch.float64).reshape(len(values), -1)


@pytest.mark.parametrize(("dimension", "cutoffs"), [(1, 1000 * 4 ** np.arange(4)), (2, 50 * 2 ** np.arange(4))])
@pytest.mark.parametrize("difference", [-0.5, 0.5])
def test_the_norm_of_one_value_tends_to_zero_only_below_the_dimension(dimension, cutoffs, difference):
    """The least norm for h(0) = 1 is 1 / K(0, 0); wavenumbers above M contribute about M^(d - alpha), which grows or falls."""
    origin = torch.zeros(1, dimension, dtype=torch.float64)
    values = [float(decay_kernel(dimension, dimension + difference, cutoff=int(m), spacing=SPACING)(origin)) for m in cutoffs]
    added = np.diff(values)
    slope = np.log(added[-1] / added[-2]) / np.log(cutoffs[-1] / cutoffs[-2])
    assert slope == pytest.approx(-difference, abs=0.05)  # <xi> and |xi| differ by 1 / (2 |xi|^2), |xi| >= 20 here


@pytest.mark.parametrize(("difference", "low", "high"), [(-0.5, 0, 0.04), (1.0, 0.3, 1)])
def test_interpolants_become_spikes_below_the_dimension(difference, low, high):
    heights = [
        float(spike_height(decay_kernel(1, 1 + difference, cutoff=m, spacing=SPACING), points(0.137)))
        for m in (1000, 4000, 16000)
    ]
    assert heights[0] > heights[1] > heights[2]
    assert low < heights[2] < high


def test_at_the_dimension_the_height_decreases_like_a_logarithm():
    """1 / height grows by a constant when M is multiplied by four: alpha = d is the limiting case."""
    inverse = [
        1 / float(spike_height(decay_kernel(1, 1.0, cutoff=m, spacing=SPACING), points(0.3))) for m in 1000 * 4 ** np.arange(4)
    ]
    np.testing.assert_allclose(np.diff(inverse) / np.diff(inverse)[-1], 1, rtol=0.05)


@pytest.mark.parametrize(("dimension", "cutoff"), [(1, 1000), (2, 100)])
def test_the_published_cases_interpolate_on_both_sides_of_the_limit(dimension, cutoff):
    """M = 1000 in one dimension, 100 in two. Halfway between data: almost zero for small alpha, near the data for large alpha."""
    x = torch.full((3, dimension), 0.0, dtype=torch.float64)
    x[:, 0] = torch.tensor([-0.5, 0.0, 0.5])
    y, between = torch.ones(3, dtype=torch.float64), torch.full((1, dimension), 0.0, dtype=torch.float64)
    between[0, 0] = 0.25
    middle = {}
    for alpha in (dimension - 0.8, dimension + 3.0):
        fit = decay_kernel(dimension, alpha, cutoff=cutoff, spacing=SPACING).fit(x, y)
        assert torch.allclose(fit(x), y, atol=1e-9)
        middle[alpha] = float(fit(between))
    below, above = middle.values()
    assert abs(below) < 0.15
    assert above > 0.8  # <xi> contains the length 1 / 2 pi, over which the interpolant decays to zero


def test_equal_weights_of_all_frequencies_give_the_dirichlet_kernel():
    """alpha = 0: the sum of exp(2 pi i s j x) over |j| <= M, divided by 2 M + 1."""
    x, m = points(0.01, 0.2, 1.3), 50
    angle = 2 * np.pi * SPACING * x[:, 0].numpy()
    expected = np.sin((m + 0.5) * angle) / np.sin(angle / 2) / (2 * m + 1)
    np.testing.assert_allclose(spike_height(decay_kernel(1, 0.0, cutoff=m, spacing=SPACING), x), expected, atol=1e-13)

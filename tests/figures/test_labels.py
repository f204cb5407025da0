"""Labels that several figures share."""

import pytest

from pdefreq.figures.labels import mode_labels, order_in_title
from pdefreq.spectrum.spectral_record import SpectralRecord
from tests.figures.histories import DEGENERATE, jacobi, network, one_step


@pytest.mark.parametrize(
    ("runs", "title"),
    [
        ([jacobi()], "high first, B = −2.0"),  # Jacobi: halving step ~ 1 / k^2
        ([network()], "low first, B = 1.00"),  # halving step ~ k
        ([jacobi(), network(), network(scale=1 / 2)], "no clear order, B = 1.00 [−2.0"),
        ([jacobi(), network()], "no clear order, B = −2.0"),  # the lower median, which is the value of a run, as in tables
        ([network(last=30)], "low first, B ≥ 0."),  # high modes never reach one half
        ([network(last=30), network(last=2)], "low first, B = 0."),  # no mode of the second seed reaches one half: no bound
        ([one_step()], "one step"),
        ([DEGENERATE["one mode"]()], "B undefined"),
        ([DEGENERATE["no spectrum"]()], "B undefined"),
        ([DEGENERATE["no records"]()], "no steps recorded"),
        ([DEGENERATE["no records"](), jacobi()], "high first"),
    ],
)
def test_the_order_in_words(runs, title):
    assert order_in_title([SpectralRecord.of(run) for run in runs]).startswith(title)


def test_modes_in_two_dimensions_have_distinct_labels():
    labels = mode_labels(SpectralRecord.of(DEGENERATE["two dimensions"]()).modes)
    assert len(set(labels)) == 4
    assert labels[0] == "2 (1,1)"

"""The filter probe: errors are relative to each part, a constant factor has equal errors in both, and waves are separated."""

import math

import numpy as np
import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.probes.filter import FilterProbe
from pdefreq.probes.iterate import SpaceIterate
from pdefreq.probes.target import Target
from pdefreq.problem.problem import Problem
from pdefreq.spaces.trial_space import Evaluator, TrialSpace
from pdefreq.spectrum.filter import half_wavenumber

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
DELTA = 0.03  # keeps 0.86 of the low wave and exp(-9.5) of the high wave


def parts(x):
    """A low and a high wave, and a constant."""
    return torch.stack([torch.cos(math.pi * x[:, 0]), torch.cos(8 * math.pi * x[:, 1]), torch.ones_like(x[:, 0])], dim=1)


class Parts(TrialSpace):
    num_coefficients = 3
    smoothness = math.inf

    def at(self, x):
        return PartsAt(parts(x))


class PartsAt(Evaluator):
    def __init__(self, table):
        self.table = table

    def value(self, c):
        return self.table @ c

    def gradient(self, c):
        raise NotImplementedError


TRUE = (1.0, 0.5, 0.2)
EXACT = CallableField(lambda x: parts(x) @ torch.tensor(TRUE, dtype=torch.float64))


def at(*c):
    return SpaceIterate(Parts(), torch.tensor(c, dtype=torch.float64))


def prepared(probe=None, reference=EXACT, discrete_solution=None, facts=None, number=600):
    probe = probe or FilterProbe(delta=DELTA, number=number)
    of = Problem(domain=SQUARE, source=1.0, boundary=0.0)
    return probe.prepare(Target(of, reference), at(0, 0, 0), discrete_solution=discrete_solution, facts=facts or {})


def test_errors_are_relative_to_each_part():
    measure = prepared()
    assert measure(at(*TRUE)) == pytest.approx({"low_error": 0, "high_error": 0}, abs=1e-14)
    for factor in (0.0, 0.7, 2.0):  # rounding: 1e-16 in sums of 600 weights
        row = measure(at(*(factor * c for c in TRUE)))
        assert row == pytest.approx({"low_error": abs(1 - factor), "high_error": abs(1 - factor)}, rel=1e-12)


def test_an_error_in_the_low_wave_is_in_the_low_part_and_likewise_for_the_high_wave():
    measure = prepared()
    without_low, without_high = measure(at(0, *TRUE[1:])), measure(at(TRUE[0], 0, TRUE[2]))
    assert without_low["low_error"] > 2 * without_low["high_error"]
    assert without_high["high_error"] > 2 * without_high["low_error"]


def test_the_filter_width_is_a_fact_that_does_not_change():
    measure = prepared(FilterProbe(number=300))
    delta = float(measure.facts["filter_delta"])
    assert float(measure.facts["filter_wavenumber"]) == half_wavenumber(delta)
    other = prepared(FilterProbe(number=300), CallableField(lambda x: torch.sin(20 * x[:, 0])), facts={"filter_delta": delta})
    assert float(other.facts["filter_delta"]) == delta
    again = prepared(FilterProbe(number=300), facts=measure.facts)
    assert again(at(1, 0, 0)) == measure(at(1, 0, 0))


def test_without_a_solution_the_discrete_solution_is_the_target():
    discrete_solution = at(*TRUE)
    assert prepared(reference=None, discrete_solution=discrete_solution)(at(0, 1, 0)) == pytest.approx(
        prepared()(at(0, 1, 0)), rel=1e-12
    )


def test_unknown_errors_are_not_recorded_but_columns_are_kept():
    constant = CallableField(lambda x: 0 * x[:, 0] + 3)
    assert not prepared(reference=None)(at(0, 0, 0)) and not prepared(reference=constant)(at(0, 0, 0))
    row = prepared(reference=None, facts={"filter_delta": 0.1})(at(0, 0, 0))
    assert list(row) == ["low_error", "high_error"] and np.isnan(list(row.values())).all()


@pytest.mark.parametrize("options", [{"delta": 0.0}, {"delta": math.inf}, {"number": 1}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(OptionError, match=f"`{next(iter(options))}`"):
        FilterProbe(**options)

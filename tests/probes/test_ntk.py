import numpy as np
import pytest
import torch

import pdefreq
from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.history import Stop
from pdefreq.core.streams import stream
from pdefreq.probes.iterate import SpaceIterate
from pdefreq.probes.ntk import NtkProbe
from pdefreq.probes.target import Target
from pdefreq.problem.files import load_problem
from pdefreq.solvers.names import make_solver


def prepared(facts=None, shift=0.0):
    problem = load_problem("poisson")
    iteration = make_solver("deep-ritz", {"widths": (8, 8), "number": 30}).prepare(
        problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64
    )
    state = iteration.init()
    iterate = SpaceIterate(state.space, state.coefficients + shift)
    return NtkProbe(20).prepare(Target(problem), iterate, discrete_solution=None, facts=facts or {}), iterate


def test_initially_all_changes_are_zero():
    measurement, iterate = prepared()
    row = measurement(iterate)
    assert row["kernel_drift"] == 0 and row["parameter_distance"] == 0 and row["kernel_trace"] > 0


def test_changes_are_those_of_the_kernel_and_of_the_parameters():
    measurement, iterate = prepared()
    moved = iterate.coefficients + 0.1 * torch.randn(len(iterate.coefficients), generator=stream(0, "test"), dtype=torch.float64)
    row = measurement(iterate.member(moved))
    x = load_problem("poisson").domain.interior(20, stream(0, "kernel points")).x
    before, after = (j @ j.T for j in (iterate.space.at(x).jacobian(c) for c in (iterate.coefficients, moved)))
    assert row["kernel_drift"] == pytest.approx(float((after - before).norm() / before.norm()), rel=1e-10)
    assert row["kernel_trace"] == pytest.approx(float(after.trace()), rel=1e-10)
    assert row["parameter_distance"] == pytest.approx(float((moved - iterate.coefficients).norm() / iterate.coefficients.norm()))


def test_a_resumed_run_is_compared_with_its_own_initialization():
    first, start = prepared()
    second, moved = prepared(facts=first.facts, shift=0.1)
    assert second(moved) == first(moved)
    assert second(start)["kernel_drift"] == 0


def test_changes_are_recorded_along_a_run_and_only_for_networks():
    options = {"widths": (8, 8), "number": 30}
    trained = pdefreq.solve("poisson", make_solver("deep-ritz", options), stop=Stop(steps=3), probes=[NtkProbe(20)]).history
    assert np.all(np.diff(trained.column("parameter_distance")) > 0)
    chained = pdefreq.solve("poisson", "jacobi", stop=Stop(steps=3), probes=[NtkProbe(20)]).history
    assert "kernel_drift" not in chained


def test_too_few_points_are_refused():
    for number in (1, "a", 2.5, True):
        with pytest.raises(OptionError, match="at least 2"):
            NtkProbe(number)


def test_a_probe_can_be_selected_by_its_name():
    by_name, as_object = (
        pdefreq.solve("poisson", make_solver("deep-ritz", {"widths": (8, 8), "number": 30}), stop=Stop(steps=3), probes=[probe])
        for probe in ("ntk:number=20", NtkProbe(20))
    )
    np.testing.assert_array_equal(by_name.history.column("kernel_drift"), as_object.history.column("kernel_drift"))
    assert by_name.spec == as_object.spec
    with pytest.raises(UnknownNameError, match="ntk"):
        pdefreq.solve("poisson", "jacobi", probes=["ntkk"])
    with pytest.raises(OptionError, match="names are error"):
        pdefreq.solve("poisson", "jacobi", probes=[3])

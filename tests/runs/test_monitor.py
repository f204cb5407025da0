import math
import re

import numpy as np
import pytest
import torch

from pdefreq import Box, Monitor, Problem, compare, solve
from pdefreq.core.errors import OptionError, UserError
from pdefreq.core.history import Schedule
from pdefreq.integrations.pytorch import watch
from pdefreq.spectrum.spectral_record import ERROR


def wave(step):
    return lambda x: np.sin(math.pi * x[:, 0]) * step / 100


@pytest.fixture(scope="module")
def jacobi():
    """A run whose iterates are given to a monitor as functions of points."""
    monitor = Monitor("poisson", label="copy", share=math.inf)

    def follow(step, state, _history):
        space, c = state.space, state.coefficients.clone()
        monitor(step, lambda x: space.at(torch.from_numpy(x)).value(c).numpy(), seconds=0.0)

    return solve("poisson", "deep-ritz", steps=30, callback=follow), monitor


def test_modes_and_errors_are_those_of_solve(jacobi):
    """The same coefficients are measured by the probes of a run and by a monitor, which knows a function of points only."""
    solution, monitor = jacobi
    assert len(monitor.history) == len(solution.history) == 31
    np.testing.assert_allclose(monitor.history.column(ERROR), solution.history.column(ERROR), rtol=1e-12)
    np.testing.assert_allclose(monitor.history.column("relative_l2"), solution.history.column("relative_l2"), rtol=1e-12)
    np.testing.assert_array_equal(monitor.history.facts["mode_amplitude"], solution.history.facts["mode_amplitude"])


def test_a_monitor_is_a_row_of_a_comparison(jacobi, tmp_path):
    _, monitor = jacobi
    found = compare("poisson", [monitor, "fem"], folder=tmp_path / "a")
    copy, fem = found.rows()
    assert (copy["method"], copy["status"], copy["steps"]) == ("copy", "recorded", 30)
    assert fem["status"] == "done"
    assert copy["relative_l2"] == monitor.history.last("relative_l2")
    assert (tmp_path / "a" / "copy-seed0" / "spectrum.npz").is_file()
    assert compare("poisson", {"mine": monitor.record}).rows()[0]["method"] == "mine"


def test_a_record_of_another_problem_is_refused(jacobi):
    with pytest.raises(OptionError, match="recorded on another problem, 'poisson'"):
        compare("poisson-6pi", [jacobi[1], "fem"])


def test_modules_are_measured_in_their_own_precision():
    module = torch.nn.Sequential(torch.nn.Linear(1, 5), torch.nn.Tanh(), torch.nn.Linear(5, 1))
    monitor, other = Monitor("poisson"), Monitor("poisson", points="torch")
    assert monitor(0, module)
    assert other(0, lambda x: module(x.float())[:, 0])
    np.testing.assert_array_equal(monitor.history.column(ERROR), other.history.column(ERROR))
    assert "relative_l2" in monitor.history


@pytest.mark.parametrize("watched", ["call", "hook"])
def test_a_module_is_measured_in_evaluation_mode_and_trained_as_without_a_monitor(watched):
    """Dropout would disturb the measured values, and the running statistics of BatchNorm would change with the test points."""

    def trained(monitor):
        torch.manual_seed(0)
        parts = [torch.nn.Linear(1, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)]
        u = torch.nn.Sequential(*parts)
        parts[2].eval()  # a part whose mode differs from that of the module
        optimizer = torch.optim.SGD(u.parameters(), lr=1e-2)
        if monitor is not None and watched == "hook":
            watch(optimizer, u, monitor)
        for step in range(4):
            if monitor is not None and watched == "call":
                monitor(step, u)
            optimizer.zero_grad()
            u(torch.linspace(0, 1, 20)[:, None]).square().mean().backward()
            optimizer.step()
        assert [part.training for part in u.modules()] == [True, True, True, False, True]
        return u

    monitor = Monitor("poisson", share=math.inf)
    u, alone = trained(monitor), trained(None)
    for a, b in zip(u.state_dict().values(), alone.state_dict().values(), strict=True):
        assert torch.equal(a, b)
    monitor(100, u, last=True)
    again = Monitor("poisson")
    again(0, u.eval())
    assert monitor.history.last("relative_l2") == again.history.last("relative_l2")


def test_the_schedule_is_followed_and_the_last_step_can_be_added():
    monitor = Monitor("poisson", schedule=Schedule(dense=3, per_decade=2), share=math.inf)
    recorded = [step for step in range(25) if monitor(step, wave(step))]
    assert recorded == [0, 1, 2, 3, 9]
    assert monitor(25, wave(25), last=True)
    assert not monitor(25, wave(25), last=True)  # it is recorded already
    with pytest.raises(OptionError, match="steps must increase, got 24 after 25"):
        monitor(24, wave(24), last=True)


def test_measurements_take_a_share_of_the_time(monkeypatch):
    """The clock advances by 1 ms between calls and by 0.3 s in each measurement, of which 0.1 s are free."""
    now = [0.0]
    monkeypatch.setattr("pdefreq.runs.monitor.time.perf_counter", lambda: now[0])

    def slow(x):
        now[0] += 0.15 if len(x) > 1 else 0
        return np.zeros(len(x))

    monitor, recorded = Monitor("poisson", share=0.1), []
    for step in range(10_000):
        now[0] += 1e-3
        if monitor(step, slow):
            recorded.append(step)
    spent = now[0] - 10
    assert recorded[0] == 0
    assert 3 < len(recorded) < 20
    assert spent < 0.1 * 10 + 0.1 + 0.5  # and one measurement more
    seconds = monitor.history.column("seconds")
    assert seconds[-1] == pytest.approx((recorded[-1]) * 1e-3, abs=1e-9)  # without the measurements


@pytest.mark.parametrize("preparation", [0.0, 5.0])
def test_a_slow_first_measurement_leaves_no_gap(preparation, monkeypatch):
    """Later measurements take 0.1 ms and steps 1 ms, so that every step of the schedule is recorded: the first 100 and more."""
    now = [0.0]
    monkeypatch.setattr("pdefreq.runs.monitor.time.perf_counter", lambda: now[0])
    monitor, recorded = Monitor("poisson", share=0.1), 0

    def measured(x):
        now[0] += 2e-5 if recorded else preparation
        return np.zeros(len(x))

    for step in range(300):
        now[0] += 1e-3
        recorded += monitor(step, measured)
    assert recorded > 100 and monitor.history.column("step")[:100].tolist() == list(range(100))


def test_given_times_modes_and_objectives_are_recorded():
    monitor = Monitor("poisson", modes="cosine")
    monitor(0, wave(0), seconds=2.5, objective=7.0)
    assert (monitor.history.last("seconds"), monitor.history.last("objective")) == (2.5, 7.0)
    assert str(monitor.history.facts["mode_kind"]) == "cosine"
    assert monitor.record.summary()["status"] == "recorded"
    assert monitor.record.plot().axes


@pytest.mark.parametrize("modes", ["sine", "cosine", "fourier"])
@pytest.mark.parametrize("value", [math.inf, 1e200])
def test_an_infinite_solution_is_recorded_without_warnings(value, modes):
    """Warnings are errors in these tests."""
    monitor = Monitor("poisson", modes=modes, share=math.inf)
    for step in range(3):
        monitor(step, lambda x: np.full(len(x), value if monitor.history else 0.1), last=step == 2)
    assert not monitor.record.summary()["relative_l2"] < 1e190
    assert not bool((monitor.history.column(ERROR)[-1] < 1e-3).any())
    assert monitor.record.plot("heatmap").axes and monitor.record.plot("modes").axes


def test_a_given_reference_replaces_the_solution():
    monitor = Monitor("poisson-6pi", reference=lambda x: torch.sin(x[:, 0]))
    monitor(0, lambda x: np.sin(x[:, 0]))
    assert monitor.history.last("relative_l2") < 1e-15


def test_gradients_give_h1_errors():
    """The H1 norm of the derivative of a wave: ||grad|| = pi ||u||, for the solution sin(pi x) and the function (1 + e) sin(pi x)."""
    problem = Problem(domain=Box(-1.0, 1.0), exact="sin(pi*x)", boundary=0.0)
    monitor = Monitor(problem)
    u = lambda x: 1.01 * np.sin(math.pi * x[:, 0])  # noqa: E731
    monitor(0, u, gradient=lambda x: 1.01 * math.pi * np.cos(math.pi * x))
    assert monitor.record.summary()["relative_h1"] == pytest.approx(0.01, rel=1e-9)
    other = Monitor(problem, points="torch")
    other(0, lambda x: 1.01 * torch.sin(math.pi * x[:, 0]), last=True)
    assert other.record.summary()["relative_h1"] == pytest.approx(0.01, rel=1e-9)


@pytest.mark.parametrize("step", [-1, 0.5, True, "1"])
def test_steps_are_whole_numbers(step):
    with pytest.raises(OptionError, match="whole number"):
        Monitor("poisson")(step, wave(0))


def test_steps_and_times_must_increase():
    monitor = Monitor("poisson")
    monitor(0, wave(0), seconds=1.0)
    monitor(5, wave(5), seconds=2.0)
    with pytest.raises(OptionError, match="steps must increase, got 3 after 5"):
        monitor(3, wave(3))
    for seconds in (1.5, math.nan):
        with pytest.raises(OptionError, match="`seconds` must not decrease"):
            monitor(6, wave(6), seconds=seconds)


@pytest.mark.parametrize(
    ("u", "message"),
    [
        (np.zeros(3), "must be a function of points"),
        (lambda x: 1j * x[:, 0], "real numbers"),
        (torch.nn.Linear(1, 2), "one value for each"),
    ],
)
def test_other_objects_are_refused(u, message):
    with pytest.raises(OptionError, match=message):
        Monitor("poisson")(0, u)


@pytest.mark.parametrize("bad", [{"gradient": 3}, {"objective": "low"}, {"objective": None}, {"objective": torch.zeros(2)}])
def test_other_gradients_and_objectives_are_refused(bad):
    monitor = Monitor("poisson")
    with pytest.raises(OptionError, match=f"`{next(iter(bad))}` must be a"):
        monitor(0, wave(0), **bad)
    assert not len(monitor.history)


def test_an_objective_may_be_a_tensor():
    monitor = Monitor("poisson")
    monitor(0, wave(0), objective=torch.tensor(0.5, requires_grad=True))
    assert monitor.history.last("objective") == 0.5


def test_functions_with_a_wrong_number_of_values_are_refused():
    with pytest.raises(OptionError, match="one value for each point"):
        Monitor("poisson")(0, lambda _: np.zeros(3))
    with pytest.raises(OptionError, match="`share` must be positive"):
        Monitor("poisson", share=0)


def test_notes_name_skipped_steps_and_values_that_are_not_finite(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("pdefreq.runs.monitor.time.perf_counter", lambda: now[0])

    def slow(x):
        now[0] += 0.2
        return np.full(len(x), np.nan if now[0] < 0.3 else 0.0)

    monitor = Monitor("poisson")
    assert monitor.record.notes == () and "no step was recorded" in monitor.record.spectrum().sentence
    recorded = [step for step in range(60) if monitor(step, slow)]
    first, second = monitor.record.notes
    assert "not finite at 1 of" in first and "first at step 0" in first
    assert f"{60 - len(recorded)} steps of the schedule" in second
    monitor(100, slow, last=True)
    assert f"from step {recorded[-1]} to 100" in monitor.record.notes[1]
    assert monitor.record.summary()["notes"] == list(monitor.record.notes)


def test_the_notes_count_steps_of_the_schedule_and_not_the_calls_between_them(monkeypatch):
    """Two measurements of 10 s use up the share, so that of the steps 0, 1, 2, 4, 8, ... only the first two are recorded."""
    now = [0.0]
    monkeypatch.setattr("pdefreq.runs.monitor.time.perf_counter", lambda: now[0])

    def slow(x):
        now[0] += 10
        return np.zeros(len(x))

    monitor = Monitor("poisson", schedule=Schedule(dense=1, per_decade=1 / math.log10(2) * (1 - 1e-12)))
    recorded = [step for step in range(200) if monitor(step, slow)]
    assert recorded == [0, 1]
    assert "To save time 7 steps of the schedule were not recorded" in monitor.record.notes[0]  # 2, 4, 8, 16, 32, 64, 128


@pytest.mark.parametrize("bad", [{"share": "x"}, {"share": 0}, {"points": "jax"}, {"label": " "}, {"label": 3}, {"schedule": 3}])
def test_wrong_options_are_refused(bad):
    with pytest.raises(OptionError, match=next(iter(bad))):
        Monitor("poisson", **bad)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("broken", ["values", "gradient"])
def test_a_step_can_be_repeated_after_an_error_in_the_function(first, broken):
    """Nothing of the failed measurement is kept: the record is that of a monitor without it, and its time does not count."""

    def failing(_):
        raise ZeroDivisionError

    def measured(*, fails):
        monitor = Monitor("poisson", share=math.inf)
        if not first:
            monitor(0, wave(0), seconds=0.0)
        if fails:
            broke = (failing, None) if broken == "values" else (wave(1), failing)
            with pytest.raises(ZeroDivisionError):
                monitor(1, broke[0], seconds=1.0, gradient=broke[1])
            assert len(monitor.history) == (0 if first else 1)
            assert (not monitor.history.facts) == first
        assert monitor(1, wave(1), seconds=0.5)
        assert monitor(2, wave(2), seconds=0.5)
        return monitor

    found, expected = measured(fails=True), measured(fails=False)
    assert found.history.names == expected.history.names
    np.testing.assert_array_equal(found.history.column(ERROR), expected.history.column(ERROR))
    np.testing.assert_array_equal(found.history.column("seconds"), expected.history.column("seconds"))


def test_the_time_of_a_failed_measurement_is_not_that_of_the_steps(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("pdefreq.runs.monitor.time.perf_counter", lambda: now[0])

    def failing(_):
        now[0] += 5.0
        raise ZeroDivisionError

    monitor = Monitor("poisson")
    monitor(0, wave(0))
    now[0] += 1.0
    with pytest.raises(ZeroDivisionError):
        monitor(1, failing)
    assert monitor(1, wave(1))
    assert monitor.history.last("seconds") == pytest.approx(1.0)


@pytest.mark.parametrize(
    "problem", ["poisson", "multiscale-2d", "neumann", "tones", pytest.param("ring", marks=pytest.mark.slow)]
)
def test_infinite_values_give_a_note_and_no_warning(problem):
    """Warnings are errors in the tests. No error of a function that is infinite somewhere is a number."""
    monitor = Monitor(problem, share=math.inf)
    monitor(0, lambda x: np.zeros(len(x)))
    for step, value in enumerate((lambda x: np.full(len(x), np.inf), lambda x: np.where(x[:, 0] > x[0, 0], -np.inf, np.inf)), 1):
        monitor(step, value)
    assert not np.isfinite(monitor.history.column("relative_l2")[1:]).any()
    assert any("not finite at 2 of 3 recorded steps, first at step 1" in note for note in monitor.record.notes)


@pytest.mark.parametrize(
    ("probes", "message"),
    [
        ("error", "`probes` must be a list of probes or of their names, got 'error': write probes=['error']"),
        (["errors"], "unknown probe 'errors': did you mean 'error'?"),
        ([3], "`probes` must be Probes or their names, got 3; names are error, spectral"),
    ],
)
def test_wrong_probes_are_refused_as_by_solve(probes, message):
    for call in (lambda: Monitor("poisson", probes=probes), lambda: solve("poisson", "sine", probes=probes)):
        with pytest.raises(UserError, match=re.escape(message)):
            call()

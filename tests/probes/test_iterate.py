"""An iterate is a function of points from any solver: probes need no iteration and evaluate each set of points once."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq import Stop, solve
from pdefreq.core.errors import IncompatibleError, OptionError
from pdefreq.core.fields import CallableField, as_field
from pdefreq.core.history import History
from pdefreq.domains.box import Box
from pdefreq.probes import PROBES
from pdefreq.probes.iterate import Iterate, SpaceIterate
from pdefreq.probes.probe import Measurement, Probe, make_probe
from pdefreq.probes.target import Target
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem
from pdefreq.spaces.grids.grid import Grid
from pdefreq.spectrum.spectral_record import SpectralRecord

INTERVAL = Box((0.0,), (math.pi,))
X = torch.linspace(0, math.pi, 33, dtype=torch.float64)[:, None]
WAVES = (1, 3, 8, 20)


def waves(x, lib=np):
    return [lib.sin(k * x[:, 0]) for k in WAVES]


def follow(target, course, probes=("error", "spectral")):
    """The history of u(t, x) at t = 0, 1, 2, ..., as measured for an external solver."""
    history, measurements = History(), []
    for step, u in enumerate(course):
        iterate = Iterate.of_function(u)
        measurements = measurements or [
            make_probe(name).prepare(target, iterate, discrete_solution=None, facts=history.facts) for name in probes
        ]
        row = {"step": step, "seconds": step / 10}
        for measurement in measurements:
            history.facts |= measurement.facts
            row |= measurement(iterate)
        history.record(row)
    return history


@settings(max_examples=10)
@given(st.lists(st.floats(0.01, 0.5), min_size=len(WAVES), max_size=len(WAVES)))
def test_a_function_of_an_external_solver_is_measured_in_agreement_with_the_closed_form(rates):
    """Waves with the amplitude exp(-r_k t): e_k, the L2 error by Parseval, t_k = log 2 / r_k; u is 0 at both ends."""
    exact = CallableField(lambda x: torch.stack(waves(x, torch)).sum(dim=0))
    target = Target(Problem(domain=INTERVAL, source=1.0, boundary=0.0), exact)
    rates, steps = np.array(rates), np.arange(60)
    decay = np.exp(-np.outer(steps, rates))
    history = follow(target, [lambda x, e=e: (1 - e) @ np.array(waves(x)) for e in decay])
    record = SpectralRecord.of(history)
    np.testing.assert_allclose(record.error, decay, atol=1e-13)  # sums over a grid of 1024 intervals
    np.testing.assert_allclose(history.column("relative_l2"), np.sqrt((decay**2).mean(axis=1)), atol=1e-13)
    np.testing.assert_allclose(history.column("boundary_error"), 0, atol=1e-13)
    arrived = decay[-1] < 0.5
    np.testing.assert_allclose(record.halving_steps[arrived], np.log(2) / rates[arrived], rtol=1e-9)
    assert np.isinf(record.halving_steps[~arrived]).all()


@pytest.mark.parametrize("name", list(PROBES))
def test_every_probe_accepts_a_function_without_coefficients(name):
    target = Target(Problem(domain=INTERVAL, source=1.0, boundary=0.0), as_field(lambda x: torch.sin(x[:, 0])))
    history = follow(target, [lambda x, t=t: t * np.sin(x[:, 0]) for t in (0.0, 0.5)], (name,))
    assert all(np.isfinite(np.asarray(history.column(n), dtype=float)).all() for n in history.names)


def test_a_state_and_its_function_give_the_same_row():
    grid = Grid(INTERVAL, (64,))
    target = Target(Problem(domain=INTERVAL, source=1.0, boundary=0.0), as_field(lambda x: torch.sin(x[:, 0])))
    c = 0.7 * grid.interpolate(target.reference, X)
    rows = []
    for iterate in (SpaceIterate(grid, c), Iterate.of_function(lambda x: grid.at(torch.from_numpy(x)).value(c).numpy())):
        rows.append(make_probe("error").prepare(target, iterate, discrete_solution=None, facts={})(iterate))
    assert rows[0] == rows[1]


def test_numpy_functions_torch_functions_and_fields_are_equivalent():
    kinds = [
        Iterate.of_function(lambda x: np.sin(x[:, 0]), gradient=np.cos),
        Iterate.of_function(lambda x: np.sin(x), gradient=lambda x: np.cos(x[:, 0])),  # (n, 1) for values, (n,) for gradients
        Iterate.of_function(lambda x: torch.sin(x[:, 0]), points="torch"),
        Iterate.of_function(lambda x: torch.sin(x[:, 0]), gradient=torch.cos, points="torch"),
        Iterate.of_function(as_field(lambda x: torch.sin(x[:, 0]))),
    ]
    for iterate in kinds:
        np.testing.assert_allclose(iterate.values(X), torch.sin(X[:, 0]).numpy(), atol=1e-15)
        np.testing.assert_allclose(iterate.gradients(X), torch.cos(X).numpy(), atol=1e-15)
        assert iterate.space is None and iterate.coefficients is None


def test_each_set_of_points_is_evaluated_once_and_identified_by_its_coordinates():
    calls = []
    iterate = Iterate.of_function(lambda x: calls.append(len(x)) or np.sin(x[:, 0]))
    for x in (X, X, X.clone(), X[:5], X[:5], X + 1):
        iterate.values(x)
    assert calls == [33, 5, 33]


def test_points_do_not_change_if_a_function_modifies_its_argument():
    before = X.clone()

    def spoil(x):
        x[:] = 0
        return x[:, 0]

    Iterate.of_function(spoil).values(X)
    assert torch.equal(X, before)


@pytest.mark.parametrize(
    ("u", "told"),
    [
        (lambda x: np.ones(len(x) + 1), r"33 for points of shape \(33, 1\), got an array of shape \(34,\)"),
        (lambda x: 1.0, r"got an array of shape \(\)"),  # noqa: ARG005
        (lambda x: np.hstack([x, x]), r"got an array of shape \(33, 2\)"),
    ],
)
def test_a_function_must_return_one_value_per_point(u, told):
    with pytest.raises(OptionError, match=told):
        Iterate.of_function(u).values(X)


def test_an_unknown_gradient_or_one_of_the_wrong_shape_is_refused():
    with pytest.raises(IncompatibleError, match="gradient="):
        Iterate.of_function(lambda x: x[:, 0]).gradients(X)
    with pytest.raises(OptionError, match=r"shape of its points, \(33, 1\), got \(2,\)"):
        Iterate.of_function(lambda x: x[:, 0], gradient=lambda x: np.ones(2)).gradients(X)  # noqa: ARG005
    with pytest.raises(OptionError, match="'numpy' or 'torch', got 'jax'"):
        Iterate.of_function(np.sin, points="jax")  # type: ignore[arg-type]


class Asks(Probe):
    """A probe that uses the same points as `error`."""

    def prepare(self, target, iterate, *, discrete_solution, facts):
        class Same(Measurement):
            def __call__(self, iterate):
                return {"mean": float(iterate.values(target.recorded_points.x.clone()).mean())}

        return Same()


@pytest.mark.parametrize("method", ["jacobi", "deep-ritz:number=20,widths=[4]"])
def test_probes_of_a_run_share_evaluators_and_values(method, monkeypatch):
    """However many probes there are, a space is prepared once for a set of points and evaluated there once per record."""
    from pdefreq.probes import sampled

    prepared, evaluated = [], []
    at, values = sampled.SampledSpace.__init__, sampled.SampledSpace.values

    def counting(self, space, like):
        at(self, space, like)
        inner = self._evaluators._function
        self._evaluators._function = lambda x: prepared.append(len(x)) or inner(x)

    monkeypatch.setattr(sampled.SampledSpace, "__init__", counting)
    monkeypatch.setattr(sampled.SampledSpace, "values", lambda self, c, x: evaluated.append(len(x)) or values(self, c, x))
    problem = load_problem("poisson")
    history = solve(problem, method, stop=Stop(steps=4), probes=["error", Asks(), Asks()], predict=False).history
    assert len(history) == 5
    assert sorted(set(prepared)) == sorted(prepared)  # test points and the two ends
    assert sorted(evaluated) == sorted(5 * prepared)

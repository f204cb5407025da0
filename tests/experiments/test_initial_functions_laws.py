"""Experiments on initial functions and gaps: identities that hold for all weights, and kernels of wide networks."""

import math

import pytest
import torch

from pdefreq.core.errors import OptionError
from pdefreq.core.history import Stop
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.experiments import EXPERIMENTS, run_experiment
from pdefreq.experiments import antisymmetric_networks as asi
from pdefreq.experiments.data_sets import interval_regression
from pdefreq.parts.inputs import Periodic
from pdefreq.parts.networks import Mlp
from pdefreq.problem.data import Data
from pdefreq.runs.solve import solve
from pdefreq.theory.ntk import kernel

SMALL = {
    "antisymmetric": {"width": "20", "steps": "3", "linear_width": "20", "networks": "2"},
    "data-gap": {"steps": "2"},
    "early-stopping": {"steps": "12", "number": "8"},
    "initialization": {"steps": "1"},
    "parity": {"steps": "2", "dimension": "5"},
}


LONG = {"antisymmetric", "initialization"}  # several seconds


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in SMALL])
def test_reports_can_be_created_after_few_steps_and_have_labelled_figures(name):
    report = run_experiment(name, EXPERIMENTS.load(name), SMALL[name])
    assert report.findings and report.tables and name in report.figures
    for figure in report.figures.values():
        assert all(axes.get_title() for axes in figure.axes)
        assert all(axes.get_ylabel() for axes in figure.axes if axes.get_subplotspec().is_first_col())
    with pytest.raises(OptionError, match="`steps` must be at least 1, got 0"):
        run_experiment(name, EXPERIMENTS.load(name), {"steps": "0"})


@pytest.mark.parametrize(("bias", "widths", "holds"), [("none", (50,), True), ("all", (50,), False), ("none", (20, 20), False)])
def test_a_bias_free_layer_on_the_circle_differs_from_its_opposite_values_by_one_harmonic(bias, widths, holds):
    """relu(z) - relu(-z) = z, so that u(x) - u(x + pi) is a combination of cos x and sin x for any weights."""
    network = Mlp(widths=widths, bias=bias, activation="relu", initialization="ntk", input=Periodic(harmonics=1))
    space = network.on(Box((-math.pi,), (math.pi,)))
    c = space.initialize(stream(0, "test"))
    x = torch.linspace(-math.pi, 0, 41, dtype=torch.float64)
    odd = space.at(x[:, None]).value(c) - space.at(x[:, None] + math.pi).value(c)
    waves = torch.stack([x.cos(), x.sin()], dim=1)
    rest = odd - waves @ torch.linalg.pinv(waves) @ odd
    assert (float(rest.norm()) < 1e-12 * float(odd.norm())) is holds


@pytest.mark.parametrize("start", ["null", "antisymmetric", "doubled"])
def test_kernels_of_infinite_width_are_those_of_wide_networks(start):
    """Deviations decrease like 1 / sqrt(width): 1 / 20 for 400 units, of each of the contributions."""
    x = asi.places(0)
    space = asi.solver(400, start, 1.0).network.on(Box((-1.0,), (1.0,)))
    with torch.no_grad():
        found = kernel(space.at(x[:, None]).jacobian_factors(space.initialize(stream(0, "initialization"))))
    # the last bias is there twice in two copies, each times 1/2, and once in the doubled network
    wide = asi.wide_kernel(x, doubled=start == "doubled") * len(x) / 2 - (1 if start == "doubled" else 0)
    assert float((found - wide).norm() / wide.norm()) < 0.15


def test_linearized_networks_have_the_losses_of_networks_that_hardly_move():
    """The error of the change of the loss is that of the kernel, of the order of the change of the loss, 1e-3 here."""
    seed, steps, width = 1, 20, 30
    x = asi.places(seed)
    rate = 1e-4 * asi.learning_rate(x)
    losses = asi.linear_losses(width, steps, seed, rate=rate)
    for name, (factor, start) in asi.METHODS.items():
        method, fit = asi.solver(factor * width, start, rate), interval_regression(-1, 1, Data(x=x, values=torch.sin(4 * x)))
        history = solve(fit, method, stop=Stop(steps=steps), seed=seed, probes=(), predict=False).history
        first, last = history.column("objective")[[0, -1]]

        assert losses[name][-1] - first == pytest.approx(last - first, rel=5e-3), name


def test_at_infinite_width_antisymmetric_networks_have_a_smaller_loss_than_plain_ones():
    x = asi.places(0)
    losses = asi.mean_wide_losses(x, torch.sin(4 * x), asi.learning_rate(x), 3000)
    assert losses["ASI"] < losses["plain, RND"] / 10


def test_the_initial_output_has_the_stated_size():
    """Output weights of standard deviation 10: the initial function has the mean square 100 times the covariance."""
    x = asi.places(0)
    space = asi.solver(400, "null", 1.0).network.on(Box((-1.0,), (1.0,)))
    c = [space.initialize(stream(seed, "initialization")) for seed in range(30)]
    mean = torch.stack([space.at(x[:, None]).value(each) for each in c]).square().mean()
    expected = asi.mean_wide_losses(x, torch.zeros(len(x), dtype=torch.float64), 0.0, 0)["plain, RND"]
    assert float(mean) == pytest.approx(
        expected, rel=0.6
    )  # 30 networks; values at the points are nearly equal: sqrt(2 / 30) = 0.26

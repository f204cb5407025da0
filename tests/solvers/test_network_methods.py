import itertools
import json
import math
import re
from contextlib import nullcontext

import numpy as np
import pytest
import torch

from pdefreq import parts
from pdefreq.core.errors import IncompatibleError, OptionError, ProblemFileError, UnknownNameError
from pdefreq.core.fields import CallableField, ConstantField
from pdefreq.core.history import Stop
from pdefreq.core.options import options_of
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Data, Problem
from pdefreq.runs.lifecycle import rerun, resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.network_methods import deep_ritz, gauss_newton, mscale, pinn, pinn_gradient, regression, regression_gradient
from pdefreq.solvers.network_solver import NetworkSolver
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.trial_space import SpaceField
from pdefreq.theory.green import sum_of_green_functions
from tests.spaces.registered import ACTIVATION_NAMES, BASIC

CPU = torch.device("cpu")
PRESETS = [deep_ritz, mscale, pinn, pinn_gradient, gauss_newton, regression, regression_gradient]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.__name__)
def test_options_of_parts_are_arguments_of_a_method(preset):
    """The same method as by `with_options` and by its name; another one than with the defaults."""
    options = {"widths": (7, 5), "activation": torch.nn.functional.gelu, "initialization": "glorot"}
    made = preset(**options)
    assert made == preset().with_options(options) == make_solver(preset.__name__.replace("_", "-"), options) != preset()
    assert made.name == preset().name
    assert next(option.name for option in options_of(preset)) == "network" and "options" not in {
        o.name for o in options_of(preset)
    }
    with pytest.raises(UnknownNameError, match="did you mean 'widths'"):
        preset(wdths=(7, 5))
    with pytest.raises(OptionError, match="given twice"):
        preset(widths=(7, 5), **{"network.widths": (3,)})


def box(d):
    return Box((-1.0,) * d, (1.0,) * d)


def four_tones():
    """The four-tone problem: -u'' = sin x + 4 sin 4x - 8 sin 8x + 16 sin 24x on (-1, 1), and its solution."""

    def particular(x):
        return sum(w * torch.sin(k * x) for k, w in ((1, 1), (4, 1 / 4), (8, -1 / 8), (24, 1 / 36)))

    def source(x):
        return sum(w * torch.sin(k * x[:, 0]) for k, w in ((1, 1), (4, 4), (8, -8), (24, 16)))

    end = particular(torch.tensor(1.0, dtype=torch.float64))
    return Problem(domain=box(1), source=source, boundary=0.0), lambda x: particular(x[:, 0]) - end * x[:, 0]


def poisson(d=1, **fields):
    return Problem(**{"domain": box(d), "source": 1.0, "boundary": 0.0} | fields)


def tones(**fields):
    def target(x):
        return torch.sin(3 * x).sum(dim=1)

    return Problem(**{"domain": box(1), "source": target, "diffusion": 0.0, "reaction": 1.0} | fields)


def prepare(solver, problem, seed=0, dtype=torch.float64, device=CPU, **extra):
    return solver.prepare(problem, seed=seed, device=device, dtype=dtype, **extra)


def train(solver, problem, steps, **settings):
    iteration = prepare(solver, problem, **settings)
    state = iteration.init()
    for _ in range(steps):
        state = iteration.step(state)
    return iteration, state


def relative_l2(state, exact, domain=None):
    x = (domain or box(1)).quadrature(500).x
    u = SpaceField(state.space, state.coefficients.detach())
    return float((u(x) - exact(x)).norm() / exact(x).norm())


def test_methods_are_compositions():
    assert {type(preset()) for preset in PRESETS} == {NetworkSolver}
    assert type(deep_ritz().network) is parts.Mlp and mscale().network == parts.Mscale(scales=(1, 2, 4, 8, 16, 32))
    small = parts.Mscale(scales=(1.0, 2.0), widths=(5,))
    assert make_solver("mscale", {"scales": "[1,2]", "widths": "[5]"}) == mscale(network=small)
    assert mscale().with_options(scales=(1.0, 2.0), widths=(5,)) == mscale(network=small)
    assert NetworkSolver(**{option.name: getattr(mscale(), option.name) for option in options_of(NetworkSolver)}) == mscale()


@pytest.mark.parametrize("factory", [*PRESETS, NetworkSolver])
def test_every_option_is_documented(factory):
    assert all(option.doc for option in options_of(factory))


def test_plain_and_multiscale_defaults_have_equal_size():
    sizes = [prepare(preset(), poisson()).init().coefficients.numel() for preset in (deep_ritz, mscale)]
    assert max(sizes) / min(sizes) < 1.01


def test_the_option_steps_is_the_budget():
    assert mscale().with_options(steps=7).budget == Stop(steps=7)


@pytest.mark.parametrize(
    ("options", "kind"),
    [({}, HardBoundary), ({"boundary": "penalty"}, MscaleSpace), ({"boundary": "penalty", "form": "first-layer"}, MscaleSpace)],
)
def test_the_trial_space_follows_from_the_options(options, kind):
    space = prepare(mscale().with_options(number=20, **options), poisson()).init().space
    assert type(space) is kind
    if options.get("form"):
        assert space.shapes["weight1"] == (1, 30, 1)
    assert isinstance(prepare(regression().with_options(number=20), tones()).init().space, MlpSpace)


@pytest.mark.parametrize(("d", "number"), [(1, 1000), (2, 19600), (3, 8192), (5, 8192)])
def test_default_points(d, number):
    iteration = prepare(deep_ritz().with_options(widths=(2,)), poisson(d))
    functional = iteration._objectives.at(0)
    assert sum(len(block.evaluator._inner._x) for block in functional.blocks) == number


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (30, 0)}, "`widths` must be at least 1, got 0"),
        ({"widths": ()}, "option 'widths' must be a list of"),
        ({"scales": (1.0, -2.0)}, "`scales` must be positive and finite, got -2"),
        ({"scales": (1.0, float("inf"))}, "`scales` must be positive and finite, got inf"),
        ({"learning_rate": 0.0}, "`learning_rate` must be positive and finite, got 0"),
        ({"learning_rate": float("nan")}, "`learning_rate` must be positive and finite, got nan"),
        ({"half_life": -1.0}, "`half_life` must be positive and finite, got -1"),
        ({"boundary": "penalty", "beta": 0.0}, "`beta` must be positive and finite, got 0"),
        ({"number": 0}, "`number` must be at least 1, got 0"),
        ({"boundary": "penalty", "boundary.points": 0}, "`points` must be at least 1, got 0"),
        ({"points": "sobol", "resample_every": 0}, "`resample_every` must be at least 1, got 0"),
        ({"steps": -1}, "`steps` must be at least 0, got -1"),
        ({"points": 3}, "option 'points' must be one of auto, gauss, sobol, uniform, rad, rar, at-data, got 3"),
        ({"optimizer": None}, "option 'optimizer' must be one of adam, gd, sgd, soap, lbfgs, ssbroyden, gauss-newton, got None"),
        ({"batch": 0}, "`batch` must be at least 1, got 0"),
        ({"patience": 0}, "`patience` must be at least 1, got 0"),
        ({"clip": 0.0}, "`clip` must be positive and finite, got 0"),
        ({"optimizer": "sgd", "momentum": 1.0}, "`momentum` must be at least 0 and below 1, got 1"),
        ({"weights": {"energy": -1.0}}, "`weights` must be positive and finite, got -1"),
        ({"weights": 3}, "option 'weights' must be numbers by name such as first:1,second:10 or null, got 3"),
        ({"optimizer": "lbfgs", "batch": 10}, "lbfgs needs an objective that is the same in every step.* leave `batch` out"),
        ({"boundary": 0.5}, "option 'boundary' must be one of auto, hard, penalty, got 0.5"),
        ({"form": "first-layer", "widths": (3, 3)}, "the first of `widths` must be at least the number of scales, 6"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        mscale().with_options(**options)


def test_unknown_names_are_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="unknown activation 'tan': did you mean 'tanh'"):
        mscale().with_options(activation="tan")
    with pytest.raises(UnknownNameError, match="unknown optimizer 'sdg': did you mean 'sgd'"):
        mscale().with_options(optimizer="sdg")
    with pytest.raises(UnknownNameError, match="unknown boundary 'soft': known names are auto, hard, penalty"):
        make_solver("mscale:boundary=soft")
    with pytest.raises(UnknownNameError, match="unknown initialization 'xavier'"):
        deep_ritz().with_options(initialization="xavier")


@pytest.mark.parametrize("options", [{"number": 10**12}, {"widths": (10**8, 10**8)}, {"widths": (10**12,)}])
def test_networks_too_large_for_the_memory_are_refused(options):
    with pytest.raises(OptionError, match=r"would need about [0-9,]+ GiB of memory"):
        prepare(mscale().with_options(**options), poisson())


def test_fluxes_that_do_not_balance_the_source_are_refused():
    """The energy has no minimum."""
    problem = Problem(domain=Box((0.0,), (3.0,)), source=1.0, boundary=(BoundaryPart("robin"),))
    with pytest.raises(ProblemFileError, match=r"add up to zero, got 3 \(of absolute values: 3\)"):
        prepare(deep_ritz().with_options(boundary="penalty"), problem)


MIXED = (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("robin", name="x-max", flux=ConstantField(1.0)))
SPLIT = (BoundaryPart("dirichlet", where=lambda x: x[:, 1] < 0.5), BoundaryPart("robin", flux=ConstantField(1.0)))


@pytest.mark.parametrize(
    ("solver", "problem", "message"),
    [
        (deep_ritz(), tones(), "deep-ritz needs a differential equation, .* is a regression: use `regression`"),
        (mscale(), tones(), "mscale needs a differential equation, .* is a regression: use `regression`"),
        (gauss_newton(), tones(), r"gauss-newton needs a differential equation, .* is a regression: use `regression`"),
        (
            gauss_newton().with_options(loss="misfit"),
            poisson(),
            r"gauss-newton needs a given function to fit, and this is a differential equation: use `sine`",
        ),
        (gauss_newton().with_options(activation="relu"), poisson(), "takes derivatives of order 2 and relu has 1"),
        (
            gauss_newton().with_options(loss="misfit", gradient=1.0),
            tones(data=Data("uniform", 20)),
            r"\(\[data\]\): use `regression`",
        ),
        (
            pinn_gradient(),
            poisson(exponent=3.0, diffusion=2.0),
            r"pinn-gradient needs second derivatives whose coefficients depend only on x, and the diffusion term "
            r"-div\( \(2\) \|grad u\|\^1 grad u \) has coefficients that depend on u or grad u: use `fem` or `deep-ritz`",
        ),
        (regression(), poisson(), "this is a differential equation: use `sine`"),
        (mscale().with_options(boundary="hard"), poisson(2, boundary=SPLIT), "on one side, .*: use `--set boundary=penalty`"),
        (
            deep_ritz().with_options(points="gauss"),
            poisson(4),
            "Gauss points are limited to 3 dimensions, got 4: use `--set points=sobol`",
        ),
        (
            deep_ritz(),
            poisson(domain=Ball((0.0, 0.0), 1.0), data=Data("uniform", 5)),
            "need a box, and this domain is not a box",
        ),
    ],
)
def test_unsuitable_problems_are_refused_in_one_sentence(solver, problem, message):
    with pytest.raises(IncompatibleError, match=message) as refusal:
        prepare(solver, problem)
    assert "\n" not in str(refusal.value)


def test_an_initial_guess_is_refused():
    with pytest.raises(IncompatibleError, match="mscale can't start from a given function"):
        prepare(mscale(), poisson(), guess=ConstantField(0.0))


@pytest.mark.parametrize(("preset", "order"), [(deep_ritz, 1), (mscale, 1), (pinn, 2), (pinn_gradient, 3)])
@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_a_functional_requires_as_many_derivatives_as_it_uses(preset, order, activation):
    """A general rule instead of a list of pairs: a method accepts exactly the activations that have the derivatives."""
    solver = preset().with_options(activation=activation, number=10, widths=(3,))
    if activation_named(activation).smoothness >= order:
        prepare(solver, poisson())
        return
    with pytest.raises(
        IncompatibleError, match=f"takes derivatives of order {order} and {re.escape(activation)} has 1|2: use activation="
    ):
        prepare(solver, poisson())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("boundary", ["hard", "penalty"])
def test_the_state_has_the_requested_dtype(boundary, dtype):
    iteration, state = train(mscale().with_options(number=20, boundary=boundary), poisson(2, boundary=1.0), 2, dtype=dtype)
    assert state.coefficients.dtype == dtype
    assert {term.dtype for term in iteration.objective(state).values()} == {dtype}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cpu_and_gpu_results_agree():
    problem = poisson(2, source=lambda x: x[:, 0].exp(), boundary=CallableField(lambda x: x[:, 1] ** 2))
    for boundary, points in itertools.product(("hard", "penalty"), ("gauss", "sobol")):
        solver = mscale().with_options(number=100, boundary=boundary, points=points, optimizer="gd", learning_rate=1e-7)
        ends = [train(solver, problem, 5, device=torch.device(device))[1].coefficients.cpu() for device in ("cpu", "cuda")]
        torch.testing.assert_close(*ends, rtol=0, atol=1e-10)  # sums in another order, five steps


def test_the_objective_has_named_terms():
    assert set(
        prepare(mscale().with_options(number=20), poisson()).objective(
            prepare(mscale().with_options(number=20), poisson()).init()
        )
    ) == {"energy"}
    iteration, state = train(mscale().with_options(number=20, boundary="penalty"), poisson(), 1)
    assert set(iteration.objective(state)) == {"energy", "boundary"}
    iteration, state = train(regression().with_options(number=20), tones(), 1)
    assert set(iteration.objective(state)) == {"misfit"}


def test_another_seed_gives_another_run():
    first, again, other = (train(mscale().with_options(number=20), poisson(), 3, seed=seed)[1].coefficients for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    "activation", [name if name in BASIC else pytest.param(name, marks=pytest.mark.slow) for name in ACTIVATION_NAMES]
)
def test_mscale_learns_four_tones(activation):
    """A small part of the budget: the error decreases from about 1 to a few per cent with every activation."""
    problem, exact = four_tones()
    _, state = train(mscale().with_options(number=250, activation=activation, widths=(20, 20)), problem, 150)
    assert relative_l2(state, exact) < 0.1


def test_networks_are_trained_with_penalties_and_with_data():
    problem, exact = four_tones()
    _, state = train(mscale().with_options(number=250, widths=(20, 20), boundary="penalty", beta=20.0), problem, 150)
    assert relative_l2(state, exact) < 0.2  # of which the penalty contributes 0.02
    known = Problem(domain=box(1), source=problem.source, boundary=0.0, data=Data("uniform", 250))
    _, state = train(mscale().with_options(widths=(20, 20)), known, 150)
    assert relative_l2(state, exact) < 0.1


def test_with_few_data_points_the_energy_is_bounded_below():
    """Only the source is known at points: if |grad u|^2 were summed over them as well, u could grow between them without bound.

    The least energy belongs to the sum u of Green's functions: -1/2 |Omega|/n sum_i f_i u(x_i).
    """
    problem = Problem(domain=box(1), boundary=0.0, data=Data(x=[-0.5, 0.25], values=[1.0, 2.0]))
    points, values = torch.tensor([[-0.5], [0.25]], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)
    least = -float(values @ sum_of_green_functions(points, points, values, *problem.domain.bounds)) / 2
    iteration, state = train(deep_ritz().with_options(widths=(20, 20), learning_rate=1e-2, number=200), problem, 400)
    energy = float(sum(iteration.objective(state).values()))
    # above the minimum up to the quadrature error, and within a tenth of it: the additional energy of smoothed corners
    assert least - 1e-3 * abs(least) < energy < 0.9 * least


def test_regression_learns_a_tone():
    iteration, state = train(regression().with_options(widths=(30, 30), learning_rate=1e-2), tones(data=Data("uniform", 60)), 300)
    assert float(iteration.objective(state)["misfit"]) < 5e-3
    assert relative_l2(state, lambda x: torch.sin(3 * x[:, 0])) < 0.1


def test_other_domains_and_dimensions():
    """-lap u = 2 d in the unit ball: u = 1 - |x|^2."""
    for d in (2, 3):
        domain = Ball((0.0,) * d, 1.0)
        problem = Problem(domain=domain, source=2.0 * d, boundary=0.0)
        _, state = train(deep_ritz().with_options(widths=(20, 20), number=300, learning_rate=1e-2), problem, 150)
        assert relative_l2(state, lambda x: 1 - x.square().sum(dim=1), domain) < 0.1


def test_nonlinear_and_robin_problems():
    """-(|u'| u')' = f (p = 3) on (-1, 1), u = x^2 + x; the flux is given on the right, the value on the left."""
    flux = (2 * 1 + 1) ** 2  # |u'| u' at x = 1

    def source(x):
        slope = 2 * x[:, 0] + 1
        return -4 * slope.abs()  # -(|s| s)' = -2 |s| s', s' = 2

    parts = (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("robin", name="x-max", flux=ConstantField(float(flux))))
    problem = Problem(domain=box(1), source=source, boundary=parts, exponent=3.0)
    solver = deep_ritz().with_options(
        widths=(20, 20), number=100, learning_rate=1e-2, half_life=150.0, boundary="penalty", beta=50.0
    )
    _, state = train(solver, problem, 500)
    assert relative_l2(state, lambda x: x[:, 0] ** 2 + x[:, 0]) < 0.1  # of which the penalty contributes about 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mscale_with_default_options_has_an_error_of_a_thousandth_on_four_tones(seed):
    """After a third of its budget, and without overfitting: the energy at more points is not higher."""
    from pdefreq.functionals.ritz_energy import RitzEnergy, energy_of

    problem, exact = four_tones()
    iteration, state = train(mscale(), problem, 700, seed=seed)
    assert relative_l2(state, exact) < 1e-3
    fine = box(1).quadrature(7000)
    lowest = energy_of(problem, CallableField(exact), fine)
    held_out = float(RitzEnergy(problem, state.space, fine, like=state.coefficients).terms(state.coefficients)["energy"])
    trained = float(iteration.objective(state)["energy"])
    assert trained > lowest
    assert held_out - lowest == pytest.approx(trained - lowest, rel=0.05)
    assert math.isfinite(held_out)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_plain_network_learns_low_frequencies_first(seed):
    """The frequency principle (Xu et al., 2020): a positive bias index in sine modes for the four tones."""
    from pdefreq.core.history import Stop
    from pdefreq.runs.solve import solve

    report = solve("poisson", "deep-ritz", stop=Stop(steps=1500), seed=seed).spectrum()
    assert report is not None and report.bias_index is not None
    assert report.bias_index > 0


@pytest.mark.parametrize(
    ("options", "rows", "size"),
    [  # rows of an energy are slopes, and values if there is a reaction; a residual has one row for each point
        ({"loss": "ritz", "number": 10**6}, "2,000,000 rows", "7.5 GiB"),
        ({"number": 10**6}, "1,000,000 rows", "3.7 GiB"),
        ({"number": 10**6, "boundary": "penalty", "boundary.points": 500}, "1,000,520 rows", "3.7 GiB"),  # 13 x 10 per side
    ],
)
def test_a_gauss_newton_factor_that_is_too_large_is_refused_before_it_is_formed(options, rows, size):
    """20-20 units in two dimensions have 60 + 420 + 21 coefficients; 2^27 numbers of 8 bytes are 1 GiB."""
    with pytest.raises(OptionError, match=f"a matrix of {rows} for 501 coefficients, {size}, and takes at most 1 GiB") as refusal:
        prepare(gauss_newton().with_options(**options), poisson(2))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("factory", "options", "needed"),
    [
        (deep_ritz, {"schedule": "staged"}, "boundary=penalty"),
        (pinn, {"beta": 3.0}, "boundary=penalty"),
        (pinn, {"boundary": "penalty", "total_steps": 30}, "boundary.schedule=staged"),
        (pinn, {"std": 2.0}, "network.input=fourier"),
        (regression, {"momentum": 0.5}, "optimizer=sgd"),
        (pinn, {"optimizer": "lbfgs", "learning_rate": 0.1}, "optimizer=adam, gd, sgd or soap"),
        (mscale, {"optimizer": "lbfgs", "half_life": 10.0}, "optimizer=adam, gd, sgd or soap"),
        (mscale, {"optimizer": "gauss-newton", "clip": 1.0}, "optimizer=adam, gd, sgd or soap"),
        (mscale, {"optimizer": "lbfgs", "momentum": 0.5}, "optimizer=sgd"),
        (mscale, {"half_life": None, "decay": "cosine"}, "`half_life`"),
        (mscale, {"damping": 0.1}, "optimizer=gauss-newton"),
        (mscale, {"scales": (3.0,), "form": "first-layer"}, "`scales`, several of them"),
        (deep_ritz, {"scales": (1.0, 3.0)}, "network=mscale"),
        (deep_ritz, {"frequencies": (1.0, 3.0)}, "network=phase-shift"),
        (pinn, {"points": "gauss", "resample_every": 5}, "points=sobol, uniform, rad or rar"),
        (gauss_newton, {"exponent": 3.0}, "loss=misfit"),
    ],
)
def test_options_without_effect_are_refused(factory, options, needed):
    idle = list(options)[-1]
    with pytest.raises(OptionError) as refusal:
        factory().with_options(**options)
    assert str(refusal.value) == f"`{idle}` does nothing here: it needs {needed}; set that, or leave `{idle}` out"


def test_a_replaced_part_keeps_common_options():
    """Learning rate and half-life of mscale are passed to another first-order optimizer; L-BFGS has neither."""
    assert mscale().with_options(optimizer="sgd").optimizer == parts.Sgd(learning_rate=8e-3, half_life=800.0)
    assert mscale().with_options(optimizer="lbfgs").optimizer == parts.Lbfgs()
    assert mscale().with_options(points="uniform", number=7, resample_every=3).points == parts.Uniform(number=7, resample_every=3)
    assert pinn().with_options(network="mscale", scales=(2.0, 3.0)).network == parts.Mscale(
        scales=(2.0, 3.0), widths=(50, 50, 50), activation="tanh"
    )


def test_a_batch_larger_than_the_points_is_refused():
    prepare(pinn().with_options(number=20, batch=20), poisson())
    with pytest.raises(OptionError, match="`batch` must be at most the number of points, 20, got 21: leave it out to use all"):
        prepare(pinn().with_options(number=20, batch=21), poisson())
    prepare(regression().with_options(number=20, batch=21), tones(data=Data("uniform", 30)))  # the points are those of the data


def test_weights_by_name_are_merged_with_the_default_weights():
    solver = pinn_gradient().with_options(weights={"residual": 0.5})
    assert solver.loss == parts.Residual(gradient=1e-3, weights={"residual": 0.5})
    assert solver.with_options(weights={"boundary": 2}).loss.weights == {"residual": 0.5, "boundary": 2.0}
    assert make_solver("pinn-gradient", {"weights": "residual:0.5"}) == solver
    functional = prepare(solver.with_options(number=20), poisson())._objectives.at(0)
    assert functional.weights == {"residual": 0.5, "gradient": 1e-3}


def test_a_method_keeps_the_requested_name():
    names = {"deep-ritz", "mscale", "pinn", "pinn-gradient", "gauss-newton", "regression", "regression-gradient"}
    assert {make_solver(name).name for name in names} == {preset().name for preset in PRESETS} == names
    assert make_solver("mscale", {"network": "mlp"}).name == "mscale"
    assert make_solver("pinn", {"optimizer": "gauss-newton"}).name == "pinn"
    assert mscale().with_options(widths=(3,)).name == "mscale" and NetworkSolver().name == "network"


def test_single_precision_is_refused_for_high_exponents():
    """The same rule for networks and elements: |grad u|^(p-1) loses all digits."""
    for exponent in (8.0, 9.0):
        problem = poisson(exponent=exponent)
        refused = pytest.raises(
            IncompatibleError, match="float32 is too coarse for exponents above 8, got 9: use --dtype float64"
        )
        with refused if exponent > 8 else nullcontext():
            prepare(deep_ritz().with_options(number=20, widths=(4,)), problem, dtype=torch.float32)
        prepare(deep_ritz().with_options(number=20, widths=(4,)), problem)


STAGED = {"widths": [4], "number": 20, "boundary": "penalty", "beta": 1.0, "schedule": "staged"}


def test_stages_follow_the_budget_of_the_run_and_do_not_change_when_it_is_extended(tmp_path):
    """With 40 steps the stages begin at 0, 4, 8, 10, 20, 30, for any value of the option `steps`."""
    stages = np.searchsorted([0, 4, 8, 10, 20, 30], np.arange(41), side="right") - 1
    multipliers = np.array([1, 10, 50, 100, 200, 500])[stages]
    for options, stop in (({}, Stop(steps=40)), ({"steps": 40}, None), ({"total_steps": 40}, Stop(steps=40))):
        history = solve("poisson", make_solver("deep-ritz", STAGED | options), stop=stop, probes=[]).history
        np.testing.assert_array_equal(history.column("stage"), stages)
        np.testing.assert_array_equal(history.column("weight.boundary"), multipliers)
    solver, short, long = make_solver("deep-ritz", STAGED), Stop(steps=40), Stop(steps=50)
    solve("poisson", solver, stop=short, folder=tmp_path / "run", callback=lambda step, *_: step == 17)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["spec"]["solver"]["boundary"]["schedule"] == {
        "name": "staged",
        "total_steps": 40,
    }
    extended = resume(tmp_path / "run", stop=long)
    np.testing.assert_array_equal(extended.history.column("weight.boundary"), [*multipliers, *[500] * 10])
    again = rerun(tmp_path / "run")  # with the final budget and the original stages
    np.testing.assert_array_equal(again.state.coefficients, extended.state.coefficients)
    assert again.step == 50


def test_in_a_chain_stages_follow_the_steps_of_the_network():
    chain = make_solver("deep-ritz+jacobi", {f"first.{key}": value for key, value in STAGED.items()} | {"hand_over_step": 12})
    first = chain.resolved(poisson(), Stop(steps=100)).first  # pyright: ignore[reportAttributeAccessIssue]
    assert first.boundary.schedule == parts.Staged(total_steps=12)


@pytest.mark.parametrize(("name", "told"), [("poisson-chirp", True), ("poisson-boltzmann:2d", True), ("poisson", False)])
def test_a_note_states_that_the_lifting_is_already_the_solution(name, told):
    """In these problems u is a sum of functions of one coordinate each, which transfinite interpolation reproduces."""
    small = {"widths": [4], "number": 100}
    notes = solve(name, make_solver("deep-ritz", small), stop=Stop(steps=1)).notes
    assert any("is already the solution" in note and "boundary=penalty" in note for note in notes) == told
    if told:
        soft = solve(name, make_solver("deep-ritz", small | {"boundary": "penalty"}), stop=Stop(steps=1)).notes
        assert not any("is already the solution" in note for note in soft)

import itertools
import math

import pytest
import torch

from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.errors import IncompatibleError, OptionError, ProblemFileError, UnknownNameError
from pdefreq.fields import CallableField, ConstantField
from pdefreq.history import Stop
from pdefreq.problem import BoundaryPart, Data, Problem
from pdefreq.registry import options_of
from pdefreq.solvers import make_solver
from pdefreq.solvers.network_solver import NetworkSolver
from pdefreq.solvers.networks import deep_ritz, gauss_newton, mscale, pinn, pinn_gradient, regression, regression_gradient
from pdefreq.spaces.activations import ACTIVATIONS
from pdefreq.spaces.hard_boundary import HardBoundary
from pdefreq.spaces.mlp import Mlp
from pdefreq.spaces.mscale import Mscale
from pdefreq.spaces.trial_space import SpaceField
from pdefreq.theory.green import sum_of_green_functions

CPU = torch.device("cpu")
PRESETS = [deep_ritz, mscale, pinn, pinn_gradient, gauss_newton, regression, regression_gradient]


def box(d):
    return Box((-1.0,) * d, (1.0,) * d)


def four_tones():
    """The seeds' problem: -u'' = sin x + 4 sin 4x - 8 sin 8x + 16 sin 24x on (-1, 1), and its solution."""

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


def test_presets_are_one_dataclass():
    assert {type(preset()) for preset in PRESETS} == {NetworkSolver}
    assert deep_ritz().scales is None and mscale().scales == (1, 2, 4, 8, 16, 32)
    assert make_solver("mscale", {"scales": "[1,2]", "widths": "[5]"}) == mscale(scales=(1.0, 2.0), widths=(5,))
    assert NetworkSolver(**{option.name: getattr(mscale(), option.name) for option in options_of(NetworkSolver)}) == mscale()


@pytest.mark.parametrize("factory", [*PRESETS, NetworkSolver])
def test_every_option_is_documented(factory):
    assert all(option.doc for option in options_of(factory))


def test_plain_and_multiscale_defaults_are_of_equal_size():
    sizes = [prepare(preset(), poisson()).init().coefficients.numel() for preset in (deep_ritz, mscale)]
    assert max(sizes) / min(sizes) < 1.01


def test_the_budget_is_the_option():
    assert mscale(steps=7).budget == Stop(steps=7)


@pytest.mark.parametrize(
    ("options", "kind"),
    [({}, HardBoundary), ({"boundary": "penalty"}, Mscale), ({"boundary": "penalty", "form": "first-layer"}, Mscale)],
)
def test_the_space_is_the_one_asked_for(options, kind):
    space = prepare(mscale(number=20, **options), poisson()).init().space
    assert type(space) is kind
    if options.get("form"):
        assert space.shapes["weight1"] == (1, 30, 1)
    assert isinstance(prepare(regression(number=20), tones()).init().space, Mlp)


@pytest.mark.parametrize(("d", "number"), [(1, 1000), (2, 19600), (3, 8192), (5, 8192)])
def test_default_points(d, number):
    iteration = prepare(deep_ritz(widths=(2,)), poisson(d))
    functional = iteration._course.at(0)
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
        ({"beta": 0.0}, "`beta` must be positive and finite, got 0"),
        ({"number": 0}, "`number` must be at least 1, got 0"),
        ({"boundary_points": 0}, "`boundary_points` must be at least 1, got 0"),
        ({"resample_every": 0}, "`resample_every` must be at least 1, got 0"),
        ({"steps": -1}, "`steps` must be at least 0, got -1"),
        ({"points": "grid"}, "option 'points' must be one of gauss, uniform, sobol or null, got 'grid'"),
        ({"optimizer": "sdg"}, "option 'optimizer' must be one of adam, gd, sgd, lbfgs, gauss-newton, got 'sdg'"),
        ({"batch": 0}, "`batch` must be at least 1, got 0"),
        ({"patience": 0}, "`patience` must be at least 1, got 0"),
        ({"clip": 0.0}, "`clip` must be positive and finite, got 0"),
        ({"momentum": 1.0}, "`momentum` must be at least 0 and below 1, got 1"),
        ({"weights": {"energy": -1.0}}, "`weights` must be positive and finite, got -1"),
        ({"weights": 3}, "option 'weights' must be numbers by name such as first:1,second:10 or null, got 3"),
        ({"optimizer": "lbfgs", "batch": 10}, "lbfgs needs an objective that stays the same .* leave `batch` out"),
        ({"boundary": "soft"}, "option 'boundary' must be one of hard, penalty, got 'soft'"),
        ({"form": "first-layer", "widths": (3, 3)}, "the first of `widths` must be at least the number of scales, 6"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        mscale(**options)


def test_unknown_names_get_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown activation 'tan': did you mean 'tanh'"):
        mscale(activation="tan")
    with pytest.raises(UnknownNameError, match="unknown initialization 'xavier'"):
        deep_ritz(initialization="xavier")


@pytest.mark.parametrize("options", [{"number": 10**12}, {"widths": (10**8, 10**8)}, {"widths": (10**12,)}])
def test_sizes_beyond_the_memory_are_refused(options):
    with pytest.raises(OptionError, match=r"would need about [0-9,]+ GiB of memory"):
        prepare(mscale(**options), poisson())


def test_fluxes_that_do_not_balance_the_source_are_refused():
    """The energy has no minimum."""
    problem = Problem(domain=Box((0.0,), (3.0,)), source=1.0, boundary=(BoundaryPart("robin"),))
    with pytest.raises(ProblemFileError, match=r"add up to zero, got 3 \(of 3 in modulus\)"):
        prepare(deep_ritz(boundary="penalty"), problem)


MIXED = (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("robin", name="x-max", flux=ConstantField(1.0)))


@pytest.mark.parametrize(
    ("solver", "problem", "message"),
    [
        (deep_ritz(), tones(), "deep-ritz lowers the energy .* this is a regression: use `regression`"),
        (mscale(), tones(), "mscale lowers the energy .* this is a regression: use `regression`"),
        (gauss_newton(), tones(), "gauss-newton lowers the residual .* this is a regression: use functional=misfit"),
        (gauss_newton(functional="misfit"), poisson(), "equation: use functional=ritz or residual"),
        (
            gauss_newton(functional="ritz", balance_every=5),
            poisson(),
            "for sums of squares: use functional=residual, or `weights`",
        ),
        (gauss_newton(activation="relu"), poisson(), "takes derivatives of order 2 and relu has 1"),
        (gauss_newton(functional="misfit-gradient"), tones(data=Data("uniform", 20)), r"\(\[data\]\): use functional=misfit"),
        (regression(), poisson(), "this is a differential equation: use `deep-ritz`, `mscale` or `pinn`"),
        (mscale(), poisson(boundary=MIXED), "only where one Dirichlet condition .* use boundary=penalty"),
        (deep_ritz(points="gauss"), poisson(4), "Gauss points fill at most 3 dimensions, got 4: use points=sobol"),
        (
            deep_ritz(),
            poisson(domain=Ball((0.0, 0.0), 1.0), data=Data("uniform", 5)),
            "fill boxes and this domain is none",
        ),
    ],
)
def test_what_it_cannot_do_is_refused_in_one_sentence(solver, problem, message):
    with pytest.raises(IncompatibleError, match=message) as refusal:
        prepare(solver, problem)
    assert "\n" not in str(refusal.value)


def test_a_given_start_is_refused():
    with pytest.raises(IncompatibleError, match="mscale can't start from a given function"):
        prepare(mscale(), poisson(), guess=ConstantField(0.0))


@pytest.mark.parametrize(("preset", "order"), [(deep_ritz, 1), (mscale, 1), (pinn, 2), (pinn_gradient, 3)])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_functional_asks_for_as_many_derivatives_as_it_takes(preset, order, activation):
    """One rule and no list of pairs: a method runs with an activation that has the derivatives, and refuses the others."""
    solver = preset(activation=activation, number=10, widths=(3,))
    if ACTIVATIONS[activation].smoothness >= order:
        prepare(solver, poisson())
        return
    with pytest.raises(IncompatibleError, match=f"takes derivatives of order {order} and {activation} has 1|2: use activation="):
        prepare(solver, poisson())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("boundary", ["hard", "penalty"])
def test_the_state_has_the_dtype_asked_for(boundary, dtype):
    iteration, state = train(mscale(number=20, boundary=boundary), poisson(2, boundary=1.0), 2, dtype=dtype)
    assert state.coefficients.dtype == dtype
    assert {term.dtype for term in iteration.objective(state).values()} == {dtype}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_computes_what_the_cpu_computes():
    problem = poisson(2, source=lambda x: x[:, 0].exp(), boundary=CallableField(lambda x: x[:, 1] ** 2))
    for boundary, points in itertools.product(("hard", "penalty"), ("gauss", "sobol")):
        solver = mscale(number=100, boundary=boundary, points=points, optimizer="gd", learning_rate=1e-7)
        ends = [train(solver, problem, 5, device=torch.device(device))[1].coefficients.cpu() for device in ("cpu", "cuda")]
        torch.testing.assert_close(*ends, rtol=0, atol=1e-10)  # sums in another order, five steps


def test_the_objective_is_named():
    assert set(prepare(mscale(number=20), poisson()).objective(prepare(mscale(number=20), poisson()).init())) == {"energy"}
    iteration, state = train(mscale(number=20, boundary="penalty"), poisson(), 1)
    assert set(iteration.objective(state)) == {"energy", "boundary"}
    iteration, state = train(regression(number=20), tones(), 1)
    assert set(iteration.objective(state)) == {"misfit"}


def test_another_seed_is_another_run():
    first, again, other = (train(mscale(number=20), poisson(), 3, seed=seed)[1].coefficients for seed in (0, 0, 1))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("activation", list(ACTIVATIONS))
def test_mscale_learns_four_tones(activation):
    """A small part of the budget: the error falls from about 1 to a few per cent with any activation."""
    problem, exact = four_tones()
    _, state = train(mscale(number=250, activation=activation, widths=(20, 20)), problem, 150)
    assert relative_l2(state, exact) < 0.1


def test_penalty_and_data_learn_too():
    problem, exact = four_tones()
    _, state = train(mscale(number=250, widths=(20, 20), boundary="penalty", beta=20.0), problem, 150)
    assert relative_l2(state, exact) < 0.2  # of which the penalty itself is 0.02
    known = Problem(domain=box(1), source=problem.source, boundary=0.0, data=Data("uniform", 250))
    _, state = train(mscale(widths=(20, 20)), known, 150)
    assert relative_l2(state, exact) < 0.1


def test_with_few_points_the_energy_has_a_minimum_that_networks_keep_above():
    """Only the source is known at points alone: were |grad u|^2 summed over them as well, u could grow between them for ever.

    The least energy is that of the sum of Green's functions u: -1/2 |Omega|/n sum_i f_i u(x_i).
    """
    problem = Problem(domain=box(1), boundary=0.0, data=Data(x=[-0.5, 0.25], values=[1.0, 2.0]))
    points, values = torch.tensor([[-0.5], [0.25]], dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)
    least = -float(values @ sum_of_green_functions(points, points, values, *problem.domain.bounds)) / 2
    iteration, state = train(deep_ritz(widths=(20, 20), learning_rate=1e-2, number=200), problem, 400)
    energy = float(sum(iteration.objective(state).values()))
    # above the minimum up to the quadrature's error, and within a tenth of it: corners cost a smooth function that much
    assert least - 1e-3 * abs(least) < energy < 0.9 * least


def test_regression_learns_a_tone():
    iteration, state = train(regression(widths=(30, 30), learning_rate=1e-2), tones(data=Data("uniform", 60)), 300)
    assert float(iteration.objective(state)["misfit"]) < 5e-3
    assert relative_l2(state, lambda x: torch.sin(3 * x[:, 0])) < 0.1


def test_other_domains_and_dimensions():
    """-lap u = 2 d in the unit ball: u = 1 - |x|^2."""
    for d in (2, 3):
        domain = Ball((0.0,) * d, 1.0)
        problem = Problem(domain=domain, source=2.0 * d, boundary=0.0)
        _, state = train(deep_ritz(widths=(20, 20), number=300, learning_rate=1e-2), problem, 150)
        assert relative_l2(state, lambda x: 1 - x.square().sum(dim=1), domain) < 0.1


def test_nonlinear_and_robin_problems():
    """-(|u'| u')' = f (p = 3) on (-1, 1), u = x^2 + x; the flux is given on the right, the value on the left."""
    flux = (2 * 1 + 1) ** 2  # |u'| u' at x = 1

    def source(x):
        slope = 2 * x[:, 0] + 1
        return -4 * slope.abs()  # -(|s| s)' = -2 |s| s', s' = 2

    parts = (BoundaryPart("dirichlet", name="x-min"), BoundaryPart("robin", name="x-max", flux=ConstantField(float(flux))))
    problem = Problem(domain=box(1), source=source, boundary=parts, exponent=3.0)
    solver = deep_ritz(widths=(20, 20), number=100, learning_rate=1e-2, half_life=150.0, boundary="penalty", beta=50.0)
    _, state = train(solver, problem, 500)
    assert relative_l2(state, lambda x: x[:, 0] ** 2 + x[:, 0]) < 0.1  # of which the penalty itself is about 0.02


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mscale_by_default_reaches_a_thousandth_on_four_tones(seed):
    """Within a third of its budget; and it does not overfit its points: the energy on finer ones is as high."""
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
def test_a_plain_network_takes_low_frequencies_first(seed):
    """The frequency principle (Xu et al., 2020): a positive bias index in sine modes, on the four tones."""
    from pdefreq.history import Stop
    from pdefreq.loop import solve

    report = solve("poisson", "deep-ritz", stop=Stop(steps=1500), seed=seed).spectrum()
    assert report is not None and report.bias_index is not None
    assert report.bias_index > 0


@pytest.mark.parametrize(
    ("options", "rows", "size"),
    [  # rows of an energy are slopes, and values where there is a reaction; of a residual one for each point
        ({"functional": "ritz", "number": 10**6}, "2,000,000 rows", "7.5 GiB"),
        ({"number": 10**6}, "1,000,000 rows", "3.7 GiB"),
        ({"number": 10**6, "boundary": "penalty", "boundary_points": 500}, "1,000,500 rows", "3.7 GiB"),
    ],
)
def test_a_factor_that_is_too_large_is_refused_before_it_is_formed(options, rows, size):
    """20-20 units on the plane have 60 + 420 + 21 coefficients; 2^27 numbers of 8 bytes are 1 GiB."""
    with pytest.raises(OptionError, match=f"a matrix of {rows} for 501 coefficients, {size}, and takes at most 1 GiB") as refusal:
        prepare(gauss_newton(**options), poisson(2))
    assert "\n" not in str(refusal.value)

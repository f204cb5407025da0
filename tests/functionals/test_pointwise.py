"""Losses given by functions of u and its derivatives at points."""

from pathlib import Path

import pytest
import torch

from pdefreq import Stop, load_problem, network, solve
from pdefreq.core.errors import OptionError
from pdefreq.core.streams import stream
from pdefreq.parts import FunctionLoss
from pdefreq.parts.losses import Residual, Ritz, Sampled
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.networks.mlp import MlpSpace

OWN = Path(__file__).parents[1] / "parts" / "own.py"


def helmholtz_residual(u, second, x):
    return u - second - torch.cos(3 * x[:, 0])


def helmholtz_energy(u, gradient, x):
    return (gradient.square().sum(dim=1) + u.square()) / 2 - torch.cos(3 * x[:, 0]) * u


def helmholtz(d):
    from pdefreq import Box, Problem

    return Problem(domain=Box((0.0,) * d, (1.0,) * d), reaction=1.0, source="cos(3*x)", boundary=0.5)


@pytest.mark.parametrize("edge", [False, True])
@pytest.mark.parametrize("d", [1, 2])
@pytest.mark.parametrize(
    ("function", "form", "loss"),
    [(helmholtz_residual, "residual", Residual()), (helmholtz_energy, "density", Ritz())],
    ids=["residual", "energy"],
)
def test_a_function_gives_value_gradient_rows_and_trace_of_the_built_in_loss(function, form, loss, d, edge):
    """-lap u + u = cos 3x. The Gauss-Newton matrices F^T F are compared, as the rows of F may be in another order."""
    problem = helmholtz(d)
    space = MlpSpace(problem.domain, (5, 4), "tanh")
    c = space.initialize(stream(0, "test"))
    domain = problem.domain
    sampled = Sampled(domain.interior(20, stream(1, "test")), domain.boundary(8, stream(2, "test")) if edge else None, beta=7.0)
    own = FunctionLoss(function=function, form=form)
    pair = [each.functional(problem, space, sampled, like=c) for each in (loss, own)]
    expected, found = (
        (f.value(c), f.gradient(c), (m := f.gauss_newton_factor(c)).T @ m, sum(f.traces(c).values())) for f in pair
    )
    for a, b in zip(expected, found, strict=True):
        torch.testing.assert_close(b, a, rtol=1e-12, atol=1e-12 * float(a.abs().max()))  # another order of summation
    assert own.derivatives == loss.derivatives


def test_a_residual_of_several_components_is_the_sum_of_their_losses():
    problem = helmholtz(1)
    space = MlpSpace(problem.domain, (5,), "tanh")
    c, sampled = space.initialize(stream(0, "test")), Sampled(problem.domain.interior(20, stream(1, "test")))

    def both(u, gradient, x):
        return torch.stack([u - x[:, 0], 2 * gradient[:, 0]], dim=1)

    def first(u, x):
        return u - x[:, 0]

    def second(gradient):
        return 2 * gradient[:, 0]

    joint, *single = (FunctionLoss(function=f).functional(problem, space, sampled, like=c) for f in (both, first, second))
    torch.testing.assert_close(joint.value(c), single[0].value(c) + single[1].value(c))
    torch.testing.assert_close(joint.gauss_newton_factor(c), torch.cat([f.gauss_newton_factor(c) for f in single]))
    residual = joint.residual(c)
    assert residual is not None
    torch.testing.assert_close(joint.gauss_newton_factor(c).T @ residual, joint.gradient(c))


def test_training_with_a_function_gives_the_coefficients_of_the_built_in_loss():
    problem = helmholtz(1)
    methods = [
        network(loss=loss, optimizer="gauss-newton").with_options(widths=(6,), number=50)
        for loss in (Residual(), helmholtz_residual)
    ]
    first, second = (
        solve(problem, method.with_options(scaling="none"), stop=Stop(steps=8)).state.coefficients for method in methods
    )
    torch.testing.assert_close(second, first, rtol=1e-6, atol=1e-6)  # rounding errors, magnified by eight solves


def test_a_nonlinear_equation_is_solved_by_its_residual():
    def residual(u, second, x):
        wave = torch.sin(torch.pi * x[:, 0])
        return -second + u**3 - (torch.pi**2 * wave + wave**3)

    from pdefreq import Box, Problem

    problem = Problem(domain=Box((0.0,), (1.0,)), exact="sin(pi*x)")
    method = network(loss=residual, optimizer="gauss-newton").with_options(widths=(10,), number=200)
    assert solve(problem, method, stop=Stop(steps=30)).error() < 1e-4  # 3.8e-7 at 30 steps


def unknown(u, v):
    return u - v


def scalar(u):
    return u.sum()


def none(x):
    return x[:, 0]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (unknown, "must be among u, gradient, second, x, got v: give a number a default, such as `v=1.0`"),
        (scalar, "one number for each"),
    ],
)
def test_other_functions_are_refused_in_one_sentence(function, message):
    with pytest.raises(OptionError, match=message):
        solve("poisson", network(loss=function), stop=Stop(steps=1))


@pytest.mark.parametrize(
    "function", [helmholtz_energy, lambda u, x: u**2 / 2 - x[:, 0] * u, lambda gradient, x: x[:, 0] - gradient.norm(dim=1)]
)
@pytest.mark.parametrize("d", [1, 2])
def test_the_form_of_a_function_that_may_be_an_energy_has_to_be_stated(function, d):
    """The squared integrand of an energy has another minimizer, so that a forgotten form would give a wrong solution."""
    problem = helmholtz(d)
    space = MlpSpace(problem.domain, (4,), "tanh")
    c, sampled = space.initialize(stream(0, "test")), Sampled(problem.domain.interior(20, stream(1, "test")))
    with pytest.raises(OptionError, match="--set form=density` for an energy, or `--set form=residual"):
        FunctionLoss(function=function).functional(problem, space, sampled, like=c)
    for form in ("density", "residual"):
        own = FunctionLoss(function=function, form=form).functional(problem, space, sampled, like=c)
        assert bool(own.value(c).isfinite())


def test_a_residual_is_no_density():
    with pytest.raises(OptionError, match="no minimum: use `--set form=residual`"):
        solve("poisson", network(loss=helmholtz_residual).with_options(form="density"), stop=Stop(steps=1))


def test_a_function_without_u_is_no_loss():
    with pytest.raises(OptionError, match="option 'loss' must be one of"):
        make_solver("network", {"loss": none})


def test_a_loss_of_a_file_is_named_by_its_file():
    method = make_solver("network", {"loss": f"{OWN}:residual", "widths": (5,), "number": 30})
    assert solve("poisson", method, stop=Stop(steps=2)).history.column("objective.residual")[-1] > 0
    assert load_problem("poisson").digest


def test_a_function_of_derivatives_alone_is_a_loss(tmp_path):
    """The residual of -u'' = f has no parameter u. Annotations are not needed, in Python and in a file."""
    file = tmp_path / "mine.py"
    file.write_text("def residual(second, x):\n    return -second - x[:, 0]\n")
    found = make_solver("network", {"loss": f"{file}:residual"}).loss
    assert found == FunctionLoss(function=f"{file}:residual") and found.derivatives == 2
    assert make_solver("network", {"loss": lambda gradient: gradient[:, 0]}).loss.derivatives == 1


def test_a_constant_replaces_the_default_of_its_parameter():
    """u - c at the points, whose square has the mean (1 - c)^2 for u = 1: the gradient at u = 0 is proportional to c."""

    def shifted(u, c=2.0):
        return u - c

    problem = helmholtz(1)
    space = MlpSpace(problem.domain, (5,), "tanh")
    c, sampled = 0 * space.initialize(stream(0, "test")), Sampled(problem.domain.interior(20, stream(1, "test")))
    values = [
        float(FunctionLoss(function=shifted, **given).functional(problem, space, sampled, like=c).value(c))
        for given in ({}, {"constants": {"c": 2}}, {"constants": {"c": 3}})
    ]
    assert values[0] == values[1] and values[2] / values[0] == pytest.approx(9 / 4)  # u = 0: the loss is c^2
    with pytest.raises(OptionError, match="no constant 'd': known names are c"):
        FunctionLoss(function=shifted, constants={"d": 1.0})
    method = make_solver("network", {"loss": shifted, "constants": "c:3"})
    assert method.loss.constants == {"c": 3.0}


@pytest.mark.parametrize(
    ("kind", "text", "line", "also"),
    [
        ("loss", "def mine(x): ...", "def mine(x: float)", "`def residual(u, second, x)`"),
        ("network", "def mine(width): ...", "def mine(width: float)", "`def waves(dimension)`"),
        ("network", "def mine(width=None): ...", "def mine(width: float | None = None)", "a torch.nn.Module"),
    ],
)
def test_a_function_that_is_no_part_is_refused_with_the_line_to_type(kind, text, line, also, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(OptionError) as refusal:
        make_solver("network", {kind: f"{file}:mine"})
    assert f"write `{line}`" in str(refusal.value) and also in str(refusal.value)

"""All registered methods on periodic boxes: each agrees with the others, or refuses and names a suitable method."""

import math

import numpy as np
import pytest
import torch

from pdefreq import Stop, load_problem, make_solver, solve
from pdefreq.core.errors import IncompatibleError
from pdefreq.core.history import Status
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem
from pdefreq.solvers import SOLVERS
from pdefreq.spectrum.spectral_record import SpectralRecord
from pdefreq.studies.predicted_orders import mode_error_of

FILE = """
title = "Poisson, periodic in x, 0 below and above"
[domain]
kind = "box"
dimension = 2
lower = 0
upper = 1
[equation]
source = "x*sin(5*pi*y) + exp(-((x-0.5)**2 + (y-0.5)**2)/0.02)"
[[boundary.part]]
name = "x-min"
kind = "periodic"
[[boundary.part]]
value = "0"
"""
# The source jumps where the sides are joined, which waves resolve slowly.
DIRECT = {  # options, and a bound of the relative error against P2 elements on 48 cells
    "fem": ("cells=48", 3e-3),
    "ritz-galerkin": ("basis=hat,number=47", 3e-3),
    "jacobi": ("intervals=24", 5e-3),
    "damped-jacobi": ("intervals=24", 5e-3),
    "gauss-seidel": ("intervals=24", 5e-3),
    "sor": ("intervals=24", 5e-3),
    "cg": ("intervals=48", 2e-3),
    "gmres": ("intervals=48", 2e-3),
    "multigrid": ("intervals=48", 2e-3),
    "random-features": ("bandwidth=16,number=1024", 3e-2),
    "auto": ("", 5e-3),
}
ROUNDING = {"random-features": 1e-4}  # waves do not resolve the jump: coefficients of 1e10 cancel
NETWORKS = {
    "deep-ritz": "widths=[20,20],number=900,steps=4",
    "mscale": "widths=[10],scales=[1,2],number=900,steps=4",
    "pinn": "widths=[20,20],number=900,steps=4",
    "pinn-gradient": "widths=[20,20],number=400,steps=2",
    "gauss-newton": "number=900,steps=2",
    "network": "widths=[20,20],number=900,steps=4",
}
REFUSING = {"sine": "use `cg`", "fourier": "use `cg`", "two-grid": "use `multigrid`"}
FITTING = ("regression", "regression-gradient")


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    path = tmp_path_factory.mktemp("periodic") / "periodic.toml"
    path.write_text(FILE)
    return load_problem(str(path))


@pytest.fixture(scope="module")
def reference(problem):
    return solve(problem, "fem:element=P2,cells=48", probes=[], modes="eigen")


def test_every_method_is_tested():
    assert {*DIRECT, *NETWORKS, *REFUSING, *FITTING} == set(SOLVERS)


@pytest.mark.parametrize("method", DIRECT)
def test_direct_and_iterative_methods_agree(method, problem, reference):
    options, least = DIRECT[method]
    found = solve(problem, f"{method}:{options}".removesuffix(":"), reference=reference, probes=["error"])
    assert found.error() < least
    x = problem.domain.interior(50, stream(0, "test")).x
    below, above = x.clone(), x.clone()
    below[:, 0], above[:, 0] = 0, 1
    torch.testing.assert_close(found(below), found(above), rtol=0, atol=ROUNDING.get(method, 1e-14))


@pytest.mark.parametrize("method", NETWORKS)
def test_networks_are_periodic_with_all_derivatives_and_zero_on_the_other_sides(method, problem, reference):
    found = solve(problem, f"{method}:{NETWORKS[method]}", reference=reference, probes=[])
    x = problem.domain.interior(50, stream(0, "test")).x
    below, above = x.clone(), x.clone()
    below[:, 0], above[:, 0] = 0, 1
    torch.testing.assert_close(found(below), found(above), rtol=0, atol=1e-12)
    torch.testing.assert_close(found.gradient(below), found.gradient(above), rtol=0, atol=1e-11)
    x[:, 1] = torch.tensor([0.0, 1.0]).double().repeat(25)
    assert float(found(x).abs().max()) < 1e-13


@pytest.mark.parametrize(("method", "remedy"), REFUSING.items())
def test_unsuitable_methods_are_refused_with_a_remedy(method, remedy, problem):
    with pytest.raises(IncompatibleError, match=remedy) as caught:
        solve(problem, method)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (
            "deep-ritz:input=fourier",
            "periodic along x, but this network is not: use an mlp or mscale network with `--set input=periodic`",
        ),
        ("deep-ritz:network=phase-shift,frequencies=[[1,0]]", "periodic along x, but this network is not"),
        ("ritz-galerkin", "not periodic.*use `--set basis=hat` or `fem`"),
        ("fem:refinement=uniform", "does not include flux jumps across periodic sides: leave `refinement` out"),
    ],
)
def test_unsuitable_options_are_refused(method, message, problem):
    with pytest.raises(IncompatibleError, match=message):
        solve(problem, method)


def test_the_periodic_input_is_resolved_before_a_run(problem):
    asked = make_solver("mscale")
    network = asked.resolved(problem, Stop()).network
    assert (network.input.axes, network.input.harmonics) == ((0,), 1)
    own = make_solver("mscale:input=periodic,harmonics=3").resolved(problem, Stop()).network
    assert (own.input.axes, own.input.harmonics) == ((0,), 3)


def circle(exact, source, **fields):
    parts = (BoundaryPart("periodic", "x"),)
    return Problem(domain=Box((0.0,), (2 * math.pi,)), source=source, boundary=parts, exact=exact, **fields)


SMOOTH = circle(
    lambda x: torch.exp(torch.sin(x[:, 0])),
    lambda x: torch.exp(torch.sin(x[:, 0])) * (1 + torch.sin(x[:, 0]) - torch.cos(x[:, 0]) ** 2),
    reaction=1.0,
)


def test_a_series_is_exact_to_rounding():
    """-u'' + u = f on (0, 2 pi), u = exp(sin x)."""
    solution = solve(SMOOTH, "fourier:harmonics=20")
    assert solution.error() < 1e-14
    assert solution.error("h1") < 1e-13
    assert solve(SMOOTH, "fourier").error() < 1e-12


@pytest.mark.parametrize(("method", "order"), [("fem:cells", 2), ("fem:element=P2,cells", 3), ("cg:intervals", 2)])
def test_orders_of_convergence_on_the_circle(method, order):
    errors = [solve(SMOOTH, f"{method}={n}", probes=[]).error() for n in (32, 64)]
    assert abs(math.log2(errors[0] / errors[1]) - order) < 0.05


def test_a_series_converges_faster_than_any_power():
    errors = [solve(SMOOTH, f"fourier:harmonics={m}", probes=[]).error() for m in (4, 8, 12)]
    rates = np.diff(-np.log(errors)) / 4
    assert (rates > 1.5).all() and rates[1] > rates[0]


@pytest.mark.parametrize("d", [2, 3])
def test_a_series_in_more_dimensions(d):
    def u(x):
        return torch.exp(torch.cos(2 * torch.pi * x).sum(dim=1) / 2)

    def f(x):
        t = 2 * torch.pi * x
        return u(x) * (3 + 4 * torch.pi**2 * (torch.cos(t) / 2 - torch.sin(t) ** 2 / 4).sum(dim=1))

    parts = tuple(BoundaryPart("periodic", name) for name in "xyz"[:d])
    box = Problem(domain=Box((0.0,) * d, (1.0,) * d), source=f, boundary=parts, exact=u, reaction=3.0)
    assert solve(box, f"fourier:harmonics={14 if d == 2 else 10}", probes=[]).error() < 1e-9


@pytest.mark.slow
def test_the_spectrum_of_a_box_with_one_periodic_axis_is_that_of_its_eigenfunctions(problem, reference):
    spectrum = solve(problem, "damped-jacobi:intervals=16,steps=200", reference=reference).spectrum()
    lowest = min(row.wavenumber for row in spectrum.rows)
    assert spectrum.kind == "eigen"
    assert lowest == pytest.approx(math.pi, rel=1e-4)  # sin(pi y), constant in x
    assert spectrum.bias_index is not None and spectrum.bias_index < 0


@pytest.mark.parametrize("method", ["cg:intervals=32", "fem:cells=32"])
def test_the_error_of_each_mode_is_predicted(method):
    """Central differences and P1 elements on the circle."""
    solution = solve(SMOOTH, method)
    record = SpectralRecord.of(solution.history)
    told = mode_error_of(SMOOTH, make_solver(method), solution.state.space, "fourier", record.modes.wavevectors)
    strong = record.modes.amplitude > 1e-3
    assert record.modes.kind == "fourier" and strong.sum() >= 4
    assert np.allclose(record.total[-1][strong], told[strong], rtol=1e-2)


CONVECTED = Problem(
    domain=Box((0.0, 0.0), (2.0, 1.0)),
    convection=["3", "-2"],
    reaction=1,
    exact="exp(sin(pi*x))*cos(2*pi*y)",
    boundary=(BoundaryPart("periodic", "x"), BoundaryPart("periodic", "y")),
)


@pytest.mark.parametrize(("method", "order"), [("fem:cells", 2), ("fem:element=P2,cells", 3), ("gmres:intervals", 2)])
def test_orders_of_convergence_with_convection(method, order):
    errors = [solve(CONVECTED, f"{method}={n}", probes=[]).error() for n in (24, 48)]
    assert abs(math.log2(errors[0] / errors[1]) - order) < 0.15


def test_a_series_with_convection_is_exact_to_rounding():
    assert solve(CONVECTED, "fourier:harmonics=16", probes=[]).error() < 1e-12


def test_a_divergence_free_flow_is_accepted_in_spite_of_quadrature_errors():
    """P2 elements integrate the sines of the flow inexactly; a weak flow through the boundary of an interval is detected."""
    sides = tuple(BoundaryPart("periodic", name) for name in "xy")
    flow = {"convection": ["sin(2*pi*y/3)", "cos(pi*x)"], "source": "sin(pi*x)", "boundary": sides}
    problem = Problem(domain=Box((0.0, 0.0), (2.0, 3.0)), **flow)
    assert solve(problem, "fem:element=P2,cells=8", reference=0.0).status is Status.DONE
    through = Problem(domain=Box(0.0, 1.0), convection=["1e-4"], source="x - 0.5", boundary=(BoundaryPart("robin"),))
    with pytest.raises(IncompatibleError, match="convection through it"):
        solve(through, "fem:cells=64")

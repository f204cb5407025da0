import pytest
import torch

from pdefreq import predict, solve
from pdefreq.core.errors import IncompatibleError, OptionError, ProblemFileError
from pdefreq.core.fields import as_field
from pdefreq.core.history import Status, Stop
from pdefreq.core.options import options_of
from pdefreq.domains.box import Box
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Data, Problem
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.relaxation import JacobiSolver, damped_jacobi, jacobi

CPU = torch.device("cpu")


def box(d):
    return Box((0.0,) * d, (1.0,) * d)


def prepare(solver, problem, dtype=torch.float64, **extra):
    return solver.prepare(problem, seed=0, device=CPU, dtype=dtype, **extra)


def test_presets_are_instances_of_one_dataclass():
    assert jacobi() == JacobiSolver(omega=1.0)
    assert damped_jacobi() == JacobiSolver(omega=2 / 3)
    assert make_solver("damped-jacobi", {"omega": "0.5", "intervals": "20"}) == JacobiSolver(omega=0.5, intervals=20)


@pytest.mark.parametrize("factory", [jacobi, damped_jacobi, JacobiSolver])
def test_every_option_is_documented(factory):
    assert all(option.doc for option in options_of(factory))


def test_the_option_steps_is_the_budget():
    assert jacobi(steps=7).budget == Stop(steps=7, tolerance=1e-10)


@pytest.mark.parametrize(("d", "intervals"), [(1, 500), (2, 64), (3, 32)])
def test_default_intervals(d, intervals):
    state = prepare(jacobi(), Problem(domain=box(d), source=1.0, boundary=0.0)).init()
    assert state.space.intervals == (intervals,) * d
    assert state.coefficients.shape == ((intervals + 1) ** d,)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_state_has_the_requested_dtype(dtype):
    iteration = prepare(jacobi(intervals=8), Problem(domain=box(2), source=1.0, boundary=0.0), dtype)
    state = iteration.step(iteration.init())
    assert state.coefficients.dtype == iteration.discrete_solution(state).dtype == dtype


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cpu_and_gpu_results_agree(dtype):
    problem = Problem(domain=box(3), source=lambda x: x[:, 0].exp(), diffusion=lambda x: 1 + x[:, 1], boundary=1.0)
    ends = []
    for device in ("cpu", "cuda"):
        iteration = damped_jacobi(intervals=12).prepare(problem, seed=0, device=torch.device(device), dtype=dtype)
        state = iteration.init()
        for _ in range(50):
            state = iteration.step(state)
        assert state.coefficients.device.type == device
        objective = iteration.objective(state)["residual"]
        ends.append((state.coefficients.cpu(), objective.cpu(), iteration.discrete_solution(state).cpu()))
    # fused multiply-adds round differently: 50 sweeps, values below 2
    for cpu, gpu in zip(*ends, strict=True):
        assert torch.allclose(cpu, gpu, rtol=0, atol=200 * torch.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intervals": 1}, "`intervals` must be at least 2, got 1"),
        ({"intervals": -5}, "`intervals` must be at least 2, got -5"),
        ({"steps": -1}, "`steps` must be at least 0, got -1"),
        ({"omega": 0.0}, "`omega` must be above 0 and at most 1"),
        ({"omega": 1.5}, "`omega` must be above 0 and at most 1"),
        ({"omega": float("nan")}, "`omega` must be above 0 and at most 1"),
    ],
)
def test_options_out_of_range_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        make_solver("damped-jacobi", options)


def test_a_huge_grid_is_refused_with_the_required_memory():
    with pytest.raises(OptionError, match=r"`intervals` = 100000 would need about [\d,]+ GiB of memory"):
        prepare(jacobi(intervals=100_000), Problem(domain=box(3), source=1.0, boundary=0.0))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"domain": box(4)}, "jacobi needs at most 3 dimensions, and this problem has 4"),
        ({"exponent": 3.0}, "nonlinear: use `fem`"),
        ({"diffusion": 0.0, "reaction": 1.0}, "use `regression`"),
        ({"boundary": (BoundaryPart("robin"),), "source": 0.0}, "use `damped-jacobi`"),
        ({"data": Data("uniform", 10)}, r"only at points \(\[data\]\)"),
    ],
)
def test_unsuitable_problems_are_refused_with_a_suitable_method(fields, message):
    problem = Problem(**({"domain": box(2), "source": 1.0, "boundary": 0.0} | fields))
    with pytest.raises(IncompatibleError, match=message):
        prepare(jacobi(), problem)


def test_a_guess_is_the_initial_function():
    problem = Problem(domain=box(1), source=0.0, boundary=0.0)
    state = prepare(jacobi(intervals=4), problem, guess=Problem(domain=box(1), source=3.0).source).init()
    assert state.coefficients.tolist() == [0, 3, 3, 3, 0]


GRID_METHODS = ["jacobi", "damped-jacobi", "gauss-seidel", "sor", "cg", "multigrid", "gmres"]


@pytest.mark.parametrize("method", GRID_METHODS)
def test_grid_methods_support_mixed_conditions_in_any_dimension(method):
    for d in (1, 2, 3):
        parts = (BoundaryPart("dirichlet", "x-min"), BoundaryPart("robin", alpha=as_field(1.0), flux=as_field(2.0)))
        problem = Problem(domain=box(d), source=1.0, diffusion=lambda x: 1 + x[:, 0], reaction=lambda x: x[:, 0], boundary=parts)
        iteration = prepare(make_solver(method, {"intervals": 6}), problem)
        start = iteration.init()
        before = float(iteration.objective(start)["residual"])
        state = start
        for _ in range(30):
            state = iteration.step(state)
        assert float(iteration.objective(state)["residual"]) < 0.7 * before


@pytest.mark.parametrize("method", GRID_METHODS)
def test_incompatible_fluxes_are_refused(method):
    problem = Problem(domain=box(2), source=1.0, boundary=(BoundaryPart("robin"),))
    with pytest.raises(ProblemFileError, match="add up to zero, got 1 "):
        prepare(make_solver(method, {"intervals": 6}), problem)


@pytest.mark.parametrize("method", GRID_METHODS)
@pytest.mark.parametrize("intervals", [1, 10**8])
def test_grids_of_impossible_size_are_refused(method, intervals):
    with pytest.raises(OptionError, match="`intervals`"):
        prepare(make_solver(method, {"intervals": intervals}), Problem(domain=box(2), source=1.0, boundary=0.0))


@pytest.mark.parametrize("method", ["gauss-seidel", "sor"])
@pytest.mark.parametrize(("order", "kind"), [("lexicographic", "LexicographicSor"), ("red-black", "RedBlackSor")])
def test_the_ordering_is_an_option(method, order, kind):
    iteration = prepare(make_solver(method, {"ordering": order}), Problem(domain=box(1), source=1.0, boundary=0.0))
    assert type(iteration).__name__ == kind
    with pytest.raises(OptionError, match="must be one of lexicographic, red-black"):
        make_solver(method, {"ordering": "zebra"})


def test_omega_of_sor_is_a_number_or_optimal():
    assert make_solver("sor").omega == "optimal"
    assert make_solver("sor", {"omega": "1.5"}).omega == 1.5
    for bad in (0.0, 2.0, float("nan")):
        with pytest.raises(OptionError, match="`omega` must lie between 0 and 2"):
            make_solver("sor", {"omega": bad})
    with pytest.raises(OptionError, match="'omega' must be"):
        make_solver("sor", {"omega": "best"})


def test_sor_needs_fewer_sweeps_than_gauss_seidel_and_gauss_seidel_fewer_than_jacobi():
    problem = Problem(domain=box(1), source=1.0, boundary=0.0)
    counts = []
    for method in ("jacobi", "gauss-seidel", "sor"):
        iteration = prepare(make_solver(method, {"intervals": 32}), problem)
        state, count = iteration.init(), 0
        while float(iteration.objective(state)["residual"]) > 1e-6:
            state, count = iteration.step(state), count + 1
        counts.append(count)
    assert counts[0] == pytest.approx(2 * counts[1], rel=0.05)  # cos and cos^2
    assert counts[2] < counts[1] / 10  # a factor n / pi = 10, less the powers of t of a double eigenvalue


HELMHOLTZ = {"domain": Box((0.0,), (1.0,)), "reaction": -400, "exact": "sin(3*pi*x) + sin(7*pi*x)/3", "boundary": 0.0}


def test_jacobi_for_the_helmholtz_equation_diverges_as_predicted_and_keeps_its_last_good_state():
    problem = Problem(**HELMHOLTZ)
    solution = solve(problem, "jacobi:intervals=64")
    assert solution.status is Status.DIVERGED
    assert any("amplifies 12 of the 63 modes, the first of them 1, 2, 3, 4, 5, 6," in note for note in solution.notes)
    assert any("`gmres` or `fem`" in note for note in solution.notes)
    assert bool(solution.state.coefficients.isfinite().all())
    objective = solution.history.column("objective")
    assert objective[-1] > 1e6 * objective[0] > solution.summary()["objective"]  # the state is that of an earlier record
    rates = predict(problem, "jacobi:intervals=64").errors.rate
    assert (rates < 0).tolist() == [True, False]  # wavenumbers below and above 20


@pytest.mark.parametrize(
    ("method", "fields", "message"),
    [
        (
            "cg",
            {"reaction": -400},
            r"cg needs a positive definite equation, and the reaction term \(-400\) u can make it indefinite: use",
        ),
        ("multigrid", {"reaction": -400}, "positive definite equation.*use `sine` or `gauss-newton`"),
        ("cg", {"convection": ["1", "2"]}, "symmetric equation, and the convection term .* use `gmres` or `gauss-newton`"),
        ("two-grid", {"convection": ["1", "2"]}, "symmetric equation"),
        ("two-grid", {"diffusion": "1 + x"}, "constant coefficients"),
        ("cg", {"reaction": "-x"}, "reaction term .* can make it indefinite: use `gmres`"),
        ("jacobi", {"diffusion": [["2", "1"], ["1", "2"]]}, "derivatives along the axes only, and the diffusion term .* `fem`"),
        ("gmres", {"nonlinear": "u**3"}, "linear equation, and the nonlinear term"),
    ],
)
def test_a_violated_requirement_is_reported_with_the_term_and_a_suitable_method(method, fields, message):
    problem = Problem(domain=box(2), source=1.0, boundary=0.0, **fields)
    with pytest.raises(IncompatibleError, match=message):
        prepare(make_solver(method), problem)

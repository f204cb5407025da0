"""All networks that options can select: each has the requested structure, can be trained, and can be resumed."""

import json
import math
import re
from typing import Any

import numpy as np
import pytest
import torch

from pdefreq import parts
from pdefreq.core.errors import IncompatibleError, OptionError, UnknownNameError, UserError
from pdefreq.core.history import Status, Stop
from pdefreq.core.options import options_of
from pdefreq.problem.files import load_problem
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.runs.spec import solver_from_json, solver_to_json
from pdefreq.solvers.chain import Chain
from pdefreq.solvers.names import make_solver
from pdefreq.solvers.network_methods import mscale
from pdefreq.solvers.network_solver import NetworkSolver
from pdefreq.spaces.networks.activations import ACTIVATIONS
from pdefreq.spaces.networks.antisymmetric import AntisymmetricSpace, DoubledSpace
from pdefreq.spaces.networks.embedding import periodic_features, random_features
from pdefreq.spaces.networks.hard_boundary import HardBoundary
from pdefreq.spaces.networks.initializations import INITIALIZATIONS
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from pdefreq.spaces.networks.phase_shift import PhaseShiftSpace

SMALL = {"widths": [6, 5], "number": 40}
OPTIONS = {  # as on the command line, with a suitable method and problem
    "residual": ("deep-ritz", "poisson", {"residual": "true", "widths": "[6,6]"}),
    "bias hidden": ("mscale", "poisson", {"bias": "hidden"}),
    "bias none": ("pinn", "poisson", {"bias": "none"}),
    "adaptive": ("pinn", "poisson", {"adaptive": "5"}),
    "fourier": ("deep-ritz", "poisson", {"input": "fourier", "features": "4", "std": "2"}),
    "periodic": ("regression-gradient", "tones-known", {"input": "periodic", "harmonics": "3"}),
    "frequencies": ("deep-ritz", "poisson", {"network": "phase-shift", "frequencies": "[0,4,24]"}),
    "wavevectors": ("pinn", "poisson-chirp", {"network": "phase-shift", "frequencies": "[[0,0],[3,-4]]"}),
    "antisymmetric": ("mscale", "poisson", {"start": "antisymmetric"}),
    "doubled": ("deep-ritz", "poisson", {"start": "doubled"}),
    "wide": ("deep-ritz", "poisson", {"start": "wide"}),
    "siren": ("pinn", "poisson", {"activation": "sin", "initialization": "siren(10)"}),
    "ricker, ntk": ("regression", "tones", {"activation": "ricker(0.5)", "initialization": "ntk"}),
    "relu, phase": ("deep-ritz", "poisson", {"activation": "relu", "initialization": "phase(0.75,0)"}),
    "all at once": (
        "deep-ritz",
        "poisson",
        {
            "network": "phase-shift",
            "frequencies": "[0,9]",
            "input": "periodic",
            "harmonics": "2",
            "adaptive": "2",
            "start": "antisymmetric",
        },
    ),
}


def made(kind):
    method, problem, options = OPTIONS[kind]
    return make_solver(method, {**SMALL, **options}), problem


def prepare(method, problem, **options):
    solver = make_solver(method, {**SMALL, **options})
    return solver.prepare(load_problem(problem).blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)


@pytest.mark.parametrize("kind", OPTIONS)
def test_a_network_can_be_trained_and_a_resumed_run_ends_with_the_same_bits(kind, tmp_path):
    solver, problem = made(kind)
    run: Any = {"stop": Stop(steps=6), "seed": 2, "probes": ()}
    whole = solve(problem, solver, **run)
    objective = whole.history.column("objective")
    assert np.isfinite(objective).all() and objective[-1] != objective[0]
    solve(problem, solver, **run, folder=tmp_path / "run", callback=lambda step, *_: step == 3)
    again = resume(tmp_path / "run")
    assert again.step == 6
    np.testing.assert_array_equal(again.state.coefficients, whole.state.coefficients)


def test_options_may_be_arrays():
    arrays = {"scales": np.array([1.0, 2.0]), "widths": (np.int64(6),), "learning_rate": np.float32(0.5), "number": np.int64(40)}
    solver = mscale().with_options(arrays)
    assert solver == mscale().with_options(scales=(1.0, 2.0), widths=(6,), learning_rate=0.5, number=40)
    assert parts.Mscale(scales=np.array([1.0, 2.0]), widths=[6]).scales == (1.0, 2.0)  # pyright: ignore[reportArgumentType]
    json.dumps(solver_to_json(solver))


@pytest.mark.parametrize(
    ("method", "problem", "options", "message"),
    [
        ("mscale", "poisson", {"initialization": "phase(0,-400)"}, "`gamma_prime` .* between -10 and 10, got -400"),
        ("mscale", "poisson", {"initialization": "phase(1000,-1000)"}, "`gamma` .* between -10 and 10, got 1000"),
        ("pinn", "poisson", {"activation": "ricker(1e-300)"}, "at least 1e-10 and finite, got 1e-300"),
        ("mscale", "poisson-chirp", {"boundary": "penalty", "boundary.points": 10**11}, "`boundary.points` = .* GiB of memory"),
        ("pinn", "poisson", {"weights": "boundary:10"}, "built into the network.*use `--set boundary=penalty`"),
        ("pinn", "dielectric-sphere", {}, "flux is continuous: use `cg` or `deep-ritz`"),
        ("gauss-newton", "dielectric-sphere", {}, "use `cg` or `deep-ritz`"),
        ("deep-ritz", "poisson", {"boundary": "penalty", "boundary.points": 50}, "`boundary.points` does nothing here"),
        ("pinn", "sampled-1d", {"points": "sobol"}, "leave points=sobol out"),
        ("pinn", "p-laplacian", {"start": "antisymmetric"}, "exponent = 3 is degenerate, .* leave `start` out"),
    ],
)
def test_impossible_computations_are_refused_in_advance(method, problem, options, message):
    with pytest.raises(UserError, match=message):
        prepare(method, problem, **options)


def test_a_zero_initial_function_is_refused_only_if_its_gradient_vanishes():
    """The load moves u away from zero in an energy with p > 2, and in a residual with p = 2."""
    for method, problem, options in (
        ("deep-ritz", "p-laplacian", {}),
        ("gauss-newton", "p-laplacian", {"loss": "ritz"}),
        ("pinn", "poisson", {}),
    ):
        solution = solve(problem, make_solver(method, {**SMALL, "start": "antisymmetric", **options}), stop=Stop(steps=2))
        objective = solution.history.column("objective")
        assert objective[-1] < objective[0]
    prepare("pinn", "p-laplacian", start="doubled")  # rounding errors make its two halves different
    prepare("pinn", "p-laplacian", start="antisymmetric", boundary="penalty", beta=3.0)


@pytest.mark.parametrize("exponents", ["10,-10", "-10,10", "10,10", "-10,-10"])
def test_extreme_exponents_of_the_phase_family_give_a_status(exponents):
    """Such a run may fail, but only with a status, not with an exception."""
    solver = make_solver("deep-ritz", {**SMALL, "initialization": f"phase({exponents})"})
    assert solve("poisson", solver, stop=Stop(steps=1)).status.exit_code in (0, 1)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "options", [{"scales": [1e300]}, {"initialization": "normal(1e200)"}, {"input": "fourier", "features": 3, "std": 1e300}]
)
def test_a_nonfinite_initial_state_is_reported(options):
    solution = solve("poisson", make_solver("mscale", {**SMALL, **options}))
    assert (solution.status, solution.step) == (Status.NON_FINITE_START, 0)
    assert "learning rate" not in solution.status.sentence
    assert "not finite at the start" in solution.spectrum().sentence and not solution.spectrum().rows
    assert not solution.error() < 1
    assert solution.summary()["frequency_order"] == solution.spectrum().sentence


@pytest.mark.parametrize("seed", [1.5, None, "one", True])
def test_a_seed_must_be_an_integer(seed):
    with pytest.raises(OptionError, match="'seed' must be a whole number"):
        solve("poisson", make_solver("deep-ritz", SMALL), stop=Stop(steps=0), seed=seed)


def test_an_ambiguous_option_of_a_chain_is_refused_with_the_full_names():
    for method, option, hint in (
        ("jacobi+gauss-seidel", "intervals", "write first.intervals or second.intervals"),
        ("mscale+jacobi+cg", "intervals", "write second.first.intervals or second.second.intervals"),
        ("mscale+jacobi", "handover_step", "did you mean 'hand_over_step'"),
    ):
        with pytest.raises(UnknownNameError, match=f"option.? '{option}': {hint}"):
            make_solver(method, {option: "3"})
    assert make_solver("mscale+jacobi", {"widths": "[3]"}).first.network.widths == (3,)  # pyright: ignore[reportAttributeAccessIssue]


def test_each_method_of_a_chain_may_have_options_after_its_name():
    chain = make_solver("pinn:activation=sin,steps=80+pinn:optimizer=lbfgs,steps=30,hand_over_step=7")
    assert isinstance(chain, Chain) and isinstance(chain.first, NetworkSolver) and isinstance(chain.second, NetworkSolver)
    assert (chain.first.training.steps, chain.second.training.steps, chain.hand_over_step) == (80, 30, 7)
    assert chain.second.optimizer == parts.Lbfgs() and chain.name == "pinn+pinn"
    with pytest.raises(UnknownNameError, match="unknown method 'gibberish'"):
        make_solver("pinn:steps=5+gibberish:foo=1")
    assert make_solver("pinn:learning_rate=1e+2") == make_solver("pinn:learning_rate=100")


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("mscale:number=3,number=4", {}),
        ("mscale:number=3", {"number": 4}),
        ("mscale", {"number": 3, "points.number": 4}),
        ("mscale", {"optimizer.learning_rate": 0.1, "learning_rate": 0.1}),
    ],
)
def test_a_repeated_option_is_an_error(method, options):
    with pytest.raises(OptionError, match=r"is given twice.*: give it once"):
        make_solver(method, options)


def test_options_given_by_keyword_and_by_mapping_are_refused_as_duplicates():
    for again, message in (
        (lambda: mscale().with_options({"steps": 5}, steps=6), "`steps` is given twice"),
        (lambda: mscale().with_options({"training.steps": 5}, steps=6), "is given twice"),
        (lambda: mscale().with_options({5: 6}), "name of an option must be text .* got 5"),  # pyright: ignore[reportArgumentType]
    ):
        with pytest.raises(OptionError, match=message):
            again()
    with pytest.raises(UnknownNameError, match="method 'mscale' has no option 'label'"):
        mscale().with_options(label="x")


def test_a_method_keeps_the_loss_that_defines_it():
    with pytest.raises(OptionError, match="`loss` must be ritz here, got residual: use the method `network`"):
        mscale(loss=parts.Residual())  # pyright: ignore[reportArgumentType]


def test_arguments_of_the_wrong_type_are_refused_in_words():
    for arguments, message in (
        ({"stop": 5}, "`stop` must be a Stop, got 5"),
        ({"schedule": 5}, "`schedule` must be a Schedule, got 5"),
        ({"probes": "error"}, r"must be a list of probes .*: write probes=\['error'\]"),
    ):
        with pytest.raises(OptionError, match=message):
            solve("poisson", "fem:cells=4", **arguments)
    sentence = solve("poisson", "fem:cells=4", probes=["error"]).spectrum().sentence
    assert "the requested probes do not watch modes" in sentence


@pytest.mark.parametrize("kind", OPTIONS)
def test_options_are_restored_from_json(kind):
    solver, _ = made(kind)
    assert solver_from_json(json.loads(json.dumps(solver_to_json(solver)))) == solver


def test_the_network_is_the_requested_one():
    """In the order of composition: input map, sub-networks, initial state, boundary values."""
    poisson, tones, torsion = (load_problem(name) for name in ("poisson", "tones", "torsion"))
    box, widths = poisson.domain, (6, 5)

    def space(method, problem, **options):
        solver = make_solver(method, {**SMALL, **options})
        return solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64).init().space

    hard = space("deep-ritz", poisson, residual=True, bias="hidden", adaptive=3)
    assert isinstance(hard, HardBoundary)
    assert hard.network == MlpSpace(box, widths, "tanh", "tiled", residual=True, bias="hidden", adaptive=3.0)
    soft = {"boundary": "penalty"}
    assert space(
        "mscale", poisson, **soft, scales=[1, 3], input="periodic", harmonics=2, start="antisymmetric"
    ) == AntisymmetricSpace(
        MscaleSpace(box, (1.0, 3.0), widths, "sin", "tiled", embedding=periodic_features(box, 2))  # pyright: ignore[reportArgumentType]
    )
    assert space("pinn", poisson, **soft, network="phase-shift", frequencies=[0, 4], start="doubled") == DoubledSpace(
        PhaseShiftSpace(box, ((0.0,), (4.0,)), widths, "tanh", "tiled")
    )
    features = random_features(2, 7, 1.5)
    assert space("deep-ritz", torsion, **soft, input="fourier", features=7, std=1.5).embedding == features  # pyright: ignore[reportAttributeAccessIssue]
    assert space("regression", tones, start="wide") == MlpSpace(tones.domain, (12, 10))


@pytest.mark.parametrize("start", ["antisymmetric", "doubled"])
@pytest.mark.parametrize("problem", ["cosine-diffusion", "poisson-multilevel"])
def test_a_network_that_is_zero_initially_equals_the_lifting(problem, start):
    """With built-in boundary values, u = L + D N with N = 0."""
    problem = load_problem(problem)
    solution = solve(problem, make_solver("deep-ritz", {**SMALL, "start": start}), stop=Stop(steps=0))
    assert problem.dirichlet is not None
    x = problem.domain.quadrature(50).x
    # antisymmetric: equal numbers are subtracted; doubled: sums of about twelve products and their negatives
    tolerance = 0.0 if start == "antisymmetric" else 1e-14
    torch.testing.assert_close(solution(x), problem.domain.lifting(problem.dirichlet)(x), rtol=0, atol=tolerance)


def test_the_initial_misfit_of_a_zero_network_is_the_mean_square_of_the_target():
    """Three tones of unit amplitude at 600 uniform points, including both ends: 3/2 of 599/600.

    The program of the authors prints 1.497544 at its first step, with ends at -3.1415 and 3.1415; here they are at -pi and pi.
    """
    solution = solve("tones:dense", make_solver("regression", {**SMALL, "start": "antisymmetric"}), stop=Stop(steps=0))
    start = solution.history.column("objective")[0]
    assert start == pytest.approx(1.5 * 599 / 600, rel=1e-13)  # a sum of 600 terms
    assert start == pytest.approx(1.497544, abs=1e-4)  # the ends change at most the fraction (pi - 3.1415) / pi of 1.5


def test_only_a_periodic_network_has_equal_values_at_the_ends():
    gaps = []
    for periodic in ({"input": "periodic", "harmonics": 2}, {}):
        solution = solve("tones", make_solver("regression", {**SMALL, **periodic}), stop=Stop(steps=5))
        lower, upper = solution.problem.domain.bounds
        u = solution(torch.tensor([lower, upper], dtype=torch.float64))
        gaps.append(abs(float(u[0] - u[1])))
    assert gaps[0] < 1e-14 < 1e-3 < gaps[1]  # cos, sin of multiples of 2 pi, up to rounding


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"network": "mscale", "scales": [1, 2], "frequencies": [1]}, "`frequencies` does nothing here: .* network=phase-shift"),
        ({"input": "periodic", "features": 3}, "`features` does nothing here: it needs network.input=fourier"),
        ({"input": "fourier", "features": 0}, "`features` must be at least 1, got 0"),
        ({"input": "fourier", "std": 0}, "`std` must be positive and finite, got 0"),
        ({"input": "periodic", "harmonics": -1}, "`harmonics` must be at least 1, got -1"),
        ({"input": "periodic", "harmonics": 2.5}, "option 'harmonics' must be a whole number, got 2.5"),
        ({"network": "phase-shift"}, "`frequencies` is missing, but phase-shift needs it"),
        ({"adaptive": 0.5}, "`adaptive` must be at least 1 and finite, got 0.5"),
        ({"network": "phase-shift", "frequencies": [1, math.inf]}, "`frequencies` must be finite, got inf"),
        ({"network": "phase-shift", "frequencies": []}, "option 'frequencies' must be a list of numbers such as"),
        (
            {"network": "phase-shift", "frequencies": "[1,[2]]"},
            r"a list of lists of numbers such as \[\[1,2\],\[3,4\]\], got '\[1,\[2\]\]'",
        ),
        ({"bias": "some"}, "option 'bias' must be one of all, hidden, none, got 'some'"),
        ({"start": 0}, "option 'start' must be one of antisymmetric, doubled, wide or null, got 0"),
    ],
)
def test_meaningless_and_contradictory_options_are_refused(options, message):
    with pytest.raises(OptionError, match=message) as refusal:
        make_solver("pinn", options)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("problem", "options", "error", "message"),
    [
        (
            "ring",
            {"input": "periodic"},
            IncompatibleError,
            "needs a box, whose sides are the periods, .* use `--set input=fourier`",
        ),
        (
            "poisson",
            {"network": "phase-shift", "frequencies": [[1, 2]]},
            OptionError,
            r"as many components as there are coordinates, 1, got \[1.0, 2.0\]",
        ),
        (
            "poisson-chirp",
            {"network": "phase-shift", "frequencies": [3]},
            OptionError,
            r"as many components as there are coordinates, 2, got \[3.0\]",
        ),
        ("poisson", {"start": "doubled", "residual": True, "widths": [6, 6]}, OptionError, "choose residual=false"),
        (
            "poisson",
            {"input": "fourier", "features": 10**9},
            OptionError,
            r"`features` = 1,?0.* would need about [0-9,]+ GiB of memory",
        ),
        (
            "poisson",
            {"input": "periodic", "harmonics": 10**9},
            OptionError,
            r"`harmonics` = 1,?0.* would need about [0-9,]+ GiB of memory",
        ),
    ],
)
def test_networks_unsuitable_for_a_problem_are_refused(problem, options, error, message):
    with pytest.raises(error, match=message) as refusal:
        prepare("pinn", problem, **options)
    assert "\n" not in str(refusal.value)


def test_missing_derivatives_are_attributed_to_the_part_that_lacks_them():
    """This is the activation, or the built-in boundary values on domains with re-entrant corners."""
    with pytest.raises(IncompatibleError, match="of order 2 and relu has 1: use activation=sin or tanh"):
        prepare("pinn", "l-shape", activation="relu")
    with pytest.raises(
        IncompatibleError, match="boundary values built in on this domain leave the network 1: use `--set boundary=penalty`"
    ):
        prepare("pinn", "l-shape", boundary="hard")
    prepare("pinn", "l-shape", boundary="penalty")


@pytest.mark.parametrize("table", [ACTIVATIONS, INITIALIZATIONS], ids=lambda table: table.kind)
def test_the_text_on_options_lists_all_names(table):
    """The table is read without loading torch, so that the text repeats the names and must be complete."""
    (text,) = [o.doc for o in options_of(parts.Mlp) if o.name == table.kind]
    assert [name for name in table if not re.search(rf"\b{name}\b", text)] == []

import pytest
import torch
from scipy.spatial import KDTree
from skfem import MeshTet, MeshTri

from pdefreq.core.fields import CallableField, as_field
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.mesh_domain import MeshDomain
from pdefreq.domains.ring import Ring
from pdefreq.functionals.misfit import Misfit
from pdefreq.functionals.objective_schedule import SampledSchedule, StagedPenalty
from pdefreq.functionals.ritz_energy import RitzEnergy
from pdefreq.functionals.sampling import Sampling, data_samples
from pdefreq.functionals.strong_residual import StrongResidual
from pdefreq.parts import Gauss, Sobol, Uniform
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Data, Problem
from tests.functionals.polynomials import Polynomials


def rule(points, number, resample_every=1):
    if points == "gauss":
        return Gauss(number=number)
    return {"sobol": Sobol, "uniform": Uniform}[points](number=number, resample_every=resample_every)


INTERVAL = Box((-1.0,), (1.0,))
LIKE = torch.empty(0, dtype=torch.float64)
SPACE = Polynomials(3)
C = torch.tensor([0.3, -1.0, 0.2, 0.5], dtype=torch.float64)


def fit(sampling, **fields):
    problem = Problem(domain=INTERVAL, source=CallableField(lambda x: x[:, 0].exp()), diffusion=0.0, reaction=1.0, **fields)
    known = None if problem.data is None else data_samples(problem)
    return SampledSchedule(
        problem.domain,
        problem.regular,
        sampling,
        lambda interior, _, f: Misfit(problem, SPACE, interior, source=f, like=LIKE),
        known=known,
    )


def ritz(sampling, penalty):
    problem = Problem(domain=INTERVAL, source=1.0, boundary=0.0)
    return SampledSchedule(
        problem.domain, problem.regular, sampling, lambda i, b, _: RitzEnergy(problem, SPACE, i, b, beta=3.0, like=LIKE), penalty
    )


def test_the_penalty_grows_in_the_published_stages():
    penalty = StagedPenalty(1000)
    at = [0, 99, 100, 199, 200, 249, 250, 499, 500, 749, 750, 5000]
    assert [penalty.multiplier(step) for step in at] == [1, 1, 10, 10, 50, 50, 100, 100, 200, 200, 500, 500]


def test_a_stage_multiplies_only_the_boundary_term():
    objectives = ritz(Sampling(Gauss(number=20), 2, seed=0), StagedPenalty(100))
    first, later = (objectives.at(step).terms(C) for step in (0, 30))
    assert float(later["boundary"]) == pytest.approx(100 * float(first["boundary"]))
    assert later["energy"] == first["energy"]
    assert [objectives.key(step) == objectives.key(step - 1) for step in (9, 10, 11)] == [True, False, True]
    assert objectives.is_final(75) and not objectives.is_final(74)
    assert objectives.held_out().weights == {"energy": 1.0, "boundary": 500.0}


@pytest.mark.parametrize("data", [None, Data("random", 60)])
def test_an_epoch_uses_each_point_once_and_its_mean_is_the_full_objective(data):
    whole = fit(Sampling(Gauss(number=60), 2, seed=0), data=data).at(0)
    objectives = fit(Sampling(Gauss(number=60), 2, seed=0, batch=12), data=data)
    for epoch in range(2):
        parts = [float(objectives.at(step).value(C)) for step in range(5 * epoch, 5 * epoch + 5)]
        assert len(set(parts)) == 5
        assert sum(parts) / 5 == pytest.approx(float(whole.value(C)), rel=1e-12)
    indices = Sampling(Gauss(number=60), 2, seed=0, batch=13)
    epoch = torch.cat([indices.batch_at(step, 60) for step in range(5)])
    assert sorted(epoch.tolist()) == list(range(60))
    assert not torch.equal(indices.batch_at(5, 60), indices.batch_at(0, 60))
    assert not objectives.is_final(0) and objectives.key(0) != objectives.key(1)


def test_batches_of_integrals_are_weighted_like_all_points():
    problem = Problem(domain=INTERVAL, source=1.0, boundary=0.0)
    whole, objectives = (
        SampledSchedule(
            problem.domain,
            problem.regular,
            Sampling(Gauss(number=60), 2, seed=0, batch=batch),
            lambda i, *_: RitzEnergy(problem, SPACE, i, like=LIKE),
        )
        for batch in (None, 12)
    )
    mean = sum(float(objectives.at(step).value(C)) for step in range(5)) / 5
    assert mean == pytest.approx(float(whole.at(0).value(C)), rel=1e-12)


@pytest.mark.parametrize("points", ["gauss", "uniform", "sobol"])
@pytest.mark.parametrize("box", [INTERVAL, Box((0.0,) * 4, (1.0,) * 4)], ids=["1-D", "4-D"])
def test_held_out_points_are_used_by_no_step(points, box):
    if points == "gauss" and box.dimension > 3:
        return
    sampling = Sampling(rule(points, 1000), 8, seed=3)
    held_out, edge = sampling.held_out(box)
    assert len(held_out.x) >= 1000 and float(held_out.weights.sum()) == pytest.approx(box.measure)
    for draw in range(3):
        used = sampling.interior(box, draw).x
        assert torch.cdist(held_out.x, used).min() > 0
        assert box.dimension == 1 or torch.cdist(edge.x, sampling.boundary(box, draw).x).min() > 0


SQUARE = Box((0.0, 0.0), (1.0, 1.0))
DOMAINS = {
    "interval": (INTERVAL, range(100, 3000, 37)),
    "interval, as many as are held out": (INTERVAL, range(1000, 1061)),
    "square": (SQUARE, range(900, 6000, 97)),
    "oblong": (Box((0.0, 0.0), (1.0, 3.0)), range(900, 3600, 173)),
    "cube": (Box((0.0,) * 3, (1.0,) * 3), [1000, 2000, 5000, 8192, 9000]),
    "disk": (Ball((0.0, 0.0), 1.0), range(900, 6000, 211)),
    "ball": (Ball((0.0, 0.0, 0.0), 1.0), range(900, 6000, 411)),
    "ring": (Ring((0.0, 0.0), 0.5, 1.0), [*range(1000, 1030), *range(1030, 6000, 311)]),
    "ellipse": (Ellipse((0.0, 0.0), (2.0, 1.0)), range(1000, 3000, 111)),
    "square with a hole": (WithHoles(SQUARE, (Ball((0.5, 0.5), 0.2),)), [*range(1000, 1025), *range(1030, 4000, 311)]),
    "cube with a hole": (WithHoles(Box((0.0,) * 3, (1.0,) * 3), (Ball((0.5,) * 3, 0.2),)), [500, 1024, 3000]),
    "mesh of triangles": (MeshDomain(MeshTri().refined(3)), [1, 100, 300, 1000, 1100, 3000, 10_000]),
    "mesh of many triangles": (MeshDomain(MeshTri().refined(6)), [1000, 10_000, 100_000]),
    "mesh of tetrahedra": (MeshDomain(MeshTet().refined(2)), [100, 1100, 4000]),
}


@pytest.mark.parametrize("kind", DOMAINS)
def test_held_out_gauss_points_differ_from_any_number_of_training_points(kind):
    """Numbers of points are rounded: 1021 to 1030 on an interval give the same rule. Points must differ by more than rounding."""
    domain, numbers = DOMAINS[kind]
    for number in numbers:
        sampling = Sampling(Gauss(number=number), 8, seed=3)
        held_out, _ = sampling.held_out(domain)
        assert float(held_out.weights.sum()) == pytest.approx(domain.measure)
        apart, _ = KDTree(sampling.interior(domain, 0).x).query(held_out.x)
        assert apart.min() > 1e-9, number
        assert len(held_out.x) >= 0.7 * max(1024, 0.77 * number), (number, len(held_out.x))  # sizes of rules are approximate


def test_a_source_known_only_at_points_has_no_held_out_points():
    assert fit(Sampling(Sobol(number=64), 8, seed=3), data=Data("uniform", 9)).held_out() is None


def test_the_work_of_a_force_known_at_points_has_no_second_derivative():
    problem, inside = Problem(domain=INTERVAL, source=0.0, boundary=0.0), INTERVAL.quadrature(20)
    plain, loaded = (RitzEnergy(problem, SPACE, inside, data=d, like=LIKE) for d in (None, (inside, inside.x[:, 0].exp())))
    assert torch.equal(plain.gauss_newton_factor(C), loaded.gauss_newton_factor(C)) and not torch.equal(
        plain.gradient(C), loaded.gradient(C)
    )


def test_data_points_do_not_change_if_other_points_are_resampled():
    objectives = fit(Sampling(Sobol(number=64), 8, seed=3), data=Data("uniform", 9))
    assert objectives.is_final(0) and objectives.key(0) == objectives.key(7)
    assert objectives.at(0).value(C) == objectives.at(7).value(C)


def test_singular_points_are_omitted():
    """An odd Gauss rule has a point at 0, where this source is infinite."""
    problem = Problem(
        domain=INTERVAL, source=CallableField(lambda x: 1 / x[:, 0].abs()), diffusion=0.0, reaction=1.0, singular=((0.0,),)
    )
    sampling = Sampling(Gauss(number=5), 2, seed=0)
    assert float(sampling.interior(INTERVAL, 0).x.abs().min()) < 1e-14
    objectives = SampledSchedule(
        problem.domain, problem.regular, sampling, lambda interior, *_: Misfit(problem, SPACE, interior, like=LIKE)
    )
    assert objectives.at(0).value(C).isfinite()


def test_equal_steps_have_equal_functionals():
    for sampling in (Sampling(Sobol(number=16, resample_every=3), 8, seed=1), Sampling(Uniform(number=16), 8, seed=1, batch=4)):
        one, other = fit(sampling), fit(sampling)
        values = [float(one.at(step).value(C)) for step in range(7)]
        assert [float(other.at(step).value(C)) for step in reversed(range(7))] == values[::-1]
        for step in range(1, 7):
            assert (one.key(step) == one.key(step - 1)) == (values[step] == values[step - 1])


def test_the_stages_multiply_beta_in_every_term():
    """The objective of a strong residual contains beta on its Dirichlet part and on its Robin part."""
    ends = (
        BoundaryPart("robin", name="x-min", alpha=as_field(1.0), flux=as_field(2.0)),
        BoundaryPart("dirichlet", value=as_field(1.0)),
    )
    problem = Problem(domain=INTERVAL, source=1.0, boundary=ends)
    objectives = SampledSchedule(
        problem.domain,
        problem.regular,
        Sampling(Gauss(number=20), 2, seed=0),
        lambda i, b, _: StrongResidual(problem, SPACE, i, b, beta=3.0, like=LIKE),
        StagedPenalty(100),
    )
    before, after = objectives.at(0).terms(C), objectives.at(99).terms(C)
    grown = {name: float(after[name] / before[name]) for name in before}
    assert grown == pytest.approx({"residual": 1, "boundary": 500, "robin": 500}, rel=1e-14)  # some roundings

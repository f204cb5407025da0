"""Waves along a direction against functions with known transforms, in one to ten dimensions."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.errors import IncompatibleError, ProblemFileError
from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.probes.sampled import field_values
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.files import load_problem
from pdefreq.problem.problem import Problem, Spectrum
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum import ray
from pdefreq.spectrum.modes import ModeFamilies
from pdefreq.spectrum.ray import HIGHEST, wave_fit
from pdefreq.spectrum.spectral_record import SpectralRecord

EXACT = 1e-11  # rounding 1e-16 times a sum over 2048 points and a condition number below 10


@pytest.fixture(scope="module", autouse=True)
def few_points():
    """These laws hold for any number of points, and their errors are measured in standard errors."""
    caches = (ray.wave_fit, ray._ray)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ray, "NUMBER", 2**11)
        for cache in caches:
            cache.cache_clear()
        yield
    for cache in caches:
        cache.cache_clear()


def cube(d, length=1.0, corner=0.0):
    return Box((corner,) * d, (corner + length,) * d)


def problem(domain, direction=(), wavenumbers=(), **options):
    return Problem(domain=domain, source=1.0, spectrum=Spectrum(None, tuple(wavenumbers), tuple(direction)), **options)


def regression(domain, direction=(), wavenumbers=()):
    return problem(domain, direction, wavenumbers, diffusion=0.0, reaction=1.0)


def axis(d):
    return (1.0,) + (0.0,) * (d - 1)


def along(modes, domain):
    """s = p.(x - lower) at the points of the modes."""
    p = modes.wavevectors[-1] / modes.wavenumber[-1]
    return (modes.points().numpy() - np.array(domain.bounds[0])) @ p


CASES = [
    pytest.param(cube(1, 2.0, -1.0), (), id="interval"),
    pytest.param(cube(3), (1.0, 2.0, -0.5), id="3-D"),
    pytest.param(cube(5), (), id="5-D diagonal"),
    pytest.param(Ball((0.0,) * 5, 1.0), axis(5), id="5-D ball"),
    pytest.param(cube(10), (), id="10-D diagonal"),
]


@pytest.mark.parametrize(("domain", "direction"), CASES)
def test_a_plane_wave_has_one_coefficient_with_its_phase(domain, direction):
    of = problem(domain, direction)
    modes = ModeFamilies(of).modes("ray")
    s = along(modes, domain)
    for j, amplitude, phase in ((1, 2.0, 0.3), (7, 0.5, -2.0), (HIGHEST, 1.0, 1.5)):
        expected = np.zeros(len(modes), dtype=complex)
        expected[j], expected[0] = amplitude / 2 * np.exp(1j * phase), -0.7
        found, rest = modes.decompose(amplitude * np.cos(modes.wavenumber[j] * s + phase) - 0.7)
        np.testing.assert_allclose(found, expected, atol=EXACT)
        assert rest < EXACT


@pytest.mark.parametrize(("domain", "direction"), CASES)
def test_distant_waves_are_nearly_orthogonal_and_closer_waves_are_not(domain, direction):
    modes = ModeFamilies(problem(domain, direction)).modes("ray")
    p = tuple((modes.wavevectors[1] / modes.wavenumber[1]).tolist())
    spacing = modes.wavenumber[1]
    assert wave_fit(domain, p, tuple(modes.wavenumber[1:])).condition < 2.5  # 1.5 if s is normal, the rest is sampling
    assert wave_fit(domain, p, tuple(spacing / 2 * np.arange(1, HIGHEST + 1))).condition > 10


def test_in_one_dimension_ray_modes_are_fourier_modes():
    of = problem(Box((-1.0,), (2.0,)))
    waves, fourier = ModeFamilies(of).modes("ray"), ModeFamilies(of).modes("fourier", np.arange(HIGHEST + 1))
    np.testing.assert_allclose(waves.wavevectors, fourier.wavevectors, rtol=1e-14)

    def tones(x):
        return 0.4 + np.cos(4 * math.pi / 3 * x + 0.2) - 3 * np.sin(20 * math.pi / 3 * x)

    found, expected = (m.coefficients(tones(m.points().numpy()[:, 0])) for m in (waves, fourier))
    np.testing.assert_allclose(found, expected, atol=EXACT)


@pytest.mark.parametrize("d", [3, 5, 10])
def test_variations_across_the_direction_contribute_their_mean_up_to_the_standard_error(d):
    """Along an axis of the cube, prod sin(pi x_k) has the mean (2/pi)^(d-1) sin(pi x_1), coefficients (2/pi) / (1 - 4 j^2)."""
    modes = ModeFamilies(problem(cube(d), axis(d))).modes("ray")
    u = np.sin(math.pi * modes.points().numpy()).prod(axis=1)
    expected = (2 / math.pi) ** d / (1 - 4 * np.arange(HIGHEST + 1.0) ** 2)
    noise = modes._fit.noise(u)
    # Sobol points are more accurate than the random points of the standard error; the factor five is generous
    assert (np.abs(modes.coefficients(u) - expected) < 5 * noise).all()
    amplitude = modes.amplitudes(u)
    assert (amplitude[np.abs(expected) > 8 * noise] > 0).all()
    assert (amplitude[np.abs(expected) < noise / 10] == 0).mean() > 0.9  # three standard errors: rarely exceeded


def test_the_standard_error_is_that_of_noise_and_noise_has_no_watched_modes():
    modes = ModeFamilies(problem(cube(5))).modes("ray")
    rng = np.random.default_rng(0)
    squares, seen = [], 0
    for _ in range(10):
        u = rng.standard_normal(len(modes.points()))
        squares.append((np.abs(modes.coefficients(u)) / modes._fit.noise(u))[1:] ** 2)
        seen += np.count_nonzero(modes.amplitudes(u))
    assert np.mean(squares) == pytest.approx(1, abs=5 / math.sqrt(10 * HIGHEST))  # exponential distribution: standard deviation 1
    assert seen <= 2  # 330 amplitudes, each with probability exp(-9) = 1.2e-4


def test_a_wave_across_the_direction_contributes_only_within_the_standard_error():
    """Coordinates of uniform points in a box are independent: for given p.x along an axis, a wave along another has mean 0."""
    d = 5
    modes = ModeFamilies(problem(cube(d), axis(d))).modes("ray")
    x = modes.points().numpy()
    u, across = np.cos(2 * math.pi * 3 * x[:, 0]), np.sin(2 * math.pi * 2 * x[:, 1]) + np.cos(2 * math.pi * (x[:, 2] - x[:, 4]))
    change = np.abs(modes.coefficients(u + across) - modes.coefficients(u))
    assert change.max() < 5 * modes._fit.noise(across).max()
    assert modes.strongest(u + across, threshold=1e-3, max_modes=99)[0].indices.tolist() == [[3]]


def test_a_coefficient_does_not_depend_on_the_watched_modes():
    modes = ModeFamilies(problem(cube(5))).modes("ray")
    u = np.exp(along(modes, cube(5)))
    np.testing.assert_array_equal(modes.take(np.array([4, 2])).coefficients(u), modes.coefficients(u)[[4, 2]])
    settled = ModeFamilies(problem(cube(5))).modes("ray", [[4], [2]])  # as in a resumed run
    np.testing.assert_array_equal(settled.coefficients(u), modes.coefficients(u)[[4, 2]])
    np.testing.assert_array_equal(settled.wavenumber, modes.wavenumber[[4, 2]])


def test_the_rest_is_the_norm_of_the_unwatched_part():
    domain = cube(5, 2.0)  # measure 32
    modes = ModeFamilies(problem(domain, axis(5))).modes("ray", [[0], [1]])
    s = modes.points().numpy()[:, 0]
    rest = modes.decompose(0.3 + np.cos(math.pi * s) + 0.5 * np.sin(5 * math.pi * s))[1]
    assert rest == pytest.approx(math.sqrt(32 * 0.125), rel=0.02)  # mean square 1/8, up to the accuracy of the points


def test_a_direction_may_have_any_length():
    one, two = (ModeFamilies(problem(cube(4), p)).modes("ray") for p in ((0, 1, 1, 0), (0, 9, 9, 0)))
    np.testing.assert_allclose(one.wavevectors, two.wavevectors, rtol=1e-14)
    for direction in ((1, 0), (0, 0, 0, 0)):
        with pytest.raises(ProblemFileError, match=r"direction must be 4 numbers that are not all zero"):
            problem(cube(4), direction)


def test_the_family_is_chosen_by_problem_and_dimension():
    flux, mixed = BoundaryPart("robin", name="x-min"), (BoundaryPart("robin", name="x-min"), BoundaryPart("dirichlet"))
    free = [regression(cube(2)), problem(cube(2), boundary=(flux, BoundaryPart("robin")))]
    assert [ModeFamilies(given).chosen for given in (*free, problem(cube(2), boundary=mixed))] == ["cosine", "cosine", "sine"]
    assert [ModeFamilies(problem(cube(d), boundary=0.0)).chosen for d in (1, 3, 4, 10)] == ["sine", "sine", "ray", "ray"]
    assert [ModeFamilies(load_problem(name)).chosen for name in ("tones", "tones-known", "chirp")] == ["cosine"] * 3
    assert ModeFamilies(load_problem("quadratic")).chosen == "cosine"
    assert ModeFamilies(load_problem("quadratic", dimension=4)).chosen == "ray"  # the modes in the file apply to lower dimensions
    assert ModeFamilies(load_problem("tones:5d")).chosen == "tones"
    with pytest.raises(IncompatibleError, match=r"at most 3 dimensions, got 4: use ray"):
        ModeFamilies(problem(cube(4))).check("sine")


@settings(max_examples=20, deadline=None)
@given(
    parts=st.lists(
        st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
        min_size=3,
        max_size=3,
    )
)
def test_tones_are_found_with_their_phases(parts):
    domain = cube(5, 2 * math.pi, -math.pi)
    modes = ModeFamilies(regression(domain, wavenumbers=(1.5, 4.0, 7.3))).modes("tones")
    s = along(modes, domain)
    u = sum(a * np.cos(k * s) + b * np.sin(k * s) for k, (a, b) in zip(modes.wavenumber[1:], parts, strict=True))
    expected = [0, *(complex(a, -b) / 2 for a, b in parts)]
    np.testing.assert_allclose(modes.coefficients(u), expected, atol=EXACT)


def test_tones_of_a_boundary_value_problem_are_refused_because_they_would_be_wrong():
    """On `poisson` u is sin(x) + ... plus a linear function, and the fit gives sin(x) only 0.436 of its amplitude."""
    poisson = load_problem("poisson")
    with pytest.raises(IncompatibleError, match=r"tones need a regression"):
        ModeFamilies(poisson).modes("tones")
    fit = wave_fit(poisson.domain, (1.0,), (1.0, 4.0, 8.0, 24.0))
    amplitude = 2 * np.abs(fit.solve(field_values(poisson.exact, fit.x)))
    assert amplitude[1] == pytest.approx(0.436, abs=5e-4)


@pytest.mark.parametrize(
    ("wavenumbers", "message"),
    [
        ((), "tones need wavenumbers"),
        ((3.0, 3.001), "can't be told apart"),
        ((0.01,), "can't be told apart, or from a constant"),
        (tuple(np.linspace(0.5, 30, 60)), "can't be told apart"),
    ],
)
def test_invalid_or_close_tones_are_refused(wavenumbers, message):
    with pytest.raises(IncompatibleError, match=message):
        ModeFamilies(regression(cube(1), wavenumbers=wavenumbers)).modes("tones")


@pytest.mark.parametrize("kind", ["ray", "tones"])
def test_a_resumed_run_watches_the_same_waves_bit_for_bit(tmp_path, kind):
    solver = make_solver("regression", {"widths": [6, 6], "number": 36})
    whole = solve("tones:5d", solver, stop=Stop(steps=4), modes=kind)
    solve("tones:5d", solver, stop=Stop(steps=2), modes=kind, folder=tmp_path / "run")
    again = resume(tmp_path / "run", stop=Stop(steps=4))
    one, other = SpectralRecord.of(whole.history), SpectralRecord.of(again.history)
    assert one.modes.kind == kind
    for name in ("indices", "wavevectors", "amplitude", "wavenumber"):
        np.testing.assert_array_equal(getattr(one.modes, name), getattr(other.modes, name))
    np.testing.assert_array_equal(one.error, other.error)
    np.testing.assert_array_equal(whole.history.column("unwatched_error"), again.history.column("unwatched_error"))
    report = whole.spectrum()
    assert report.bias_index is None and "not a complete" in report.bias_reason
    if kind == "tones":
        assert [row.wavenumber for row in report.rows] == [1, 3, 5]
        np.testing.assert_allclose([row.amplitude for row in report.rows], 0.5, atol=EXACT)


def test_an_impossible_family_is_refused_before_anything_is_written(tmp_path):
    for name, method, modes in (("cosine-diffusion", "deep-ritz", "sine"), ("poisson", "jacobi", "tones")):
        with pytest.raises(IncompatibleError):
            solve(name, method, modes=modes, folder=tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_points_of_ray_modes_do_not_change():
    one, two = (ModeFamilies(problem(Ball((0.0,) * 4, r))).modes("ray").points() for r in (1.0, 2.0))
    assert torch.equal(2 * one, two)


@pytest.mark.parametrize("direction", [(1.0,), (-1.0,)])
def test_in_one_dimension_waves_are_recorded_by_the_trapezoidal_rule(direction):
    """The coefficients of a sum of waves are exact; those of another function are close to the least-squares fit by integrals."""
    modes = ModeFamilies(regression(Box((0.0,), (2 * math.pi,)), direction, (1.0, 5.0))).modes("tones")
    recorded = modes.recorded()
    assert len(recorded.points()) == 462 < ray.NUMBER
    np.testing.assert_array_equal(recorded.wavevectors, modes.wavevectors)
    for each in (recorded, modes):
        u = 2 + np.cos(each.points().numpy()[:, 0] - 0.5) - 3 * np.sin(5 * each.points().numpy()[:, 0])
        sign = direction[0]
        expected = [2, 0.5 * np.exp(-0.5j * sign), 1.5j * sign]
        np.testing.assert_allclose(each.coefficients(u), expected, atol=EXACT)
    x, w = np.polynomial.legendre.leggauss(60)
    x = math.pi * (1 + x)
    waves = np.column_stack([np.ones(60), np.cos(x), np.sin(x), np.cos(5 * x), np.sin(5 * x)]) * np.sqrt(w)[:, None]
    best = np.linalg.lstsq(waves, np.sqrt(w) * np.exp(x / 3), rcond=None)[0]
    found = recorded.coefficients(np.exp(recorded.points().numpy()[:, 0] / 3))
    np.testing.assert_allclose(found, [best[0], *(best[1::2] - 1j * direction[0] * best[2::2]) / 2], rtol=4e-4)

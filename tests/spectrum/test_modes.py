import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from pdefreq.core.errors import IncompatibleError, UnknownNameError
from pdefreq.domains.box import Box
from pdefreq.spectrum.box_modes import BOX_FAMILIES as FAMILIES
from pdefreq.spectrum.modes import DEFAULT_INTERVALS, make_modes, strongest

EXACT = 1e-13  # a fast transform of 1e3 to 3e4 values of size 1 has an error of a few rounding units of 2e-16


@dataclass(frozen=True)
class UniformSpace:
    """A substitute for a grid space with the attributes that mode families use."""

    box: Box
    intervals: tuple[int, ...]


BOXES = [
    (Box((-1.0,), (1.0,)), (500,)),
    (Box((0.0,), (3.0,)), (7,)),
    (Box((-1.0, 0.5), (1.0, 2.0)), (12, 9)),
    (Box((0.0, -1.0, 2.0), (1.0, 1.0, 2.5)), (4, 5, 6)),
]
ON_GRIDS = pytest.mark.parametrize(("box", "intervals"), BOXES)


def basis(kind, box, wavevector, x):
    """A mode by its definition, with which the transforms are compared."""
    phase = (x - np.array(box.lower)) * wavevector
    if kind == "fourier":
        return np.exp(1j * phase.sum(axis=1))
    return (np.sin if kind == "sine" else np.cos)(phase).prod(axis=1)


@ON_GRIDS
@pytest.mark.parametrize("kind", FAMILIES)
def test_every_mode_of_a_grid_has_a_single_coefficient_of_one(kind, box, intervals):
    space = UniformSpace(box, intervals)
    modes = make_modes(kind, box, intervals=intervals)
    x = modes.points(space).numpy()
    chosen = np.unique(np.linspace(0, len(modes) - 1, 25).astype(int))
    for k in chosen:
        tone = basis(kind, box, modes.wavevectors[k], x)
        expected = np.zeros(len(modes))
        expected[k] = 1 if kind != "fourier" or not modes.indices[k].any() else 0.5
        np.testing.assert_allclose(modes.coefficients(tone.real, space), expected, atol=EXACT)


@pytest.mark.parametrize(("phase", "expected"), [(0.0, 0.5), (math.pi / 2, 0.5j), (math.pi, -0.5), (0.7, 0.5 * np.exp(0.7j))])
def test_a_fourier_coefficient_has_the_phase_from_the_lower_corner(phase, expected):
    modes = make_modes("fourier", Box((-1.0,), (1.0,)), [3])
    x = modes.points().numpy()[:, 0]
    np.testing.assert_allclose(modes.wavevectors, [[3 * math.pi]])
    np.testing.assert_allclose(modes.coefficients(np.cos(3 * math.pi * (x + 1) + phase)), [expected], atol=EXACT)


@pytest.mark.parametrize(("kind", "count"), [("sine", (11, 8)), ("cosine", (13, 10)), ("fourier", (11, 9))])
def test_all_modes_of_a_grid_are_counted_once_and_sorted_by_wavenumber(kind, count):
    modes = make_modes(kind, Box((-1.0, 0.5), (1.0, 2.0)), intervals=(12, 9))
    total = math.prod(count)
    assert len(modes) == (total + 1) // 2 if kind == "fourier" else total  # k and -k are one mode, and 0 is its own partner
    assert len(np.unique(modes.indices, axis=0)) == len(modes)
    assert (np.diff(modes.wavenumber) >= 0).all()
    np.testing.assert_allclose(modes.wavenumber, np.sqrt((modes.wavevectors**2).sum(axis=1)))


@ON_GRIDS
@pytest.mark.parametrize("kind", FAMILIES)
def test_the_rest_is_the_l2_norm_of_the_unwatched_modes(kind, box, intervals):
    """Parseval: along an axis the squared norm of sine and cosine is L/2, of a constant L, of a complex pair 2 |c|^2 L."""
    space = UniformSpace(box, intervals)
    every = make_modes(kind, box, intervals=intervals)
    below = every.indices[(np.abs(every.indices) < np.array(intervals)).all(axis=1)]  # cos(n pi s) has another discrete norm
    rng = np.random.default_rng(0)
    indices = rng.permutation(below)[:40]
    watched, others = make_modes(kind, box, indices[::2]), make_modes(kind, box, indices[1::2])
    amplitudes = rng.standard_normal(len(indices))
    x = every.points(space).numpy()
    tones = [basis(kind, box, k, x).real for k in make_modes(kind, box, indices).wavevectors]
    coefficients, rest = watched.decompose(amplitudes @ np.array(tones), space)

    half = np.where(watched.indices.any(axis=1) & (kind == "fourier"), 0.5, 1)
    np.testing.assert_allclose(coefficients, half * amplitudes[::2], atol=1e-12)  # twenty tones of size 1
    norms = (
        np.where(others.indices == 0, 1, 0.5).prod(axis=1) if kind != "fourier" else np.where(others.indices.any(axis=1), 0.5, 1)
    )
    assert rest == pytest.approx(math.sqrt(box.measure * np.sum(norms * amplitudes[1::2] ** 2)), rel=1e-12)


def test_a_small_rest_is_accurate_beside_large_watched_modes():
    """Unwatched parts are summed instead of computed as a difference: 1e-9 beside 1 keeps its digits."""
    modes = make_modes("sine", Box((0.0,), (2.0,)), [1])
    s = modes.points().numpy()[:, 0] / 2 * np.pi
    rest = modes.decompose(np.sin(s) + 1e-9 * np.sin(5 * s))[1]
    assert rest == pytest.approx(1e-9, rel=1e-6, abs=0)  # L/2 = 1; rounding of the tone is 1e-16


@pytest.mark.parametrize("n", [16, 100, 1024])
def test_sine_coefficients_of_a_parabola(n):
    """x(1-x) = sum over odd k of 8 / (pi k)^3 sin(k pi x); a grid adds the aliases k + 2 n j, with the sign of j."""
    space = UniformSpace(Box((0.0,), (1.0,)), (n,))
    modes = make_modes("sine", space.box, intervals=(n,))
    x = modes.points(space).numpy()[:, 0]
    k = modes.indices[:, 0]
    # the sum over all aliases: the discrete sine transform of x(1-x) is h^2 / n * cot(t) / sin(t)^2, t = k pi / 2n
    t = k * np.pi / (2 * n)
    aliased = np.where(k % 2, np.cos(t) / np.sin(t) ** 3 / n**3, 0)
    np.testing.assert_allclose(modes.coefficients(x * (1 - x), space), aliased, atol=1e-15)
    series = np.where(k % 2, 8 / (np.pi * k) ** 3, 0)
    low = k <= n // 4
    # sum over j != 0 of sign(j) / (2 |j| n +- k)^3 cancels to first order: -(6 k / (2n)^4) sum 2 / j^4 ... < k / n^4
    assert (np.abs(modes.coefficients(x * (1 - x), space) - series)[low] <= k[low] / n**4).all()


def test_cosine_coefficients_of_the_coordinate():
    """x on (0,1) is 1/2 - sum over odd k of 4 / (pi k)^2 cos(k pi x); on a grid 1 / (n sin(t))^2, t = k pi / 2n."""
    n = 64
    space = UniformSpace(Box((0.0,), (1.0,)), (n,))
    modes = make_modes("cosine", space.box, np.arange(8))
    k = np.arange(1, 8)
    expected = np.where(k % 2, -1 / (n * np.sin(k * np.pi / (2 * n))) ** 2, 0)
    np.testing.assert_allclose(modes.coefficients(modes.points(space).numpy()[:, 0], space), [0.5, *expected], atol=1e-15)


@given(st.lists(st.floats(-10, 10), min_size=8, max_size=8))
def test_boundary_values_do_not_leak_into_sine_modes(corner):
    """Trilinear functions have no sine coefficients, because they are their own lifting."""
    box, intervals = Box((0.0, -1.0, 2.0), (1.0, 1.0, 2.5)), (4, 5, 6)
    space = UniformSpace(box, intervals)
    modes = make_modes("sine", box, intervals=intervals)
    x, y, z = modes.points(space).numpy().T
    values = np.array(corner) @ np.array([x**0, x, y, z, x * y, y * z, z * x, x * y * z])
    assert np.abs(modes.coefficients(values, space)).max() < 1e-12  # values up to 200, rounding 3e-14


def test_an_approximation_with_free_ends_differs_from_zero_only_in_cosine_modes():
    """The line 3x / pi^2 is the best linear approximation of sin x on (-pi, pi), with 6 / pi^2 of its squared norm.

    It is its own lifting. The coefficients of sin x and x in the lowest cosine mode, -sin(x/2), are proportional to 8/3 and 8, so
    that the error of the mode is |1 - 9 / pi^2|.
    """
    box = Box((-math.pi,), (math.pi,))
    for kind, k, left in (("sine", 2, 1.0), ("cosine", 1, 1 - 9 / math.pi**2)):
        mode = make_modes(kind, box, [[k]])
        x = mode.points().numpy()[:, 0]
        target, fit = (mode.coefficients(values)[0] for values in (np.sin(x), 3 / math.pi**2 * x))
        assert abs(fit - target) / abs(target) == pytest.approx(
            left, abs=1e-5
        )  # sums approximate integrals up to the square of 1/1024


@pytest.mark.parametrize("kind", FAMILIES)
def test_points_are_in_c_order_on_the_closed_box_or_without_the_periodic_end(kind):
    box = Box((-1.0, 0.0), (1.0, 3.0))
    x = make_modes(kind, box, [[1, 1]]).points(UniformSpace(box, (2, 3))).numpy()
    axes = ([-1, 0], [0, 1, 2]) if kind == "fourier" else ([-1, 0, 1], [0, 1, 2, 3])
    np.testing.assert_array_equal(x, [(a, b) for a in axes[0] for b in axes[1]])


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_space_without_a_grid_is_evaluated_on_the_default_grid(dimension):
    box = Box((0.0,) * dimension, (1.0,) * dimension)
    modes = make_modes("sine", box, [[1] * dimension])
    assert modes.points(None).shape == ((DEFAULT_INTERVALS[dimension] + 1) ** dimension, dimension)
    other = UniformSpace(Box((0.0,) * dimension, (2.0,) * dimension), (4,) * dimension)  # a grid of another box is not suitable
    assert len(modes.points(other)) == len(modes.points())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("kind", "resolved"), [("sine", [1, 7]), ("cosine", [0, 8]), ("fourier", [0, 3])])
def test_a_mode_the_grid_does_not_resolve_has_coefficient_zero(kind, resolved):
    box = Box((0.0,), (1.0,))
    space = UniformSpace(box, (8,))
    modes = make_modes(kind, box, np.arange(20))
    values = np.random.default_rng(1).standard_normal(len(modes.points(space)))
    found = np.flatnonzero(modes.coefficients(values, space))
    assert [found.min(), found.max()] == resolved
    assert len(found) == resolved[1] - resolved[0] + 1


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(1, 40), st.floats(1e-6, 1))
def test_the_strongest_modes_are_selected(amplitudes, max_modes, threshold):
    amplitude = np.array(amplitudes)
    kept, count_above_threshold = strongest(amplitude, threshold=threshold, max_modes=max_modes)
    assert count_above_threshold == sum(a > 0 and a >= threshold * max(amplitudes) for a in amplitudes)
    assert len(kept) == min(max_modes, count_above_threshold)
    assert (np.diff(kept) > 0).all()
    left = np.setdiff1d(np.arange(len(amplitude)), kept)
    assert not len(kept) or (amplitude[left] <= amplitude[kept].min()).all()


def test_more_than_three_dimensions_and_unknown_families_are_refused_in_one_sentence():
    with pytest.raises(IncompatibleError, match=r"sine modes need a grid.*up to 3 dimensions, got 4"):
        make_modes("sine", Box((0.0,) * 4, (1.0,) * 4))
    with pytest.raises(UnknownNameError, match="did you mean 'cosine'"):
        make_modes("cosin", Box((0.0,), (1.0,)))


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("box", [box for box, _ in BOXES], ids=lambda box: box.title)
def test_recorded_modes_agree_on_another_grid(kind, box):
    """For a function that the grid resolves, the coefficients are equal and in the same order."""
    modes = make_modes(kind, box, np.unique(np.abs(np.random.default_rng(2).integers(0, 5, (6, box.dimension))), axis=0) + 1)
    recorded = modes.recorded()
    np.testing.assert_array_equal(recorded.indices, modes.indices)
    np.testing.assert_array_equal(recorded.take(np.array([1])).points(), recorded.points())
    for k in range(len(modes)):
        coefficients = [
            each.coefficients(basis(kind, box, modes.wavevectors[k], each.points().numpy()).real) for each in (modes, recorded)
        ]
        np.testing.assert_allclose(*coefficients, atol=EXACT)


@pytest.mark.parametrize(("highest", "intervals"), [(1, 461), (153, 461), (154, 922), (300, 922), (340, 1844), (384, 1844)])
@pytest.mark.parametrize("kind", ["sine", "cosine"])
def test_the_recorded_grid_resolves_the_highest_mode(kind, highest, intervals):
    modes = make_modes(kind, Box((0.0,), (1.0,)), [1, highest]).recorded()
    assert len(modes.points()) == intervals + 1
    x = modes.points().numpy()[:, 0]
    alias = (np.sin if kind == "sine" else np.cos)((2 * intervals - highest) * math.pi * x)
    assert abs(modes.coefficients(alias)[1]) == pytest.approx(1)  # no lower mode is an alias of the highest mode
    lower = (np.sin if kind == "sine" else np.cos)((2 * intervals - highest - 1) * math.pi * x)
    np.testing.assert_allclose(modes.coefficients(lower), 0, atol=1e-11)


def test_aliases_of_slopes_at_the_ends_cancel_in_relative_errors():
    """Coefficients of a solution and of an error both have errors of up to 7 per cent, but their ratio has less than 1e-3."""
    numbers = [1, 9, 61, 127]
    modes = make_modes("cosine", Box((-1.0,), (1.0,)), numbers).recorded()
    x = modes.points().numpy()[:, 0]
    found = [modes.coefficients(u) for u in (x, x - 0.2 * x**3)]
    exact = [
        [quad(u, 0, 2, weight="cos", wvar=k * math.pi / 2, limit=500)[0] for k in numbers]
        for u in (lambda s: s - 1, lambda s: s - 1 - 0.2 * (s - 1) ** 3)
    ]
    np.testing.assert_allclose(found[0], exact[0], rtol=0.07)
    assert abs(found[0][-1] / exact[0][-1] - 1) > 0.05
    np.testing.assert_allclose(found[1] / found[0], np.divide(exact[1], exact[0]), rtol=1e-3)

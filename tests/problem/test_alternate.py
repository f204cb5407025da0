"""Every other sample: half of the points, no two neighbors along an axis on the same side, whatever their order is."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq import Data, Problem, load_problem
from pdefreq.core.errors import DataError, ProblemFileError
from pdefreq.domains.box import Box
from pdefreq.functionals.sampling import data_samples, held_out_samples
from pdefreq.problem.alternate import alternate

SQUARE = Box((0.0, 0.0), (1.0, 1.0))


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(0, 9))
def test_neighbors_along_an_axis_are_on_different_sides(sizes, seed):
    generator = torch.Generator().manual_seed(seed)
    axes = [torch.rand(n, generator=generator, dtype=torch.float64).sort().values for n in sizes]
    x = torch.cartesian_prod(*axes).reshape(-1, len(sizes))
    order = torch.randperm(len(x), generator=generator)
    out = torch.empty(len(x), dtype=torch.bool)
    out[order] = alternate(x[order])
    assert int(out.sum()) == len(x) // 2
    grid = out.reshape(sizes)
    assert not grid.flatten()[0]
    for axis, n in enumerate(sizes):
        assert bool((grid.narrow(axis, 0, n - 1) != grid.narrow(axis, 1, n - 1)).all())


def test_on_an_interval_every_other_point_is_held_out_in_ascending_order():
    x = torch.tensor([[3.0], [1.0], [2.0], [0.0], [4.0]])
    assert alternate(x).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize("x", [torch.rand(9, 2), torch.zeros(4, 2), torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]])])
def test_points_that_are_no_grid_are_refused(x):
    with pytest.raises(DataError, match="are not all points of a grid: use a fraction"):
        Problem(domain=SQUARE, diffusion=0.0, reaction=1.0, data=Data(x=x, values=x[:, 0], holdout="alternate"))


def test_other_words_and_random_points_are_refused():
    with pytest.raises(DataError, match="or \"alternate\", got 'alternative'"):
        Data("uniform", 4, holdout="alternative")
    with pytest.raises(DataError, match="random points are no grid"):
        Problem(domain=SQUARE, source="x", diffusion=0.0, reaction=1.0, data=Data("random", 9, holdout="alternate"))


@pytest.mark.parametrize(("value", "kept"), [('"alternate"', 3), ("0.4", 3), ('"2/5"', 3), ('"share"', 3), ("0", 5)])
def test_the_key_takes_a_number_a_formula_or_the_word(value, kept, tmp_path):
    text = f"""
        parameters.share = 0.4
        domain = {{kind = "box", lower = 0, upper = 1}}
        equation = {{diffusion = 0, reaction = 1, source = "x"}}
        data = {{points = "uniform", number = 5, holdout = {value}}}
    """
    (tmp_path / "a.toml").write_text(text)
    problem = load_problem(str(tmp_path / "a.toml"))
    assert len(data_samples(problem)[0].x) == kept and len(held_out_samples(problem)[0].x) == 5 - kept


def test_a_misspelled_word_is_refused_with_the_words_that_are_known(tmp_path):
    text = 'domain = {kind = "box", lower = 0, upper = 1}\nequation = {diffusion = 0, source = "x"}\n[data]\nnumber = 5\nholdout = "altrnate"\n'
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ProblemFileError, match="""a number of at least 0 and below 1, or "alternate", got 'altrnate'"""):
        load_problem(str(tmp_path / "a.toml"))


def test_the_picture_is_held_out_like_a_chessboard():
    problem = load_problem("interference")
    (kept, _), (out, _) = data_samples(problem), held_out_samples(problem)
    assert len(kept.x) == len(out.x) == 64 * 64 // 2
    column, row = ((kept.x[:, k] + 1) * 32 - 0.5 for k in (0, 1))
    assert set((column + row).round().long().remainder(2).tolist()) == {0}

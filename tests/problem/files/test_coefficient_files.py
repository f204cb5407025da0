"""Coefficients from files: all formats, all mistakes, and the description of the problem."""

import itertools

import numpy as np
import pytest
import torch
from PIL import Image

from pdefreq import load_problem
from pdefreq.core.errors import ProblemFileError
from pdefreq.problem.files import describe


def write(folder, equation='diffusion = "a.csv"', dimension=2, upper="1", source='source = "1"'):
    text = (
        f'[domain]\nkind = "box"\ndimension = {dimension}\nlower = 0\nupper = {upper}\n'
        f'[equation]\n{source}\n{equation}\n[boundary]\nvalue = "0"\n'
    )
    (folder / "p.toml").write_text(text)
    return str(folder / "p.toml")


def at(field, *point):
    return float(field(torch.tensor([point], dtype=torch.float64))[0])


def test_rows_of_points_may_be_in_any_order(tmp_path):
    xs, ys = [0.1, 0.3, 0.6], [0.25, 0.75]
    rows = [f"{x},{y},{10 * x + y}" for x, y in itertools.product(xs, ys)]
    random = np.random.default_rng(0)
    found = []
    for heading in ("x,y,value", "X, Y, permeability", "x1,x2,k"):
        (tmp_path / "a.csv").write_text("# measured\n" + "\n".join([heading, *random.permutation(rows)]))
        found.append(load_problem(write(tmp_path, upper="[0.75, 1]")))
        for x, y in itertools.product(xs, ys):
            assert at(found[-1].diffusion, x, y) == pytest.approx(10 * x + y)
    field = found[0].diffusion
    assert (at(field, 0.44, 0.49), at(field, 0.46, 0.51)) == pytest.approx((3.25, 6.75))
    assert len({problem.digest for problem in found}) == 1
    assert field.text == "piecewise constant on 3 x 2 cells from a.csv"


@pytest.mark.parametrize(("dimension", "point"), [(1, (0.2,)), (3, (0.2, 0.6, 0.9))])
def test_points_in_one_and_three_dimensions(dimension, point, tmp_path):
    rows = [(*p, 1 + sum(p)) for p in itertools.product([0.0, 0.5, 1.0], repeat=dimension)]
    heading = [*"xyz"[:dimension], "value"]
    (tmp_path / "a.csv").write_text("\n".join(",".join(map(str, row)) for row in [heading, *rows]))
    problem = load_problem(write(tmp_path, 'diffusion = "a.csv"\ninterpolation = "linear"', dimension))
    assert at(problem.diffusion, *point) == pytest.approx(1 + sum(point), rel=1e-15)
    cells = " x ".join("3" * dimension)
    assert f"piecewise linear between {cells} points from a.csv" in dict(describe(problem))["equation"]


def test_a_matrix_has_the_orientation_of_a_picture(tmp_path):
    """The first row is the top, and the table fills the domain with equal cells."""
    (tmp_path / "a.csv").write_text("1,2,3\n4,5,6\n")
    field = load_problem(write(tmp_path, upper="[3, 2]")).diffusion
    assert [[at(field, x, y) for x in (0.5, 1.5, 2.5)] for y in (1.5, 0.5)] == [[1, 2, 3], [4, 5, 6]]
    Image.fromarray(np.array([[1, 2, 3], [4, 5, 6]], dtype=np.uint8)).save(tmp_path / "a.png")
    picture = load_problem(write(tmp_path, 'diffusion = "a.png"\nshades = [0, 255]', upper="[3, 2]")).diffusion
    np.testing.assert_allclose(picture.values, field.values, rtol=1e-15)
    for text in ("7\n8\n9\n", "7,8,9\n"):
        (tmp_path / "a.csv").write_text(text)
        line = load_problem(write(tmp_path, dimension=1)).diffusion
        assert [at(line, x) for x in (0.1, 0.5, 0.9)] == [7, 8, 9]


def test_shades_map_black_and_white_to_values(tmp_path):
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    problem = load_problem(write(tmp_path, 'diffusion = "a.png"\nshades = ["1", 100]\ninterpolation = "linear"'))
    assert [at(problem.diffusion, x, 0.5) for x in (0.1, 0.5, 0.9)] == pytest.approx([1, 50.5, 100])
    assert at(load_problem(write(tmp_path, 'reaction = "a.png"')).reaction, 0.9, 0.1) == 1


def test_every_coefficient_may_be_a_file(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    equation = 'diffusion = [["a.csv", "0"], ["0", "2"]]\nreaction = "a.csv"\nconvection = ["a.csv", "y"]'
    problem = load_problem(write(tmp_path, equation, source='source = "a.csv"'))
    assert at(problem.reaction, 0.1, 0.1) == 3 and at(problem.source, 0.9, 0.9) == 2
    assert dict(describe(problem))["equation"].count("piecewise constant on 2 x 2 cells from a.csv") == 3
    assert set(problem.files) == {"a.csv"}


@pytest.mark.parametrize(
    ("text", "dimension", "message"),
    [
        ("x,y,value\n0,0,1\n0,1,1\n1,0,1\n", 2, "a grid of 2 x 2 = 4 points, each of which needs one row, got 3"),
        ("x,y,value\n0,0,1\n0,1,1\n1,0,1\n1,0,2\n", 2, r"the point \(1, 1\) has no row"),
        ("x,y,value\n0,0,1\n0,1\n", 2, "line 3: expected 3 numbers, got 2: '0,1'"),
        ("x,y,value\n0,0,one\n", 2, "line 2: value must be a finite number, got 'one'"),
        ("x,y,value\n0,nan,1\n", 2, "line 2: y must be a finite number, got 'nan'"),
        ("x,y,value\n", 2, "contains no values; give one point per row"),
        ("y,x,value\n0,0,1\n", 2, "heading must be x,y,value, got 'y,x,value'"),
        ("x,value\n0,1\n", 2, "heading must be x,y,value, got 'x,value'"),
        ("x,y,value\n0.5,0.5,1\n0.5,0.9,1\n0.9,0.5,1\n0.9,0.9,1\n", 2, "from x = 0.3 to 1.1, but the domain extends from 0 to 1"),
        ("1,2\n3\n", 2, "line 2: expected 2 numbers, got 1: '3'"),
        ("1,2\n3,b\n", 2, "line 2: column 2 must be a finite number, got 'b'"),
        ("1,2\n3,inf\n", 2, "line 2: column 2 must be a finite number, got 'inf'"),
        ("1,2\n3,4\n", 1, "2 rows of 2 numbers, but the domain is an interval"),
        ("1,2\n3,4\n", 3, "give one point per row below the heading x,y,z,value"),
        ("1,2\n3,-4\n", 2, "diffusion must be .*, got -4 at"),
        ("", 2, "contains no values"),
    ],
)
def test_a_file_without_a_grid_is_refused(text, dimension, message, tmp_path):
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(ProblemFileError, match=message) as refused:
        load_problem(write(tmp_path, dimension=dimension))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("equation", "dimension", "message"),
    [
        ('diffusion = "none.csv"', 2, r"\[equation\] diffusion: the file .*none.csv does not exist"),
        ('diffusion = "broken.png"', 2, "can't read the picture .*broken.png"),
        ('diffusion = "broken.csv"', 2, "can't read the grid in .*broken.csv"),
        ('diffusion = "a.png"', 3, "a picture has two dimensions, but the domain has 3"),
        ('diffusion = "a.csv"\ninterpolation = "cubic"', 2, 'interpolation must be "constant" or "linear", got \'cubic\''),
        ('diffusion = "a.png"\nshades = [1]', 2, "shades must be a list of 2 numbers"),
        ('diffusion = "2"\ninterpolation = "linear"', 2, "interpolation belongs to coefficients from files"),
        ("shades = [1, 2]", 2, "shades belongs to coefficients from files"),
        ('exact = "x*(1 - x)*y*(1 - y)"\ndiffusion = "a.csv"', 2, "does not solve the equation where its flux jumps"),
    ],
)
def test_bad_tables_are_refused(equation, dimension, message, tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "broken.csv").write_bytes(b"\xff\xfe\x00")
    Image.fromarray(np.array([[0, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ProblemFileError, match=message) as refused:
        load_problem(write(tmp_path, equation, dimension))
    assert "\n" not in str(refused.value)


def test_large_files_are_refused(tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    path = write(tmp_path)
    monkeypatch.setattr("pdefreq.problem.files.coefficient_files._MOST", 3)
    with pytest.raises(ProblemFileError, match="contains more than 3 numbers"):
        load_problem(path)
    monkeypatch.setattr("pdefreq.problem.files.coefficient_files._LARGEST_FILE", 7)
    with pytest.raises(ProblemFileError, match="is larger than 0 MiB"):
        load_problem(path)


def test_grid_values_do_not_determine_a_source(tmp_path):
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    path = write(tmp_path, 'diffusion = "a.csv"\nexact = "x*y"', source="")
    with pytest.raises(ProblemFileError, match=r"piecewise constant on 2 x 2 cells from a.csv is not a formula.*give `source`"):
        load_problem(path)

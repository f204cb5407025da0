"""Data in problem files: invalid rows, values of pictures at their pixels, and runs that need only their run folder."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pdefreq import Data, Problem, Stop, load_problem, rerun, resume, solve
from pdefreq.core.errors import ProblemFileError
from pdefreq.domains.ball import Ball
from pdefreq.domains.box import Box
from pdefreq.functionals.sampling import data_samples, held_out_samples
from pdefreq.problem.files import describe
from pdefreq.problem.files.data import read_points
from pdefreq.problem.grid_field import GridField
from pdefreq.solvers.network_methods import regression

SQUARE = Box((0.0, 0.0), (1.0, 1.0))
REGRESSION = '[equation]\ndiffusion = "0"\nreaction = "2"\n'
POISSON = '[equation]\n[boundary]\nvalue = "0"\n'


def write(folder, data, equation=REGRESSION, dimension=2, name="mine.toml"):
    """A problem file on the unit box with the given lines in [data]."""
    text = f'[domain]\nkind = "box"\ndimension = {dimension}\nlower = 0\nupper = 1\n{equation}[data]\n{data}\n'
    (folder / name).write_text(text)
    return str(folder / name)


def gradient_picture(path, columns=5, rows=3):
    """A picture in which the pixel in column i and row j from the top has the gray value 10 (columns j + i)."""
    gray = 10 * np.arange(columns * rows, dtype=np.uint8).reshape(rows, columns)
    Image.fromarray(gray).save(path)
    return gray / 255


@pytest.mark.parametrize("heading", ["", "x,y,value\n", "x1, x2, f\n", "# sensors\nX,Y,temperature\n\n", "\ufeffx,y,value\n"])
def test_rows_are_points_with_or_without_a_header(heading, tmp_path):
    (tmp_path / "sensors.csv").write_text(heading + "0.25,0.5,1\n# off\n 1 ,0, -2e0\n\n", encoding="utf-8")
    problem = load_problem(write(tmp_path, 'points = "sensors.csv"'))
    samples, values = data_samples(problem)
    assert samples.x.tolist() == [[0.25, 0.5], [1, 0]] and values.tolist() == [1, -2]
    assert samples.weights.tolist() == [0.5, 0.5]
    assert problem.source(torch.tensor([[0.3, 0.5], [0.9, 0.1]])).tolist() == [1, -2]  # the nearest known value
    assert ("data", "2 points of sensors.csv") in describe(problem)


@given(st.lists(st.tuples(*[st.floats(0, 1)] * 2, st.floats(allow_nan=False, allow_infinity=False)), min_size=1, max_size=20))
def test_written_data_are_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("data") / "a.csv"
    path.write_text("\n".join(",".join(map(repr, row)) for row in rows))
    x, values = read_points(path, SQUARE)
    assert torch.cat([x, values[:, None]], dim=1).tolist() == [list(row) for row in rows]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0.5,0.5,1\n0.5,0.5\n", r"line 2: expected 3 columns \(x, y, value\), got 2: '0.5,0.5'"),
        ("0.5,0.5,1\n0.5,0.5,1,2\n", r"line 2: expected 3 columns \(x, y, value\), got 4"),
        ("0.5;0.5;1\n0.5,0.5,1\n", r"heading must be x, y, value, got '0.5;0.5;1'"),
        ("# c\n\n0.5,0.5,1\n0.5,abc,1\n", "line 4: y must be a finite number, got 'abc'"),
        ("0.5,0.5,nan\n", "line 1: value must be a finite number, got 'nan'"),
        ("0.5,0.5,1e999\n", "line 1: value must be a finite number, got '1e999'"),
        ("0.5,0.5,1\n2,0.5,1\n", r"line 2: the point \(2, 0.5\) lies outside the square \(0, 1\)\^2; leave it out"),
        ("y,x,value\n0.5,0.5,1\n", "heading must be x, y, value, got 'y,x,value'"),
        ("x,y,value\n", "contains no data; give one point per row: x, y, value"),
        ("", "contains no data"),
        ("\0\0,1", r"y must|columns|heading"),
    ],
)
def test_bad_rows_are_reported_with_their_line(text, message, tmp_path):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(ProblemFileError, match=message) as refused:
        load_problem(write(tmp_path, 'points = "bad.csv"'))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "equation", "message"),
    [
        ('points = "none.csv"', REGRESSION, "the file .*none.csv does not exist"),
        ('points = "none.txt"', REGRESSION, "points must be .*csv, .png or .jpg file, got 'none.txt'"),
        ('points = "binary.csv"', REGRESSION, "can't read the data in .*not a text file"),
        ('points = "a.csv"\nnumber = 3', REGRESSION, "but these points come from a file: leave it out"),
        ('points = "a.csv"\nholdout = 1.0', REGRESSION, "at least 0 and below 1, or \"alternate\", got '1.0'"),
        ('points = "a.csv"\nholdout = 0.1', REGRESSION, "holds out 0 of 2 points"),
        ('points = "a.csv"\nholdout = 0.5', POISSON, "possible only for a regression"),
        ('points = "a.csv"\nnoise = -1', REGRESSION, "noise must be a number of at least 0"),
        ('points = "a.csv"', REGRESSION + 'source = "1"\n', "source and the values in a.csv both define f"),
        ('points = "broken.png"', REGRESSION, "can't read the picture .*broken.png"),
        ("number = 3", REGRESSION, "needs source or exact"),
    ],
)
def test_bad_tables_are_refused(data, equation, message, tmp_path):
    (tmp_path / "a.csv").write_text("0,0,1\n1,1,2\n")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(ProblemFileError, match=message) as refused:
        load_problem(write(tmp_path, data, equation))
    assert "\n" not in str(refused.value)


def test_pictures_need_a_two_dimensional_box_and_a_trainable_size(tmp_path, monkeypatch):
    gradient_picture(tmp_path / "a.png")
    with pytest.raises(ProblemFileError, match=r"box of dimension 2, got the domain interval"):
        load_problem(write(tmp_path, 'points = "a.png"', dimension=1))
    monkeypatch.setattr("pdefreq.problem.files.pictures._MAX_PIXELS", 14)
    with pytest.raises(ProblemFileError, match="has 5 x 3 pixels, more than 14: shrink it"):
        load_problem(write(tmp_path, 'points = "a.png"'))


def test_pictures_are_gray_values_at_the_centers_of_their_pixels(tmp_path):
    gray = gradient_picture(tmp_path / "a.png")
    problem = load_problem(write(tmp_path, 'points = "a.png"'))
    samples, values = data_samples(problem)
    for x, f in zip(samples.x.tolist(), values.tolist(), strict=True):
        i, j = int(x[0] * 5), int((1 - x[1]) * 3)  # the first row is the top
        assert x == pytest.approx([(i + 0.5) / 5, 1 - (j + 0.5) / 3])
        assert f == pytest.approx(gray[j, i])
    torch.testing.assert_close(problem.source(samples.x), values)  # the interpolant agrees with the values
    assert float(problem.source(torch.tensor([[0.5, 2 / 3]]))[0]) == pytest.approx(
        (gray[0, 2] + gray[1, 2]) / 2, rel=1e-6
    )  # single precision
    torch.testing.assert_close(problem.exact(samples.x), values / 2)  # c = 2


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "I;16"])
def test_pictures_of_any_depth_are_scaled_to_one(mode, tmp_path):
    white = 65535 if mode == "I;16" else 255
    shape = (2, 2, {"RGB": 3, "RGBA": 4}.get(mode, 1))
    pixels = np.full(shape, white, dtype=np.uint16 if mode == "I;16" else np.uint8).squeeze()
    Image.fromarray(pixels).save(tmp_path / "white.png")
    assert data_samples(load_problem(write(tmp_path, 'points = "white.png"')))[1].tolist() == [1.0] * 4


def test_pictures_are_bilinear_between_pixels():
    box = Box((-1.0, 2.0), (3.0, 3.0))
    x = GridField.on_box(torch.zeros(8, 4), *box.bounds).points()
    plane = 1 + 0.2 * x[:, 0] - 0.3 * x[:, 1]
    picture = GridField.on_box(plane.reshape(8, 4), *box.bounds, "linear")
    inside = torch.tensor([[-0.7, 2.2], [1.23, 2.5], [2.7, 2.8]], dtype=torch.float64)
    torch.testing.assert_close(picture(inside), 1 + 0.2 * inside[:, 0] - 0.3 * inside[:, 1])
    torch.testing.assert_close(picture.gradient(inside), torch.tensor([[0.2, -0.3]] * 3, dtype=torch.float64))


def test_held_out_points_belong_to_the_problem_but_not_to_the_training():
    problem = Problem(domain=SQUARE, source=lambda x: x[:, 0], diffusion=0.0, reaction=2.0, data=Data("uniform", 10, holdout=0.3))
    (kept, values), (out, held) = data_samples(problem), held_out_samples(problem)
    x = out.x
    assert len(x) == 30 and len(kept.x) == 70
    assert float(kept.weights.sum()) == pytest.approx(1)
    assert len({tuple(p) for p in torch.cat([x, kept.x]).tolist()}) == 100
    assert torch.equal(held, x[:, 0]) and torch.equal(values, kept.x[:, 0])
    assert torch.equal(x, held_out_samples(problem)[0].x)
    solution = solve(problem, regression().with_options(widths=(8,), steps=5))
    mean_square = float((solution(x) - held / 2).square().mean())
    assert solution.history.last("holdout_misfit") == pytest.approx(mean_square, rel=1e-12)
    assert solution.summary()["holdout_misfit"] == pytest.approx(mean_square, rel=1e-12)


def test_without_held_out_points_there_is_no_column():
    assert "holdout_misfit" not in solve("tones", regression().with_options(widths=(8,), steps=2)).history


@pytest.mark.parametrize("kind", ["csv", "png"])
def test_runs_are_repeated_and_resumed_from_their_folder(kind, tmp_path):
    if kind == "csv":
        (tmp_path / "a.csv").write_text("\n".join(f"{k / 9},{(k * k % 10) / 9},{k}" for k in range(10)))
    else:
        gradient_picture(tmp_path / "a.png")
    problem = load_problem(write(tmp_path, f'points = "a.{kind}"\nholdout = 0.2'))
    first = solve(problem, regression().with_options(widths=(6,), steps=4), folder=tmp_path / "run")
    (tmp_path / f"a.{kind}").unlink()
    again = rerun(tmp_path / "run", tmp_path / "again")
    assert torch.equal(again.state.coefficients, first.state.coefficients)
    assert again.history.last("holdout_misfit") == first.history.last("holdout_misfit")
    assert resume(tmp_path / "again", stop=Stop(steps=6)).step == 6


def test_points_of_a_file_are_point_sources_of_an_equation(tmp_path):
    """-u'' = 1/1 f delta: a hat of height f x0 (1 - x0), which P1 elements with a node at x0 contain."""
    (tmp_path / "a.csv").write_text("x,value\n0.25,8\n")
    solution = solve(load_problem(write(tmp_path, 'points = "a.csv"', POISSON, dimension=1)), "fem")
    assert float(solution(torch.tensor([[0.25]], dtype=torch.float64))) == pytest.approx(1.5, rel=1e-12)


def test_data_from_python():
    x = np.linspace(0, 1, 5)
    data = Data(x=x, values=x**2)
    assert data == Data(x=x, values=x**2) and hash(data) == hash(Data(x=x, values=x**2)) and data != Data(x=x, values=x)
    problem = Problem(domain=Box((0.0,), (1.0,)), boundary=0.0, data=data)
    assert data_samples(problem)[1].tolist() == (x**2).tolist()
    assert problem.blind().data is data and problem.source.text == "known at the 5 points of given"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Data(x=[0.1, 0.2], values=[1.0]), r"\(n, d\) and values \(n,\), got \(2, 1\) and \(1,\)"),
        (lambda: Data(x=[0.1]), "belong together"),
        (lambda: Data(x=[0.1, float("nan")], values=[1.0, 2.0]), "x must be finite, and row 1 is not"),
        (lambda: Data(), 'needs points = "uniform" or "random"'),
        (lambda: Problem(domain=SQUARE, boundary=0.0), "a problem needs source"),
        (lambda: Problem(domain=SQUARE, boundary=0.0, data=Data(x=[0.5], values=[1.0])), "must have 2 coordinates"),
        (
            lambda: Problem(domain=Ball((0.0, 0.0), 1.0), boundary=0.0, data=Data(x=[[0.9, 0.9]], values=[1.0])),
            r"the point \(0.9, 0.9\) lies outside the disk",
        ),
    ],
)
def test_bad_data_from_python_are_refused(make, message):
    with pytest.raises(ProblemFileError, match=message):
        make()

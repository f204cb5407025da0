"""The tangent kernel as an object: the numbers that the command prints, its figure and its text."""

import json

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from pdefreq import tangent_kernel
from pdefreq.cli import app
from pdefreq.core.errors import IncompatibleError

METHOD = "deep-ritz:widths=[6],number=40"


def test_the_matrix_is_the_product_of_the_jacobian_with_its_transpose():
    """A kernel is symmetric and positive semidefinite, and the sum of its eigenvalues is its trace."""
    found = tangent_kernel("poisson", METHOD, number=30)
    assert torch.equal(found.matrix, found.matrix.T) and found.matrix.shape == (30, 30)
    assert float(torch.linalg.eigvalsh(found.matrix)[0]) > -1e-12 * found.trace  # rounding of eigenvalues that are zero
    assert float(found.pairs.values.sum()) == pytest.approx(found.trace, rel=1e-10)
    assert float(found.matrix.trace()) == pytest.approx(found.trace, rel=1e-12)
    assert found.drift is None


def test_the_command_prints_the_numbers_of_the_object(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["ntk", "poisson", "-m", METHOD, "--number", "30", "--steps", "2", "--json"]
    told = {metric: json.loads(CliRunner().invoke(app, [*arguments, "--metric", metric]).stdout) for metric in ("u", "loss")}
    found = tangent_kernel("poisson", METHOD, number=30, steps=2)
    count = len(told["u"]["eigenvalues"])
    np.testing.assert_array_equal(told["u"]["eigenvalues"], found.pairs.values[:count])
    np.testing.assert_array_equal(told["loss"]["eigenvalues"], found.loss_eigenvalues[: len(told["loss"]["eigenvalues"])])
    assert found.drift is not None
    assert told["u"]["drift"] == found.drift[1][-1] > 0 and found.drift[0].tolist() == [0, 1, 2]
    assert (tmp_path / "ntk.png").is_file()


def test_it_draws_and_shows_itself():
    found = tangent_kernel("poisson", METHOD, number=20)
    assert len(found.plot().axes) >= 6 and found._repr_html_().startswith("<p>Poisson")
    lines = repr(found).splitlines()
    assert lines[0].startswith("<tangent kernel at 20 points: largest eigenvalue") and "Rayleigh quotient" in lines[1]


@pytest.mark.parametrize(("problem", "method"), [("l-shape", "deep-ritz"), ("poisson", "jacobi:intervals=8")])
def test_other_problems_and_methods_are_refused(problem, method):
    with pytest.raises(IncompatibleError, match=r"on an interval|no tangent kernel"):
        tangent_kernel(problem, method)

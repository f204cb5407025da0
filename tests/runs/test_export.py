"""Exported solutions: every field read back by meshio, csv and numpy agrees with the solution."""

import csv
from dataclasses import replace

import meshio
import numpy as np
import pytest
import torch

from pdefreq import Box, Problem, Stop, load_problem, load_run, make_solver, solve
from pdefreq.core.errors import IncompatibleError, OptionError, RunFolderError
from pdefreq.core.fields import as_field
from pdefreq.domains.ball import Ball
from pdefreq.domains.ring import Ring
from pdefreq.probes.target import Target
from pdefreq.runs.export import tabulate
from pdefreq.spectrum.bands import split_on_mesh
from pdefreq.spectrum.spectral_record import SpectralRecord

ROUNDING = 1e-12  # for errors of size 1


def table_of(solution):
    return tabulate(solution, solution, solution.state.space)


def wave(x):
    return torch.sin(torch.pi * x).prod(dim=1)


def solved(method, d, steps=3, **options):
    """A run for a product of sines on (0, 1) x (0, 1) x ..."""
    problem = Problem(domain=Box((0.0,) * d, (1.0,) * d), source=lambda x: d * torch.pi**2 * wave(x), boundary=0.0, exact=wave)
    return solve(problem, make_solver(method, options), stop=Stop(steps=steps), probes=[])


SMALL = {"widths": [4], "number": 50}
# dimension, method, options, cells, how many nodes
KINDS = {
    "line of a grid": (1, "jacobi", {"intervals": 10}, "line", 11),
    "quad of a grid": (2, "jacobi", {"intervals": 6}, "quad", 49),
    "hexahedron of a grid": (3, "jacobi", {"intervals": 4}, "hexahedron", 125),
    "line of a network": (1, "deep-ritz", SMALL, "line", 1025),
    "quad of a network": (2, "deep-ritz", SMALL, "quad", 129**2),
    "line of P1": (1, "fem", {"cells": 8}, "line", 9),
    "line of P2": (1, "fem", {"cells": 8, "element": "P2"}, "line3", 17),
    "triangle of P1": (2, "fem", {"cells": 4}, "triangle", 25),
    "triangle of P2": (2, "fem", {"cells": 4, "element": "P2"}, "triangle6", 81),
    "quad of Q1": (2, "fem", {"cells": 4, "element": "Q1"}, "quad", 25),
    "tetrahedron of P1": (3, "fem", {"cells": 3}, "tetra", 64),
    "tetrahedron of P2": (3, "fem", {"cells": 3, "element": "P2"}, "tetra10", 343),
    "hexahedron of Q1": (3, "fem", {"cells": 3, "element": "Q1"}, "hexahedron", 64),
}


@pytest.fixture(scope="module", params=KINDS)
def written(request, tmp_path_factory):
    """A solution, its file as read by meshio, and the expected cells."""
    d, method, options, kind, nodes = KINDS[request.param]
    solution = solved(method, d, **options)
    path = tmp_path_factory.mktemp("export") / "solution.vtu"
    solution.to_vtu(path)
    return solution, meshio.read(path), kind, nodes


def test_exported_fields_agree_with_the_functions(written):
    solution, file, _, nodes = written
    d = solution.problem.domain.dimension
    assert file.points.shape == (nodes, 3)
    assert not file.points[:, d:].any()
    x = torch.from_numpy(file.points[:, :d].copy())
    fields = file.point_data
    np.testing.assert_array_equal(fields["u"], solution(x))
    np.testing.assert_array_equal(fields["exact"], wave(x))
    np.testing.assert_allclose(fields["error"], fields["u"] - fields["exact"], atol=ROUNDING)


def test_bands_sum_to_the_error(written):
    fields = written[1].point_data
    bands = [name for name in fields if name.startswith("error_")]
    assert bands[0].startswith("error_band_1_0_to_") or bands[0].startswith("error_band_01_0_to_")
    assert "error_unresolved" not in bands  # all points are nodes of a uniform grid
    np.testing.assert_allclose(sum(fields[name] for name in bands), fields["error"], atol=ROUNDING)


def test_cells_fill_the_domain_with_equal_orientation(written):
    """Volumes from the corners, which come first in VTK: signed volumes of simplices and parallelepipeds sum to 1.

    The quadrilaterals of scikit-fem are all clockwise.
    """
    solution, file, kind, _ = written
    d = solution.problem.domain.dimension
    (block,) = file.cells
    assert block.type == kind
    corner = file.points[block.data, :d]
    if kind.startswith(("quad", "hexahedron")):  # edges at the first corner
        edges, part = corner[:, {2: [1, 3], 3: [1, 3, 4]}[d]] - corner[:, :1], 1
        opposite = corner[:, {2: 2, 3: 6}[d]] - corner[:, 0]
        np.testing.assert_allclose(opposite, edges.sum(axis=1), atol=ROUNDING)
    else:
        edges, part = corner[:, 1 : d + 1] - corner[:, :1], (1, 2, 6)[d - 1]
    volumes = np.linalg.det(edges) / part
    if kind == "quad" and (volumes < 0).all():
        volumes = -volumes
    assert (volumes > 0).all()
    assert volumes.sum() == pytest.approx(1, rel=ROUNDING)


def test_nodes_on_edges_are_in_the_order_of_vtk(written):
    """Quadratic cells: the corners, then the midpoints of these edges (VTK file formats, figure 3)."""
    _, file, kind, _ = written
    edges = {"line3": "01", "triangle6": "01 12 20", "tetra10": "01 12 20 03 13 23"}.get(kind, "").split()
    points = file.points[file.cells[0].data]
    for place, (a, b) in enumerate(edges, start=len({*"".join(edges)})):
        np.testing.assert_allclose(points[:, place], (points[:, int(a)] + points[:, int(b)]) / 2, atol=ROUNDING)


def test_all_formats_contain_the_same_table(tmp_path):
    solution = solved("jacobi", 2, intervals=5)
    solution.export(tmp_path / "a.vtu")
    solution.to_csv(tmp_path / "a.csv")
    table = solution.export(tmp_path / "a.npz")
    arrays = dict(np.load(tmp_path / "a.npz"))
    np.testing.assert_array_equal(arrays.pop("x"), table.x)
    with open(tmp_path / "a.csv") as file:
        names, *rows = csv.reader(file)
    assert names == ["x", "y", *arrays]
    np.testing.assert_array_equal(np.array(rows, dtype=float), np.column_stack([table.x, *arrays.values()]))  # to all digits
    stored = meshio.read(tmp_path / "a.vtu").point_data
    assert list(stored) == list(arrays) == list(table.fields)
    for name, values in arrays.items():
        np.testing.assert_array_equal(values, stored[name])


@pytest.mark.parametrize("domain", [Ring((0.0, 0.0), 1.0, 2.0), Ball((0.0, 0.0, 0.0), 1.0), Ball((0.0,), 1.0)])
def test_other_domains_are_exported_on_a_mesh(domain, tmp_path):
    problem = Problem(domain=domain, source=1.0, boundary=0.0, exact=lambda x: x[:, 0])
    solution = solve(problem, make_solver("deep-ritz", SMALL), stop=Stop(steps=1), probes=[])
    table = solution.export(tmp_path / "a.vtu")
    assert list(meshio.read(tmp_path / "a.vtu").point_data) == ["u", "exact", "error"]
    assert table.note.startswith("no bands: this run on a ") and table.note.endswith("watched no modes to split the error into")
    inside = domain.contains(torch.from_numpy(table.x)).numpy() | (domain.distance()(torch.from_numpy(table.x)).numpy() > -1e-9)
    assert inside.all()


def test_bands_of_eigen_modes_sum_to_the_error_and_a_mode_lies_in_its_band(tmp_path):
    """On a disk u = J0(k r) is the first radial eigenfunction, so that the error of u_h = 0 lies in the first band."""
    k = 2.404825557695773  # the first zero of J0
    exact = lambda x: torch.special.bessel_j0(k * x.norm(dim=1))  # noqa: E731
    problem = Problem(domain=Ball((0.0, 0.0), 1.0), source=lambda x: k**2 * exact(x), boundary=0.0, exact=exact)
    solution = solve(problem, make_solver("fem", {"cells": 3}), stop=Stop(steps=1))
    table = solution.export(tmp_path / "a.csv")
    parts = {name: part for name, part in table.fields.items() if name.startswith("error_")}
    assert np.abs(sum(parts.values()) - table.fields["error"]).max() < 1e-14
    watched = solution.target.families.modes("eigen", SpectralRecord.of(solution.history).modes.indices)
    x = torch.from_numpy(table.x)
    whole = split_on_mesh(watched, table.x, exact(x).numpy(), lambda x: exact(torch.from_numpy(x)).numpy())
    first = next(iter(whole.values()))
    assert np.abs(first - exact(x).numpy()).max() < 1e-3  # the squared mesh width near the boundary, far less in the interior


def test_in_more_than_three_dimensions_points_are_exported_without_cells(tmp_path):
    solution = solved("deep-ritz", 4, **SMALL)
    with pytest.raises(IncompatibleError, match=r"at most three dimensions, and this domain has 4: export \.csv or \.npz"):
        solution.to_vtu(tmp_path / "a.vtu")
    table = solution.export(tmp_path / "a.npz")
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]
    assert list(table.fields) == ["u", "exact", "error"]
    assert table.x.shape == (100_000, 4)
    solution.save(tmp_path / "run")
    assert not (tmp_path / "run" / "solution.vtu").exists()


def test_an_undetermined_constant_is_not_an_error():
    problem = load_problem("neumann")
    solution = solve(problem, make_solver("fem", {"cells": 8}), probes=[])
    assert solution.reference is not None
    moved = replace(solution, target=Target(problem, as_field(lambda x: problem.exact(x) + 5)))
    error = table_of(solution).fields["error"]
    assert 0 < abs(error).max() < 0.1
    np.testing.assert_allclose(table_of(moved).fields["error"], error, atol=ROUNDING)


def test_without_a_reference_solution_only_u_is_exported():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=1.0, boundary=0.0, exponent=2.5)
    solution = solve(problem, make_solver("deep-ritz", SMALL), stop=Stop(steps=1))
    table = table_of(replace(solution, target=Target(problem)))
    assert list(table.fields) == ["u"]
    assert "neither an exact nor a reference" in table.note


def test_a_reference_solution_is_labeled_as_such():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=1.0, boundary=0.0)
    solution = solve(problem, make_solver("jacobi", {"intervals": 8}), stop=Stop(steps=1))
    assert list(table_of(solution).fields)[:3] == ["u", "reference", "error"]


def test_a_nonfinite_error_has_no_bands():
    problem = Problem(domain=Box((0.0,), (1.0,)), source=1.0, boundary=0.0, exact=lambda x: 1 / (x[:, 0] - 0.5))
    solution = solve(problem, make_solver("jacobi", {"intervals": 8}), stop=Stop(steps=1), probes=[])
    table = table_of(solution)
    assert table.note == "no bands: the error is not finite at 1 of 9 points"
    assert list(table.fields) == ["u", "exact", "error"]


def test_a_run_folder_contains_the_exported_solution(tmp_path):
    solution = solved("jacobi", 1, intervals=8)
    solution.save(tmp_path / "run")
    file = meshio.read(tmp_path / "run" / "solution.vtu")
    problem = solution.problem
    again = table_of(load_run(tmp_path / "run", problem))
    for name, values in again.fields.items():
        np.testing.assert_array_equal(file.point_data[name], values)


@pytest.mark.parametrize("name", ["a.txt", "a"])
def test_other_suffixes_are_refused(name, tmp_path):
    with pytest.raises(OptionError, match=r"\.vtu, \.csv, \.npz, got"):
        solved("jacobi", 1, intervals=8).export(tmp_path / name)
    with pytest.raises(OptionError, match=r"must end in \.vtu"):
        solved("jacobi", 1, intervals=8).to_vtu(tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.vtu", "a.csv", "a.npz"])
def test_a_path_that_cannot_be_written_is_refused_in_one_sentence(name, tmp_path):
    with pytest.raises(RunFolderError, match="can't write"):
        solved("jacobi", 1, intervals=8).export(tmp_path / "nowhere" / name)

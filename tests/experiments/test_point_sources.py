"""The experiment at small size: its numbers agree with theory, and its files exist."""

import math

import pytest

from pdefreq.experiments import EXPERIMENTS, experiment_named
from pdefreq.experiments.point_sources import in_one_dimension, in_two_dimensions, order
from pdefreq.experiments.report import Report, Table


def column(table, method, place):
    return {row[1]: row[place] for row in table.rows if row[0] == method}


def test_in_one_dimension_both_bases_converge_to_the_polygon_at_order_one():
    report = in_one_dimension(steps=3, widths=(4,))
    (table,) = report.tables.values()
    at_nodes = column(table, "hat functions, a node at each point", 2)
    for m in (9, 19, 39):  # the rounding unit times the condition number of the system, times the maximum of the limit
        assert at_nodes[m] < 2.2e-16 * (2 * (m + 1) / math.pi) ** 2 * 0.1828
    for name in ("hat functions", "Legendre polynomials"):
        # the kinks lie between nodes, at positions that depend on m; and the best polynomial has an error of 1/m
        assert order(column(table, name, 2), 6) == pytest.approx(1, abs=0.15)
    assert len(report.figures["point-sources-1d"].axes) == 6


def test_in_two_dimensions_peaks_grow_like_the_logarithm():
    report = in_two_dimensions(steps=3, widths=(4,), finest=128)
    (table,) = report.tables.values()
    heights, errors = column(table, "hat functions", 2), column(table, "hat functions", 3)
    # f log 2 / (2 pi n) with f = 2 pi^2 in the center and n = 25; the remainder is the squared mesh width, an error of 2e-4
    assert heights[127] - heights[63] == pytest.approx(3.141592653589793 / 25 * 0.6931471805599453, rel=0.01)
    assert order(errors, 3) == pytest.approx(
        2, abs=0.2
    )  # P1 elements, away from the points; before m = 31 the cells are as wide as the distance


def test_reports_contain_their_tables_and_findings(tmp_path):
    table = Table(["m", "error"], [[4, 0.25], [8, 0.123456789]])
    folder = Report("Title", "Somebody (2020)", ["It falls."], {"numbers": table}).write(tmp_path / "new" / "folder")
    assert (folder / "numbers.csv").read_text() == "m,error\n4,0.25\n8,0.123456789\n"
    text = (folder / "report.md").read_text()
    assert "# Title\n\nSource: Somebody (2020)\n\nMeasured in this run:\n\n- It falls." in text and "| 8 | 0.1235 |" in text


@pytest.mark.parametrize("name", list(EXPERIMENTS))
def test_every_experiment_loads_and_has_a_description(name):
    assert len((experiment_named(name).__doc__ or "").strip().partition("\n")[0]) > 30

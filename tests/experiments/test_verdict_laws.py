"""Statements in reports that are derived from the measured numbers."""

import ast
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pdefreq.experiments
from pdefreq.experiments.activations import change, experiment
from pdefreq.experiments.antisymmetric import experiment as antisymmetric
from pdefreq.experiments.data_gap import experiment as data_gap
from pdefreq.experiments.decay_limit import regime
from pdefreq.experiments.early_stopping import experiment as early_stopping
from pdefreq.experiments.edge_of_stability import edge_of_stability

N = 1000


@pytest.mark.parametrize("p", [0.0, 0.02, 0.19, 0.5])
def test_equal_fractions_rarely_differ_by_more_than_three_standard_errors(p):
    """By chance in 0.3 % of 2000 pairs, with a standard deviation of 0.12 %."""
    pairs = np.random.default_rng(0).binomial(N, p, size=(2000, 2)) / N
    changed = [change(before, after, N) != "does not change by more than three standard errors" for before, after in pairs]
    assert np.mean(changed) < 0.01


def test_different_fractions_change_in_the_right_direction():
    """0.19 and 0.1 differ by five standard errors of a thousand points each, and by less than one of twenty points."""
    assert change(0.19, 0.1, N) == "decreases" and change(0.1, 0.19, N) == "increases"
    assert change(0.2, 0.1, 20) == change(0.1, 0.2, 20) == "does not change by more than three standard errors"


@pytest.mark.parametrize("d", [1, 2, 3])
def test_powers_of_the_cutoff_belong_to_the_regimes_of_the_theory(d):
    """M^(alpha - d) for alpha below d / 2, and values that do not depend on M."""
    assert {regime(d, alpha - d) for alpha in (0.0, 0.25 * d, 0.5 * d)} == {"nearer to spikes"}
    assert {regime(d, slope) for slope in (-0.05, 0.0, 0.05)} == {"nearer to a limit that is not zero"}


def test_few_points_give_no_exponent():
    findings = " ".join(experiment(samples=5).findings)
    assert "nan" not in findings and "exponent is not known" in findings and "decreases" not in findings


QUOTED = ("The source", "The sources", "The notes", "The paper", "Theory:")
"""The beginnings of sentences that report what others state."""
FILES = sorted(Path(pdefreq.experiments.__file__).parent.glob("*.py"))


def statements(tree: ast.AST) -> Iterator[ast.expr]:
    """The expressions of all findings in a module: those of lists named findings, and what is appended to them."""

    def elements(value: ast.expr) -> Iterator[ast.expr]:
        if isinstance(value, ast.BinOp):
            yield from (*elements(value.left), *elements(value.right))
        elif isinstance(value, ast.List):
            yield from value.elts

    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id="findings")]) | ast.AugAssign(target=ast.Name(id="findings")):
                yield from elements(node.value)
            case ast.Call(func=ast.Attribute(value=ast.Name(id="findings"), attr="append")):
                yield from node.args


def test_the_findings_of_the_experiments_are_found():
    """Otherwise the next test would be empty."""
    assert sum(1 for file in FILES for _ in statements(ast.parse(file.read_text()))) > 60


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_finding_contains_a_value_of_the_run_or_reports_a_source(file):
    """A sentence without a value would be printed whatever was measured."""
    for finding in statements(ast.parse(file.read_text())):
        constant = not any(isinstance(node, ast.FormattedValue | ast.Call | ast.Name) for node in ast.walk(finding))
        assert not constant or ast.literal_eval(finding).startswith(QUOTED), ast.unparse(finding)


def test_the_lowest_loss_is_that_of_the_table():
    """With 20 units and two steps the order is accidental: the sentence says what the table contains, in both cases."""
    said = set()
    for seed in range(4):
        report = antisymmetric(width=20, linear_width=20, steps=2, networks=1, seed=seed)
        losses = {row[0]: row[2] for row in report.tables["losses"].rows}
        holds = min(losses, key=losses.__getitem__) == "ASI"
        said.add(holds)
        assert f"lowest loss, which {'holds' if holds else 'does not hold'} in this run." in report.findings[0]
    assert False in said


def test_an_odd_wavenumber_is_not_reproduced_in_the_gap():
    """A network on the circle without biases contains no sin 3x, whatever its weights are (Basri et al., 2019)."""
    findings = data_gap(wavenumber=3, steps=20).findings
    assert "no biases reproduces the sine does not hold in this run." in findings[1]


def test_the_kept_state_is_not_better_if_the_error_still_decreases():
    """After two steps the last state has the lowest error, so that it is the kept one."""
    findings = early_stopping(number=8, steps=2).findings
    assert "better one does not hold in this run." in findings[2]


def test_a_comparison_of_learning_rates_needs_two_of_them():
    one, two = (" ".join(edge_of_stability(steps=2, rates=rates).findings) for rates in ((0.05,), (0.05, 0.06)))
    assert "with every learning rate" not in one and "with every learning rate" in two

"""Each kind of error has its class, each class is raised by a bad input, and no other exception leaves the public functions."""

import functools
import inspect
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pdefreq
from pdefreq import Ball, Box, Data, Polygon, Problem, Ring, Stop, compare, deep_ritz, load_problem, make_solver, predict, solve
from pdefreq.core import errors
from pdefreq.core.errors import UserError
from pdefreq.domains.meshes.meshing import mesh_of

CLASSES = [each for _, each in inspect.getmembers(errors, inspect.isclass) if issubclass(each, UserError)]
UNIT = Box(0, 1)


def untrusted():
    Path("own.toml").write_text('[domain]\nkind = "mine.py:Mine"\n[equation]\nsource = "1"\n[boundary]\nvalue = "0"\n')
    return load_problem("own.toml")


def without_pandas():
    history = solve("poisson", "sine").history
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pandas", None)
        history.to_pandas()


def resonant():
    return solve(Problem(domain=UNIT, source="sin(2*x)", boundary=0, reaction=f"-{torch.pi**2!r}"), "sine")


def diverged():
    solution = solve("poisson", "deep-ritz:optimizer=gd,half_life=null,learning_rate=1e6,number=20,widths=[4]", steps=50)
    assert solution.status.is_failure
    solution.raise_for_status()


BAD = {  # class: an input that raises it, and the attributes of the error
    "ProblemFileError": (lambda: load_problem("none.toml"), {}),
    "FormulaError": (lambda: Problem(domain=UNIT, source="sin(pi*q)", boundary=0), {"formula": "sin(pi*q)", "key": "source"}),
    "DomainError": (lambda: Ring((0.0, 0.0), 2.0, 1.0), {}),
    "DataError": (lambda: Data(x=torch.zeros(3, 1), values=torch.zeros(2)), {}),
    "InconsistentProblemError": (
        lambda: solve(Problem(domain=UNIT, source=1, boundary=[pdefreq.BoundaryPart("robin", flux=0.0)]), "fem"),
        {},
    ),
    "OptionError": (lambda: solve("poisson", "jacobi", steps=-1), {"option": "steps"}),
    "TooLargeError": (lambda: mesh_of(Box((0.0, 0.0), (1.0, 1.0)), 1e-9), {}),
    "UnknownNameError": (lambda: make_solver("jakobi"), {"name": "jakobi"}),
    "IncompatibleError": (lambda: solve("l-shape", "jacobi"), {}),
    "SingularProblemError": (resonant, {}),
    "NotPredictedError": (lambda: predict("poisson", "random-features"), {}),
    "MissingPackageError": (without_pandas, {"package": "pandas"}),
    "NotConvergedError": (diverged, {"status": pdefreq.Status.DIVERGED}),
    "UntrustedCodeError": (untrusted, {"files": ("mine.py",)}),
    "RunFolderError": (lambda: pdefreq.load_run("."), {}),
}  # fmt: skip


@pytest.mark.parametrize("kind", [each for each in CLASSES if each is not UserError], ids=lambda kind: kind.__name__)
def test_each_class_is_raised_by_a_bad_input(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bad, attributes = BAD[kind.__name__]
    with pytest.raises(UserError) as refusal:
        bad()
    assert type(refusal.value) is kind, refusal.value
    assert {name: getattr(refusal.value, name) for name in attributes} == attributes
    again = pickle.loads(pickle.dumps(refusal.value))  # errors of worker processes arrive as they are
    assert type(again) is kind and str(again) == str(refusal.value) and again.lines == refusal.value.lines
    assert vars(again) == vars(refusal.value)


def test_the_classes_are_public_and_documented():
    page = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
    for kind in CLASSES:
        assert getattr(pdefreq, kind.__name__) is kind
        assert f"| `{kind.__name__}` |" in page


@functools.cache
def solution():
    return solve("poisson", "fem:cells=4")


JUNK = st.sampled_from(
    [None, "", "x +", "no such name", -1, 0, np.nan, np.inf, True, [], [1, "a"], {}, object(), np.zeros(3), torch.ones(2, 2), len]
)  # fmt: skip
TARGETS = {
    "box": lambda a, b: Box(a, b),
    "ball": lambda a, b: Ball(a, b),
    "polygon": lambda a, b: Polygon([a, b]),
    "problem": lambda a, b: Problem(domain=UNIT, source=a, boundary=b),
    "coefficients": lambda a, b: Problem(domain=UNIT, source=1, boundary=0, diffusion=a, reaction=b),
    "equation": lambda a, b: Problem(domain=UNIT, exact=a, boundary=0, convection=b),
    "domain": lambda a, b: Problem(domain=a, source=1, boundary=0, exponent=b),
    "stop": lambda a, b: Stop(steps=a, tolerance=b),
    "solve": lambda a, b: solve(a, b, steps=0),
    "solver": lambda a, b: solve("poisson", b, steps=a, folder=None),
    "arguments": lambda a, b: solve("poisson", "fem:cells=4", seed=a, device=b),
    "measurement": lambda a, b: solve("poisson", "fem:cells=4", probes=a, modes=b),
    "method": lambda a, b: make_solver("deep-ritz", {"widths": a, "optimizer": b}),
    "parts": lambda a, b: deep_ritz(network=a, optimizer=b),
    "name": lambda a, b: make_solver(a, b),
    "comparison": lambda a, b: compare(a, b, steps=0),
    "seeds": lambda a, b: compare("poisson", ["fem:cells=4"], seeds=a, stop=b),
    "file": lambda a, b: load_problem(a, fast=b),
    "points": lambda a, b: solution()(a, outside=b),
    "norm": lambda a, b: (solution().error(a), solution().history.column(b)),
    "output": lambda a, b: (solution().export(a), solution().to_csv(b)),
    "prediction": lambda a, b: predict("poisson", "jacobi:intervals=4", seed=a, modes=b),
    "refinement": lambda a, b: pdefreq.refine("poisson", "fem", start=a, levels=b),
    "kernel": lambda a, b: pdefreq.tangent_kernel(a, b),
    "run": lambda a, b: pdefreq.resume(a, stop=b),
    "repetition": lambda a, b: pdefreq.rerun(a, b),
}


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(a=JUNK, b=JUNK)
def test_nothing_else_escapes(target, a, b):
    """Errors of Python itself, such as a missing argument, do not count; a value that is accepted is no error."""
    try:
        TARGETS[target](a, b)
    except UserError as error:
        assert str(error).strip() and "\n" not in str(error)

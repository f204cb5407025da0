"""Laws of all registered parts of all kinds, which apply to each new entry."""

import json
from dataclasses import MISSING, FrozenInstanceError, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pdefreq.core.composition import build, decode_part, encode_part, option_tree
from pdefreq.core.errors import OptionError, RunFolderError, UnknownNameError, UserError
from pdefreq.core.history import Stop
from pdefreq.core.options import options_of
from pdefreq.core.streams import stream
from pdefreq.parts.tables import KINDS, POINTS
from pdefreq.problem.files import load_problem
from pdefreq.runs.lifecycle import resume
from pdefreq.runs.solve import solve
from pdefreq.solvers import SOLVERS
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.channels import Channels
from tests.spaces.networks.designs import matrices
from tests.spaces.test_derivative_laws import QUOTIENT, STEPS, close

OWN = Path(__file__).with_name("own.py")
REQUIRED = {"frequencies": (0.0, 4.0), "make": f"{OWN}:Waves", "function": f"{OWN}:residual"}
"""A value for each option without a default."""
PARTS = [(registry, name) for registry in KINDS for name in registry]
IDS = [f"{registry.kind} {name}" for registry, name in PARTS]
EACH = pytest.mark.parametrize(("registry", "name"), PARTS, ids=IDS)
WHERE = {  # the option of a method that contains a part of this kind, and other options that it needs
    "network": ("network", {}),
    "input": ("input", {}),
    "start": ("start", {}),
    "loss": ("loss", {}),
    "boundary": ("boundary", {}),
    "penalty schedule": ("schedule", {"boundary": "penalty"}),
    "step control": ("control", {"optimizer": "gauss-newton"}),
    "point rule": ("points", {}),
    "optimizer": ("optimizer", {}),
    "training": ("training", {}),
    "family of features": ("waves", {"bandwidth": 4.0}),  # too few at first, so that there are several attempts
    "family of singular functions": ("singular", {"bandwidth": 4.0}),
}
METHODS = {"family of features": "random-features", "family of singular functions": "random-features"}  # of other kinds: network
SMALL = {"widths": (6, 6), "width": 6, "number": 40}
BESIDE = {"rad": {"loss": "residual"}, "rar": {"loss": "residual"}}  # options of other parts that a part needs
HOME = {"at-data": "tones"}  # problems for parts that do not suit the default problem


def required(name, registry):
    return {o.name: REQUIRED[o.name] for o in options_of(registry.load(name)) if o.default is MISSING}


def made(registry, name):
    return registry.load(name)(**required(name, registry))


def solver(registry) -> Any:
    """A method that has a part of this kind, with its defaults."""
    return make_solver(METHODS.get(registry.kind, "network"))


def options(registry, name):
    """Options of a method that select a part, and small sizes for the other parts."""
    option, beside = WHERE[registry.kind]
    chosen = {**beside, **BESIDE.get(name, {}), option: name, **required(name, registry)}
    method = METHODS.get(registry.kind, "network")
    known = {o.name for *_, o in option_tree("method", method, SOLVERS.load(method), chosen).walk()}
    few = {} if registry.kind in METHODS else SMALL
    return chosen | {key: value for key, value in few.items() if key in known}


def one_sentence(text):
    return "\n" not in text and 10 < len(text) < 400


@EACH
def test_a_part_is_a_frozen_dataclass_with_a_docstring_and_documented_options(registry, name):
    factory = registry.load(name)
    assert is_dataclass(factory) and (factory.__doc__ or "").strip()
    for option in options_of(factory):
        assert option.doc.endswith("."), f"option {option.name} of {name} is not explained in a sentence"
    part = made(registry, name)
    assert part.registry is registry
    for field in fields(part):
        with pytest.raises(FrozenInstanceError):
            setattr(part, field.name, None)


@EACH
def test_a_part_has_defaults_or_names_the_required_option(registry, name):
    factory = registry.load(name)
    missing = [option.name for option in options_of(factory) if option.default is MISSING]
    if not missing:
        assert factory() == factory()
        return
    with pytest.raises(OptionError, match=f"`{missing[0]}` is missing"):
        build(registry.kind, name, factory, {})


@EACH
def test_a_part_is_restored_from_json(registry, name):
    part = made(registry, name)
    data = json.loads(json.dumps(encode_part(part)))
    assert data["name"] == name and decode_part(registry, data, trust=True) == part
    with pytest.raises(RunFolderError, match="has no option 'gibberish'"):
        decode_part(registry, data | {"gibberish": 1}, trust=True)


@EACH
def test_short_and_dotted_option_names_give_equal_methods(registry, name):
    option, beside = WHERE[registry.kind]
    method = solver(registry).with_options({**beside, option: name, **required(name, registry)})
    prefix: dict[str, str] = {"input": "network.input", "start": "network.start", "penalty schedule": "boundary.schedule"}
    prefix |= {"step control": "optimizer.control"}
    path = prefix.get(registry.kind) or option
    for each in options_of(registry.load(name)):
        if each.kind is None and each.default is not None and each.default is not MISSING:
            assert method.with_options({each.name: each.default}) == method.with_options({f"{path}.{each.name}": each.default})
    assert make_solver(METHODS.get(registry.kind, "network"), {**beside, path: name, **required(name, registry)}) == method


@EACH
def test_a_value_of_the_wrong_type_is_refused_in_one_sentence(registry, name):
    part = made(registry, name)
    for option in options_of(registry.load(name)):
        for bad in (object(), torch.ones(2, 2, 2), "gib,ber;ish"):
            if option.kind is None and isinstance(bad, str) and isinstance(option.default, str):
                continue  # text options are covered by the next law
            with pytest.raises(UserError) as refusal:
                part.with_options({option.name: bad})
            assert one_sentence(str(refusal.value)) and option.name in str(refusal.value), (option.name, bad)


@EACH
def test_a_number_out_of_range_and_an_unknown_option_are_refused_in_one_sentence(registry, name):
    part = made(registry, name)
    for option in options_of(registry.load(name)):
        value = getattr(part, option.name)
        if isinstance(value, (bool, str)) or option.kind is not None or value is None:
            continue
        bad = (float("nan"),) if isinstance(value, tuple) else float("nan")
        with pytest.raises(OptionError) as refusal:  # neither an integer nor within any range
            part.with_options({option.name: bad})
        assert one_sentence(str(refusal.value)) and option.name in str(refusal.value)
    with pytest.raises(UnknownNameError) as refusal:
        part.with_options(gibberish=1)
    assert one_sentence(str(refusal.value))


@EACH
def test_a_method_with_the_part_can_be_trained_and_resumed_bit_for_bit(registry, name, tmp_path):
    method: Any = make_solver(METHODS.get(registry.kind, "network"), options(registry, name))
    problem = HOME.get(name, "poisson")
    if problem == "tones" or (registry.kind == "loss" and method.loss.is_regression):
        problem, method = "tones", method if method.loss.is_regression else method.with_options(loss="misfit")
    run: Any = {"stop": Stop(steps=4), "seed": 3, "probes": ()}
    whole = solve(problem, method, **run)
    objective = whole.history.column("objective")
    assert np.isfinite(objective).all() and objective[-1] != objective[0]
    solve(problem, method, **run, folder=tmp_path / "run", callback=lambda step, *_: step == 2)
    np.testing.assert_array_equal(resume(tmp_path / "run", trust=True).state.coefficients, whole.state.coefficients)


SPACES = [(registry, name) for registry, name in PARTS if registry.kind in ("network", "input", "start", "boundary")]


@pytest.mark.parametrize(("registry", "name"), SPACES, ids=[f"{registry.kind} {name}" for registry, name in SPACES])
def test_the_trial_space_has_second_order_derivatives_with_a_matrix(registry, name):
    """S : D^2 u is S times the Hessian from a separate computation; its derivatives in x and c agree with those of its values."""
    problem = load_problem("poisson-chirp")
    chosen = options(registry, name)
    in_the_plane = {"frequencies": ((0.0, 0.0), (2.0, -3.0))}  # wavevectors for parts that need wavenumbers
    method: Any = make_solver("network", chosen | {key: value for key, value in in_the_plane.items() if key in chosen})
    if hasattr(method.network, "activation"):
        method = method.with_options(activation="tanh")
    method = method.resolved(problem, Stop())
    space = method.boundary.applied(method.network.on(problem.domain), problem.domain, problem.side_values)
    c = space.initialize(stream(0, "test"))
    c = (c + 0.05 * torch.randn(len(c), generator=stream(1, "test"), dtype=c.dtype)).requires_grad_(True)
    x, s = problem.domain.interior(4, stream(2, "test")).x, matrices(4, 2)
    bound = space.at(x).with_second(s)
    close(bound.second(c), (s * space.at(x).hessian(c)).sum(dim=(1, 2)))
    h = 1 / 4096  # waves of up to 150 radians per unit length: h^8 / 630 times 150^8 is 1e-14, rounding 2e-16 / h
    moved = x + h * STEPS[:, None, None, None] * torch.eye(2, dtype=x.dtype)[:, None, :]
    around = space.at(moved.reshape(-1, 2)).with_second(s.repeat(16, 1, 1)).second(c).reshape(8, 2, 4)
    close(bound.gradient_of_second(c), torch.einsum("k,kjn->nj", QUOTIENT, around) / h)
    one = torch.ones(4, dtype=x.dtype)
    expected = torch.stack([torch.autograd.grad(entry, c, retain_graph=True)[0] for entry in bound.second(c)])
    close(bound.jacobian(c.detach(), second=one), expected)
    _, pull_back = bound.vjp(c, 2)
    close(pull_back(Channels(0 * one, torch.zeros(2, 4, dtype=x.dtype), one)), expected.sum(dim=0))


@pytest.mark.parametrize("name", sorted(POINTS))
def test_points_lie_in_the_domain_with_weights_that_sum_to_its_measure_and_depend_on_the_seed(name):
    domain = load_problem("poisson-chirp").domain
    if name == "at-data":
        return  # the points of the problem
    rule = POINTS.load(name)(number=400).resolved(2, 400, known=False)
    samples, again, other = (rule.interior(domain, seed, 0) for seed in (0, 0, 1))
    assert domain.contains(samples.x).all()
    torch.testing.assert_close(samples.weights.sum(), torch.tensor(domain.measure, dtype=torch.float64))
    torch.testing.assert_close(samples.x, again.x, rtol=0, atol=0)
    assert rule.is_fixed == torch.equal(samples.x, other.x)


@pytest.mark.parametrize("kind", ["loss", "points"])
def test_the_former_name_of_a_choice_is_read_in_older_run_folders(kind):
    registry = next(each for each in KINDS if each.kind == {"loss": "loss", "points": "point rule"}[kind])
    part = registry.load("auto")()
    assert make_solver("network", {kind: "automatic"}) == make_solver("network", {kind: "auto"})
    assert encode_part(part)["name"] == "auto"
    assert decode_part(registry, encode_part(part) | {"name": "automatic"}, trust=False) == part
    assert "automatic" not in [*registry]

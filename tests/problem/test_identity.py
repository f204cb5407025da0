"""The identity of a problem: its content is restored bit for bit, and the digest depends on the content and on nothing else."""

import functools
import json
import math
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from skfem import MeshLine

from pdefreq import Box, Data, Problem, Spectrum, load_problem, load_run, rerun, resume
from pdefreq.core.content import decode, digest, encode, opaque_parts, pack, unpack
from pdefreq.core.errors import ProblemFileError, RunFolderError, UntrustedCodeError, UserError
from pdefreq.core.fields import ConstantField, Field
from pdefreq.core.history import Stop
from pdefreq.domains.ball import Ball
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles
from pdefreq.domains.meshes.mesh_files import cells_of, write_vtu
from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.expressions import ExpressionField
from pdefreq.problem.expressions.canonical import from_canonical, to_canonical
from pdefreq.problem.files import problem_directories, problem_names
from pdefreq.problem.identity import WrittenProblem
from pdefreq.runs.solve import solve
from tests.problem.test_expressions import BINARY, POINTS, UNARY, field, text_of, trees

MESHES = Path(__file__).parents[2] / "problems" / "meshes"
SHIPPED = sorted(
    name if variant is None else f"{name}:{variant}"
    for name, _ in problem_names()
    for path in [next(d / f"{name}.toml" for d in problem_directories() if (d / f"{name}.toml").is_file())]
    for variant in (None, *tomllib.loads(path.read_text()).get("variant", {}))
)
LINE = '[domain]\nkind="box"\nlower=0\nupper=1\n[equation]\nsource="1"\n[boundary]\nvalue="0"\n'


def through_json(problem: Problem) -> Problem:
    written = WrittenProblem.of(problem)
    data, arrays = json.loads(json.dumps(written.to_json(), allow_nan=False)), written.arrays
    return WrittenProblem.from_json(data, arrays).read()


def fields_of(problem: Problem) -> dict[str, Field]:
    named = {name: getattr(problem, name) for name in ("source", "diffusion", "reaction", "exact")}
    for k, part in enumerate(problem.boundary):
        named |= {f"{k}.{name}": getattr(part, name) for name in ("value", "alpha", "flux")}
    return {name: field for name, field in named.items() if field is not None}


# --- Writing and reading ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHIPPED)
def test_a_problem_is_restored_from_its_content_bit_for_bit(name):
    problem = load_problem(name)
    again = through_json(problem)
    assert again.digest == problem.digest and again.text == problem.text
    for each in ("name", "title", "citation", "parameters", "domain", "exponent", "spectrum", "singular", "data"):
        assert getattr(again, each) == getattr(problem, each), each
    x = problem.domain.interior(50, torch.Generator().manual_seed(0)).x
    edge = problem.domain.boundary(50)
    fields = fields_of(again)
    assert fields.keys() == fields_of(problem).keys()
    for key, own in fields_of(problem).items():
        for at in (x, edge.x):
            assert torch.equal(fields[key](at), own(at)) or bool(own(at).isnan().any()), key
            assert torch.equal(fields[key].gradient(at).nan_to_num(), own.gradient(at).nan_to_num()), key
    if problem.boundary:
        assert torch.equal(again.part_of(edge), problem.part_of(edge))


@given(trees(UNARY, BINARY, where=True))
def test_an_expression_is_read_in_its_written_form(tree):
    try:
        own = field(text_of(tree))
    except ProblemFileError:
        assume(False)
    again = from_canonical(to_canonical(own.expression), own.dimension)
    assert again == own.expression
    assert torch.equal(ExpressionField(again, own.dimension)(POINTS).nan_to_num(), own(POINTS).nan_to_num())


def test_a_digest_is_equal_in_all_processes():
    """Python salts its hashes and SymPy sorts the operands of sums: neither may have an influence."""
    code = "import sys, pdefreq; print(*(pdefreq.load_problem(name).digest for name in sys.argv[1:]))"
    names = ["neumann", "robin", "multiscale-2d:E4", "dielectric-sphere", "l-shape"]
    own = [load_problem(name).digest for name in names]
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    told = subprocess.run([sys.executable, "-c", code, *names], capture_output=True, text=True, check=True, env=env)
    assert told.stdout.split() == own


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda of: st.lists(of) | st.dictionaries(st.text(), of),
    )
)
def test_packed_trees_are_json_and_can_be_unpacked(data):
    assume("opaque" not in str(data) and "'float'" not in str(data) and "'array'" not in str(data))
    packed, arrays = pack(data)
    assert digest(unpack(json.loads(json.dumps(packed, allow_nan=False)), arrays)) == digest(data)


def test_an_array_that_has_changed_is_refused():
    packed, arrays = pack({"x": np.arange(3.0)})
    (name,) = arrays
    with pytest.raises(RunFolderError, match="has changed"):
        unpack(packed, {name: np.arange(3.0) + 1e-12})
    with pytest.raises(RunFolderError, match="missing"):
        unpack(packed, {})


JUNK = st.sampled_from([None, True, -1, 1e400, "x", "os:system", [], [[1]], {}, {"type": "box"}, {"type": "../evil.py:Name"}])


def leaves(data, path=()):
    """The paths of all nodes of a tree, including inner nodes."""
    yield path
    if isinstance(data, (dict, list)):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from leaves(value, (*path, key))


@functools.cache
def packed(name):
    """The content of a problem as text, of which each example changes a copy."""
    return json.dumps(pack(load_problem(name).content())[0])


@given(st.sampled_from(["poisson", "robin", "ring", "tones"]), st.data())
def test_a_forged_problem_is_either_valid_or_refused_in_one_sentence(name, data):
    """Arbitrary content of a run folder never causes a traceback, for any digest."""
    content = json.loads(packed(name))
    place = data.draw(st.sampled_from([path for path in leaves(content) if path]))
    inner = content
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = data.draw(JUNK)
    try:
        forged = unpack(content, {})
        WrittenProblem("forged", digest(forged), forged).read()
    except UserError as error:
        assert "\n" not in str(error)


@pytest.mark.parametrize(
    ("forged", "hint"),
    [
        ("1" + 400 * "0", "size"),
        ("True", "size"),
        ("1j", "size"),
        ("'x'", "size"),
        ("__import__(x)", "can't be part"),
        ("x.real", "can't be part"),
        ("os", "can't be part"),
        ("add()", "can't be part"),
        (["add", "x", 1], "must be text"),
        ("sin(x", "is not an expression"),
        (300 * "sin(" + "x" + 300 * ")", "is not an expression"),
    ],
)
def test_forged_expressions_are_refused(forged, hint):
    with pytest.raises(ValueError, match=hint):
        from_canonical(forged, 1)


def test_expressions_are_written_as_text():
    own = field("where(x < 0.5 and not y == 1, -2*x/3, pi*y**2 + sqrt(2))").expression
    assert to_canonical(own) == (
        "where(both(less(x, 0.5), negated(equal(y, 1))), mul(-2, x, rational(1, 3)), add(mul(pi, pow(y, 2)), 1.4142135623730951))"
    )


def test_reading_an_expression_evaluates_nothing():
    for text in ("pow(10, 1000000000)", "pow(pow(10, 900), 900)", "add(x, mul(2, 3))", "exp(add(-1000.0, mul(1000, x)))"):
        assert to_canonical(from_canonical(text, 1)) == text
    assert ExpressionField(from_canonical("pow(10, 1000000000)", 1), 1).constant == math.inf


def test_only_registered_types_are_created():
    for name in ("os:system", "evil.py:Name", "/tmp/evil.py:Name", "Problem"):
        refusal = "executed only if you trust it" if ".py:" in name else "unknown content type"  # a file may define a domain
        with pytest.raises(UntrustedCodeError if ".py:" in name else RunFolderError, match=refusal):
            decode({"type": name})


# --- Content ----------------------------------------------------------------------------------------------------------------

CHANGES = {
    "source": 10.0,
    "boundary": 1.0,
    "diffusion": 5.0,
    "reaction": 2.0,
    "exponent": 3.0,
    "exact": 0.0,
    "domain": Box(0.0, 2.0),
    "data": Data("uniform", 5),
    "spectrum": Spectrum(wavenumbers=(1.0,)),
    "singular": ((0.5,),),
}


@pytest.fixture
def line(tmp_path) -> Problem:
    (tmp_path / "a.toml").write_text(LINE)
    return load_problem(str(tmp_path / "a.toml"))


@pytest.mark.parametrize("name", CHANGES)
def test_each_replaced_field_changes_the_digest(line, name):
    other = replace(line, **{name: CHANGES[name]})
    assert line.text == LINE and other.text == "" and other.files == {}
    assert other.digest != line.digest and through_json(other).digest == other.digest
    assert replace(other, **{name: getattr(line, name)}).text == LINE  # and the original value restores it
    place = "diffusion term" if name == "exponent" else name
    with pytest.raises(RunFolderError, match=f"differs in its {place}"):
        WrittenProblem.of(line).require_same(WrittenProblem.of(other))


def test_names_and_notation_do_not_change_the_digest(line):
    assert replace(line, name="b", title="B", citation="C", parameters={"k": 1.0}).digest == line.digest
    same = Problem(domain=Box((0,), (1,)), source=ConstantField(1.0), boundary=(BoundaryPart("dirichlet", value=0),))
    assert same.digest == line.digest
    assert digest(Ball((0, 0), 1).content()) == digest(Ball((0.0, -0.0), 1.0).content())
    shape = WithHoles(Ball((0.0, 0.0), 1.0), (Ellipse((0.0, 0.0), (0.1, 0.2)),))
    assert decode(shape.content()) == shape


def _points(path, last):
    path.write_text(f"0.1,1\n0.5,2\n0.9,{last}\n")


def _picture(path, last):
    Image.fromarray(np.array([[0, 100], [200, last]], dtype=np.uint8)).save(path)


NAMED = {  # kind of file: its name, a function that writes it, a problem file that refers to it
    "points": ("d.csv", _points, '[domain]\nlower=0\nupper=1\n[equation]\ndiffusion="0"\nreaction="2"\n[data]\npoints="d.csv"\n'),
    "picture": (
        "d.png",
        _picture,
        '[domain]\nlower=[0,0]\nupper=[1,1]\n[equation]\ndiffusion="0"\nreaction="2"\n[data]\npoints="d.png"\n',
    ),
    "grid": (
        "g.csv",
        lambda path, last: path.write_text(f"1,2\n3,{last}\n"),
        '[domain]\nlower=[0,0]\nupper=[1,1]\n[equation]\ndiffusion="g.csv"\nsource="1"\n[boundary]\nvalue="0"\n',
    ),
    "holes": (
        "h.csv",
        lambda path, last: path.write_text(f"0.5,0.5,{last / 1000}\n"),
        '[domain]\nlower=[0,0]\nupper=[1,1]\nholes="h.csv"\n[equation]\nsource="1"\n[boundary]\nvalue="0"\n',
    ),
    "mesh": (
        "m.msh",
        lambda path, last: shutil.copy(MESHES / ("l-shape.msh" if last == 100 else "perforated-1.msh"), path),
        '[domain]\nkind="mesh"\nfile="m.msh"\n[equation]\nsource="1"\n[boundary]\nvalue="0"\n',
    ),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_file_of_a_problem_affects_the_digest(kind, tmp_path):
    file, write, text = NAMED[kind]
    (tmp_path / "p.toml").write_text(text)
    found = []
    for last in (100, 200, 100):
        write(tmp_path / file, last)
        problem = load_problem(str(tmp_path / "p.toml"))
        assert through_json(problem).digest == problem.digest and problem.text == text
        found.append(problem.digest)
    assert found[0] == found[2] != found[1]
    if kind in ("points", "picture", "grid"):  # the values are content, the name of the file is not
        (tmp_path / f"other-{file}").write_bytes((tmp_path / file).read_bytes())
        (tmp_path / "p.toml").write_text(text.replace(file, f"other-{file}"))
        assert load_problem(str(tmp_path / "p.toml")).digest == found[0]


# --- Python functions -------------------------------------------------------------------------------------------------------


def bump(height: float = 1.0):
    return lambda x: height * torch.sin(math.pi * x[:, 0])


def given_problem(**fields) -> Problem:
    return Problem(**{"domain": Box(0.0, 1.0), "source": bump(), "boundary": 0.0, "name": "given"} | fields)


def test_a_function_is_identified_by_its_values():
    kept = WrittenProblem.of(given_problem())
    assert kept.is_given and list(kept.samples) == ["source"] and len(kept.samples["source"]) == 64
    kept.require_same(WrittenProblem.of(given_problem()))  # another function with equal values
    for other in (given_problem(source=bump(1.001)), given_problem(source=1.0), given_problem(boundary=1.0)):
        with pytest.raises(RunFolderError, match=r"differs in its (source|boundary)"):
            kept.require_same(WrittenProblem.of(other))
    with pytest.raises(RunFolderError, match="pass the problem"):
        kept.read()
    assert WrittenProblem.from_json(json.loads(json.dumps(kept.to_json())), {}) == kept


def test_functions_on_the_boundary_are_identified_by_their_values():
    def square(side: float, value: float) -> Problem:
        part = BoundaryPart("dirichlet", where=lambda x: x[:, 0] < side, value=value)
        rest = BoundaryPart("robin", flux=lambda x: value * x[:, 1])
        return Problem(domain=Box((0, 0), (1, 1)), source=1.0, boundary=(part, rest))

    kept = WrittenProblem.of(square(0.5, 1.0))
    assert list(kept.samples) == ["boundary.0.where", "boundary.1.flux"]
    kept.require_same(WrittenProblem.of(square(0.5, 1.0)))
    with pytest.raises(RunFolderError, match=r"boundary.0.where:"):
        kept.require_same(WrittenProblem.of(square(0.9, 1.0)))


def test_a_user_defined_class_is_opaque():
    """It may override anything; only classes registered under their own names have content."""

    class Mine(Box):
        pass

    class Steps(Field):
        def __call__(self, x):
            return x[:, 0].round()

    problem = given_problem(domain=Mine(0.0, 1.0), source=Steps())
    assert [place for place, _ in opaque_parts(problem.content())] == ["domain", "source"]
    kept = WrittenProblem.of(problem)
    kept.require_same(WrittenProblem.of(given_problem(domain=Mine(0.0, 1.0), source=Steps())))
    with pytest.raises(RunFolderError, match="domain"):
        kept.require_same(WrittenProblem.of(given_problem(domain=Mine(0.0, 2.0), source=Steps())))
    assert decode(encode(Box(0.0, 1.0))) == Box(0.0, 1.0)


def test_a_run_of_a_given_problem_requires_the_problem(tmp_path):
    first = solve(given_problem(), "jacobi:intervals=16", stop=Stop(steps=9), folder=tmp_path / "run")
    for again in (rerun, resume, load_run):
        with pytest.raises(RunFolderError, match=r"built in Python.*source"):
            again(tmp_path / "run")
        with pytest.raises(RunFolderError, match="differs in its source"):
            again(tmp_path / "run", problem=given_problem(source=bump(2.0)))
        assert torch.equal(again(tmp_path / "run", problem=given_problem()).state.coefficients, first.state.coefficients)


# --- Errors refer to the problem that was solved ----------------------------------------------------------------------------


def test_a_changed_problem_is_repeated_with_its_changes(tmp_path):
    """-u'' = 10 on (-1, 1): u(0.1) = 4.95; the source in the file of the problem has no effect."""
    changed = replace(load_problem("poisson"), source=10.0, exact=None)
    solve(changed, "fem:cells=100", folder=tmp_path / "r")
    assert not (tmp_path / "r" / "problem.toml").exists()
    x = torch.tensor([[0.1]], dtype=torch.float64)
    for again in (load_run, rerun, resume):
        solution = again(tmp_path / "r")
        assert float(solution(x)[0]) == pytest.approx(4.95, rel=1e-9) and solution.error() < 1e-3


def test_errors_refer_to_the_problem_that_was_solved(line):
    """A cached reference solution belongs to another problem, even if the file is the same."""
    assert solve(line, "fem:cells=100").error() < 1e-3
    for change in ("source", "boundary", "diffusion", "reaction"):
        assert solve(replace(line, **{change: CHANGES[change]}), "fem:cells=100").error() < 1e-3, change


def test_a_changed_mesh_is_another_problem(tmp_path):
    """The file keeps its name but the domain of the next run is twice as long: u is four times as large."""
    (tmp_path / "p.toml").write_text('[domain]\nkind="mesh"\nfile="m.vtu"\n[equation]\nsource="1"\n[boundary]\nvalue="0"\n')
    for length in (1.0, 2.0):
        write_vtu(tmp_path / "m.vtu", cells_of(MeshLine(np.linspace(0, length, 5))), {})
        solution = solve(load_problem(str(tmp_path / "p.toml")), "fem:cells=100", folder=tmp_path / f"{length:g}")
        assert solution.error() < 1e-3
        middle = torch.tensor([[length / 2]], dtype=torch.float64)
        assert float(solution(middle)[0]) == pytest.approx(length**2 / 8, rel=1e-9)
    for length in (1.0, 2.0):
        assert load_run(tmp_path / f"{length:g}").error() < 1e-3


def test_a_run_is_not_resumed_with_another_problem(tmp_path):
    solve("poisson", "jacobi:intervals=32", stop=Stop(steps=5), folder=tmp_path / "o")
    other = load_problem("poisson-6pi")
    with pytest.raises(RunFolderError, match=r"'poisson' .* 'poisson-6pi' .*differs in its source, "):
        resume(tmp_path / "o", other, stop=Stop(steps=10))
    assert resume(tmp_path / "o", load_problem("poisson"), stop=Stop(steps=10)).step == 10


def test_reference_solutions_of_given_problems_are_kept_with_the_problem(monkeypatch):
    import pdefreq.runs.reference as module

    counted = []
    computed = module._computed
    monkeypatch.setattr(module, "_computed", lambda problem: counted.append(problem.name) or computed(problem))
    problem = given_problem()
    first = module.reference_solution(problem)
    assert module.reference_solution(problem) is first and len(counted) == 1
    key = id(problem)
    assert key in module._of_objects
    module.reference_solution(given_problem(source=bump(2.0)))
    assert len(counted) == 2
    del problem
    assert key not in module._of_objects
    stated = replace(load_problem("poisson"), source=3.0, exact=None)
    module.reference_solution(stated)
    module.reference_solution(replace(stated, exact=1.0, spectrum=Spectrum("cosine"), name="again"))
    assert len(counted) == 3


def test_a_digest_depends_on_all_arguments_of_a_problem():
    """A new argument of `Problem` must be classified: it is content, or it is for display only."""
    people = {"title", "name", "citation", "parameters", "origin"}
    assert {*Problem.__dataclass_fields__} == {*load_problem("poisson").content()} | people


def test_too_many_numbers_are_refused_for_every_way_to_create_a_problem():
    with pytest.raises(ProblemFileError, match="GiB"):
        Problem(domain=Box((0, 0), (1, 1)), source=1.0, boundary=0.0, data=Data("uniform", 10**6))


@pytest.mark.parametrize("name", SHIPPED[:4])
def test_equal_content_has_equal_digests(name):
    assert load_problem(name).digest == load_problem(name).digest

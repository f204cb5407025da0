import math
import os
import re
import subprocess
import sys
from pathlib import Path

import mpmath
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import fresnel

from pdefreq.core.errors import ProblemFileError, UnknownNameError, UserError
from pdefreq.core.streams import stream
from pdefreq.problem.files import describe, load_problem, problem_from_text, problem_names, template

SHIPPED = [
    "poisson",
    "poisson-6pi",
    "poisson-chirp",
    "poisson-multilevel",
    "tones",
    "perforated",
    "perforated:2",
    "ring",
    "dielectric-sphere",
]


def points(problem, n=50):
    return problem.domain.interior(n, stream(1, "test")).x


def pde_residual(problem, x, u=None):
    """-div( a |grad u|^(p-2) grad u ) + c u by automatic differentiation of u, independent of all derived formulas."""
    u = u or problem.exact
    x = x.clone().requires_grad_(True)
    value = u(x)
    (q,) = torch.autograd.grad(value.sum(), x, create_graph=True)
    flux = problem.diffusion(x)[:, None] * q.norm(dim=1, keepdim=True) ** (problem.exponent - 2) * q
    columns = [torch.autograd.grad(flux[:, k].sum(), x, retain_graph=True, allow_unused=True)[0] for k in range(x.shape[1])]
    divergence = sum(c[:, k] for k, c in enumerate(columns) if c is not None)
    return (-divergence + problem.reaction(x) * value).detach()


def manufactured(exact, *, d=1, p=2.0, a="1", c="0", lower="0.1", upper="0.9", extra=""):
    return problem_from_text(
        f'[domain]\ndimension = {d}\nlower = "{lower}"\nupper = "{upper}"\n'
        f'[equation]\nexponent = {p}\ndiffusion = "{a}"\nreaction = "{c}"\nexact = "{exact}"\n{extra}'
    )


# --- Manufactured data ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1.5, 2, 3])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_manufactured_sources_satisfy_the_equation(d, p):
    problem = manufactured("exp(sum(k*xk)/3) + sin(sum(xk))/4", d=d, p=p, a="1 + prod(xk)^2", c="2 + sin(x1)")
    x = points(problem)
    # Both sides are double precision values of size 1 to 100; 1e-10 leaves four digits for cancellation.
    torch.testing.assert_close(problem.source(x), pde_residual(problem, x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("eps", [1e-3, 1e-4])
def test_data_of_thin_layers_agree_with_the_formula(eps):
    """-eps^2 u'' + u = 1: source, slope and Robin data against high-precision differences, inside and between the layers."""
    exact = f"1 - (exp(-x/{eps}) + exp((x - 1)/{eps}))/(1 + exp(-1/{eps}))"
    robin = '[[boundary.part]]\nkind = "robin"\nalpha = "1"'
    problem = manufactured(exact, a=f"{eps}**2", c="1", lower="0", upper="1", extra=robin)
    near = [0.0, 1e-9, eps / 3, 5 * eps, 50 * eps]
    places = [*near, 0.5, 0.780669, *(1 - t for t in near)]
    x = torch.tensor(places, dtype=torch.float64)[:, None]
    with mpmath.workdps(80):
        width, end = mpmath.mpf(eps), mpmath.exp(-1 / mpmath.mpf(eps))

        def u(t):
            return 1 - (mpmath.exp(-t / width) + mpmath.exp((t - 1) / width)) / (1 + end)

        h = width * mpmath.mpf(10) ** -20  # the differences have an error of h^2 and lose 40 of the 80 digits
        points = [mpmath.mpf(t) for t in places]
        slope = [float((u(t + h) - u(t - h)) / (2 * h)) for t in points]
        source = [float(u(t) - width**2 * (u(t + h) - 2 * u(t) + u(t - h)) / h**2) for t in points]
        values = [float(u(t)) for t in points]
    one = torch.ones(1, dtype=torch.float64)
    torch.testing.assert_close(problem.exact(x), torch.tensor(values, dtype=torch.float64), rtol=0, atol=4e-16)
    # Relative to the largest slope, 1/eps: x/eps has a rounding error of its size, at most 50 where the slope is not tiny.
    slopes = torch.tensor(slope, dtype=torch.float64)
    torch.testing.assert_close(problem.exact.gradient(x)[:, 0], slopes, rtol=0, atol=1e-15 / eps)
    torch.testing.assert_close(problem.source(x), torch.tensor(source, dtype=torch.float64), rtol=0, atol=1e-15)
    for part, t, sign in zip(problem.boundary, (0.0, 1.0), (-1, 1), strict=True):
        flux = sign * eps**2 * slope[places.index(t)] + values[places.index(t)]
        torch.testing.assert_close(part.flux(t * one[:, None]), flux * one, rtol=1e-14, atol=0)


@pytest.mark.parametrize(
    ("exact", "p", "limit"),
    [
        ("cos(x)", 3, 3.0),  # |q| times bounded terms vanishes: c u remains
        ("x^4", 1.5, 0.0),  # f = -(p-1) |4x^3|^(p-2) 12 x^2 ~ |x|^(1/2)
        ("where(x < 0, 1, 1)", 1.5, 3.0),
    ],
)
def test_the_limit_of_the_source_at_critical_points(exact, p, limit):
    problem = manufactured(exact, p=p, c="3", lower="-1", upper="1")
    assert float(problem.source(torch.zeros(1, 1, dtype=torch.float64))[0]) == limit


def test_a_critical_point_with_an_infinite_source_must_be_listed():
    with pytest.raises(ProblemFileError, match=r"not finite at \(0\), got .*singular"):
        manufactured("cos(x)", p=1.5, lower="-1", upper="1")
    text = '[domain]\nlower = -1\nupper = 1\n[equation]\nexponent = 1.5\nexact = "cos(x)"\nsingular = [[0]]'
    assert problem_from_text(text).source(torch.full((1, 1), 0.5, dtype=torch.float64)).isfinite()


@pytest.mark.parametrize("p", [1.5, 2, 3])
def test_robin_data_of_an_exact_solution(p):
    problem = manufactured(
        "exp(x + 2*y)",
        d=2,
        p=p,
        a="1 + x",
        extra='[[boundary.part]]\nname = "x-min"\n[[boundary.part]]\nkind = "robin"\nalpha = "2 + y"',
    )
    edge = problem.domain.boundary(80)
    governed = problem.part_of(edge)
    assert {part.kind for part in problem.boundary} == {"dirichlet", "robin"}
    for i, part in enumerate(problem.boundary):
        x, n = edge.x[governed == i], edge.normals[governed == i]
        u = torch.exp(x[:, 0] + 2 * x[:, 1])
        if part.kind == "dirichlet":
            torch.testing.assert_close(part.value(x), u)
        else:
            q = u[:, None] * torch.tensor([1.0, 2.0], dtype=torch.float64)
            flux = (1 + x[:, 0]) * q.norm(dim=1) ** (p - 2) * (q * n).sum(dim=1) + (2 + x[:, 1]) * u
            torch.testing.assert_close(part.flux(x), flux)


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ('source = "pi^2*sin(pi*x) + 1e-4"', r"\[equation\] source and \[equation\] exact disagree: at \(.*\) it gives"),
        ('source = "-pi^2*sin(pi*x)"', "disagree"),
        ('[boundary]\nvalue = "0.1"', r"\[boundary\] value and .* exact needs"),
        ('[[boundary.part]]\nkind = "robin"\nflux = "3"', r"flux and .* exact needs"),
    ],
)
def test_entries_that_contradict_the_exact_solution_are_refused(change, hint):
    with pytest.raises(ProblemFileError, match=hint):
        problem_from_text(f'[domain]\nlower = 0\nupper = 1\n[equation]\nexact = "sin(pi*x)"\n{change}')


@pytest.mark.parametrize(
    "change",
    [
        'source = "9.8696044*sin(pi*x)"',  # pi^2 to eight digits
        '[boundary]\nvalue = "0"',  # sin(pi) is 1e-16 in floating point
        f'[[boundary.part]]\nkind = "robin"\nflux = "{-math.pi}"',
    ],
)
def test_entries_that_agree_with_the_exact_solution_are_accepted(change):
    problem_from_text(f'[domain]\nlower = 0\nupper = 1\n[equation]\nexact = "sin(pi*x)"\n{change}')


# --- Shipped problems -------------------------------------------------------------------------------------------------------


def test_the_shipped_problems_are_listed():
    listed = dict(problem_names())
    assert {name.partition(":")[0] for name in SHIPPED} <= set(listed) and all(listed.values())


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_problems_agree_with_their_exact_solutions(name):
    problem = load_problem(name)
    assert problem.name == name and problem.title and problem.citation and problem.text
    x = points(problem)
    f = problem.source(x)
    # atol: rounding of f, whose terms are as large as its maximum.
    torch.testing.assert_close(pde_residual(problem, x), f, rtol=1e-10, atol=1e-11 * float(f.abs().max()))
    if problem.dirichlet is not None:
        edge = problem.domain.boundary(40).x
        torch.testing.assert_close(problem.dirichlet(edge), problem.exact(edge), rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_problem_is_rebuilt_from_its_text_and_parameters(name):
    problem = load_problem(name)
    assert problem_from_text(problem.text, name=problem.name, parameters=problem.parameters) == problem
    blind = problem.blind()
    assert blind.exact is None and blind.source == problem.source


def test_poisson_is_the_published_problem():
    """max |u| = 0.591 (references: P1, section 5, recomputed); the penalty floor (g0(1) - g0'(1)) / 21 at beta = 10."""
    problem = load_problem("poisson")
    x = torch.linspace(-1, 1, 20001, dtype=torch.float64)[:, None]
    assert float(problem.exact(x).abs().max()) == pytest.approx(0.591, abs=5e-4)  # three published digits
    end = torch.ones(1, 1, dtype=torch.float64)
    assert -float(problem.exact.gradient(end)[0, 0]) / 21 == pytest.approx(8.976e-3, abs=5e-7)


@pytest.mark.parametrize(("d", "printed"), [(2, 0.970), (3, 1.559)])
def test_the_chirp_has_the_mean_square_of_its_fresnel_integrals(d, printed):
    """mean u^2 = d E[s^2] + d (d-1) E[s]^2 with s = sin(mu x^2); samples are in P2, section 6.1.1."""
    problem = load_problem("poisson-chirp", dimension=d)
    samples = problem.domain.quadrature(120**d)
    mean = float((samples.weights * problem.exact(samples.x) ** 2).sum()) / problem.domain.measure
    root = math.sqrt(2 * 15 / math.pi)
    first = fresnel(root)[0] / root
    second = (1 - fresnel(root * math.sqrt(2))[1] / (root * math.sqrt(2))) / 2
    # 120 Gauss points per axis are twelve per shortest wave, pi / 30; the remaining error is the rounding of the sum.
    assert mean == pytest.approx(d * second + d * (d - 1) * first**2, rel=1e-10)
    assert mean == pytest.approx(printed, rel=3e-3)  # from several thousand random points


@pytest.mark.parametrize("d", [1, 2, 3, 4, 5])
def test_the_chirp_exists_in_every_dimension(d):
    problem = load_problem("poisson-chirp", dimension=d, mu=5)
    x = points(problem, 20)
    torch.testing.assert_close(pde_residual(problem, x), problem.source(x), rtol=1e-9, atol=1e-9)
    assert problem.parameters == {"mu": 5.0, "dimension": float(d)}
    assert problem_from_text(problem.text, name=problem.name, parameters=problem.parameters) == problem


def test_the_ladder_has_equal_amplitudes():
    """u is the mean of sin(w pi x) sin(w pi y): each sine coefficient is 1/6, each wavenumber is w pi sqrt 2."""
    problem = load_problem("poisson-multilevel")
    samples = problem.domain.quadrature(320**2)
    u = problem.exact(samples.x)
    for w, k in zip([2, 4, 8, 16, 32, 64], problem.spectrum.wavenumbers, strict=True):
        mode = torch.sin(w * math.pi * samples.x).prod(dim=1)
        # 5 Gauss points per wave at w = 64: the error of the rule is about 1e-6.
        assert float((samples.weights * u * mode).sum()) * 4 == pytest.approx(1 / 6, abs=1e-5)
        assert k == pytest.approx(w * math.pi * math.sqrt(2), rel=1e-15)


def test_tones_is_a_regression_on_201_points():
    problem = load_problem("tones")
    assert problem.is_regression and problem.boundary == () and problem.dirichlet is None
    assert problem.data is not None and (problem.data.points, problem.data.number) == ("uniform", 201)
    assert problem.spectrum.wavenumbers == (1.0, 3.0, 5.0)


# --- Names, parameters, variants --------------------------------------------------------------------------------------------

FILE = """
title = "A test"
[parameters]
mu = 2
nu = "mu*pi"
[domain]
dimension = 2
lower = [0, "-nu"]
upper = 7
[equation]
source = "sin(mu*x) + nu"
[boundary]
value = "mu"
[variant.hard]
parameters.mu = 4
equation.reaction = "1"
"""


def test_parameters_may_depend_on_earlier_ones():
    problem = problem_from_text(FILE, parameters={"mu": "1 + 2"})
    assert problem.parameters == {"mu": 3.0, "nu": pytest.approx(3 * math.pi, rel=1e-15)}
    assert problem.domain.lower == (0.0, pytest.approx(-3 * math.pi, rel=1e-15)) and problem.domain.upper == (7.0, 7.0)
    with pytest.raises(ProblemFileError, match=r"\[parameters\] a: unknown name 'b'"):
        problem_from_text(FILE.replace("mu = 2", 'a = "b"\nb = 1\nmu = 2'))


def test_variants_override_keys_of_the_file():
    hard = problem_from_text(FILE, name="test:hard")
    assert hard.parameters["mu"] == 4 and hard.reaction.constant == 1 and hard.name == "test:hard" and hard.title == "A test"
    assert problem_from_text(FILE, name="test:hard", parameters={"mu": 5}).parameters["mu"] == 5
    assert problem_from_text(FILE, name="test").parameters["mu"] == 2
    with pytest.raises(UnknownNameError, match="'hard'"):
        problem_from_text(FILE, name="test:hart")
    with pytest.raises(ProblemFileError, match="reaction"):  # a variant is checked even if it is not selected
        problem_from_text(FILE.replace("equation.reaction", "equation.reactoin"))


def test_an_empty_text_in_a_variant_removes_a_key():
    text = FILE + '[variant.plain]\ntitle = ""\nequation.source = ""\nequation.exact = "x"\n'
    plain = problem_from_text(text.replace('"mu"', '"x"'), name="test:plain")
    assert problem_from_text(text, name="test").title == "A test" and plain.title == ""
    assert float(plain.source(torch.ones(1, 2, dtype=torch.float64))) == 0  # derived from `exact`, not the stated source
    assert load_problem("l-shape").exact is not None and load_problem("l-shape:source").exact is None


def test_unknown_overrides_are_refused_with_the_known_names():
    with pytest.raises(UnknownNameError, match="the parameters are mu, dimension"):
        load_problem("poisson-chirp", muu=3)
    with pytest.raises(UnknownNameError, match="the parameters are mu, dimension"):
        load_problem("poisson-chirp", dimensions=3)
    with pytest.raises(ProblemFileError, match="dimension"):
        load_problem("poisson-chirp", dimension="2.5")


def test_files_are_found_by_path_and_in_user_folders(tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(FILE)
    (tmp_path / "broken.toml").write_text("title = ")
    (tmp_path / "tones.toml").write_text(FILE)
    assert load_problem(tmp_path / "mine.toml").name == "mine"
    assert load_problem(f"{tmp_path}/mine.toml:hard").name == "mine:hard"
    assert load_problem(tmp_path / "mine.toml", variant="hard").parameters["mu"] == 4
    monkeypatch.setenv("PDEFREQ_PROBLEMS", os.pathsep.join([str(tmp_path), str(tmp_path / "absent")]))
    assert load_problem("mine:hard").name == "mine:hard"
    assert load_problem("tones").title == "A test"  # user files take precedence
    listed = dict(problem_names())
    assert listed["mine"] == "A test" and "not valid TOML" in listed["broken"] and "poisson" in listed


@pytest.mark.parametrize(
    ("place", "kind", "hint"),
    [
        ("poison", UnknownNameError, "'poisson'"),
        ("poisson:harder", UnknownNameError, "variant"),
        ("absent.toml", ProblemFileError, "absent.toml"),
        ("no/such/file", ProblemFileError, "no/such/file"),
        ("./", ProblemFileError, "is a folder"),
        ("~nobody-of-this-name/a.toml", ProblemFileError, "does not exist"),
        ("a\0b.toml", ProblemFileError, "a?b.toml"),
        ("", UnknownNameError, "known names are"),
    ],
)
def test_paths_without_a_problem_are_refused_by_name(place, kind, hint):
    with pytest.raises(kind) as refusal:
        load_problem(place)
    assert hint in str(refusal.value) and "\n" not in str(refusal.value)


def test_a_file_that_is_not_text_is_refused(tmp_path):
    (tmp_path / "photo.toml").write_bytes(b"\xff\xd8\xff\xe0")
    with pytest.raises(ProblemFileError, match="UTF-8"):
        load_problem(tmp_path / "photo.toml")
    (tmp_path / "long.toml").write_text("#" * 1_000_001)
    with pytest.raises(ProblemFileError, match="characters"):
        load_problem(tmp_path / "long.toml")


def test_listing_problems_imports_no_numerical_library():
    code = (
        "import sys; from pdefreq.problem.files import *; problem_names(); print({'torch', 'numpy', 'sympy'} & set(sys.modules))"
    )
    root = Path(__file__).parents[3]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_template_can_be_solved_without_changes():
    problem = problem_from_text(template(), name="my")
    x = points(problem)
    torch.testing.assert_close(pde_residual(problem, x), problem.source(x), rtol=1e-10, atol=1e-9)
    assert problem_from_text(template(), name="my:hard").parameters["k1"] == 50


def test_the_commented_lines_of_the_template_are_valid():
    text = template().replace('exact = "', '# exact = "')
    text = re.sub(r"^# (?=source|value|name =|kind|alpha|flux|\[)", "", text, flags=re.MULTILINE)
    problem = problem_from_text(text)
    assert [part.kind for part in problem.boundary] == ["robin", "dirichlet"] and problem.exact is None


def test_a_description_states_the_interpretation_of_the_file():
    rows = describe(
        manufactured(
            "sin(pi*x)", p=3, a="1 + x", c="2", extra='[[boundary.part]]\nwhere = "x < 0.5"\n[boundary]\nvalue = "sin(pi*x)"'
        )
    )
    table = dict(rows)
    assert table["equation"] == "-div( (1 + x) |grad u|^1 grad u ) + (2) u = f"
    assert table["exact u"] == "sin(pi*x)" and table["domain"].startswith("interval (0.1, 0.9)")
    assert [text for label, text in rows if label == "boundary"] == [
        "u = sin(pi*x) on the rest where x < 0.5",
        "u = sin(pi*x) on the rest",
    ]
    assert dict(describe(load_problem("poisson-6pi")))["source f"] == "36*pi*pi*sin(6*pi*x)"
    assert all("\n" not in text and len(text) < 500 for name in SHIPPED for _, text in describe(load_problem(name)))


# --- Malformed files --------------------------------------------------------------------------------------------------------

BASE = """\
title = "A whole problem"
citation = "None"
[parameters]
mu = 3
[domain]
kind = "box"
dimension = 2
lower = [-1, 0]
upper = 1
[equation]
exponent = 2
diffusion = "1 + x^2"
reaction = "mu"
source = "sin(mu*x)*y"
singular = [[0, 0]]
[data]
points = "random"
number = 100
noise = 0
[spectrum]
modes = "sine"
wavenumbers = [1, "mu*pi"]
[[boundary.part]]
name = "x-min"
kind = "robin"
alpha = "mu"
flux = "0"
[[boundary.part]]
where = "y < 0.5"
value = "x"
[[boundary.part]]
value = "0"
"""
ASSIGNMENTS = [line for line in BASE.splitlines() if " = " in line]
EXPRESSIONS = ['diffusion = "1 + x^2"', 'reaction = "mu"', 'source = "sin(mu*x)*y"', 'alpha = "mu"', 'flux = "0"', 'value = "x"']
NUMBERS = ["mu = 3", "dimension = 2", "upper = 1", "exponent = 2", "number = 100", "noise = 0"]

CANARY = "PDEFREQ_CANARY"
CODE = [
    f"__import__('os').environ.__setitem__('{CANARY}', '1')",
    f"__import__('os').putenv('{CANARY}', '1')",
    "open('canary', 'w')",
    "exec('import os')",
    "eval('1')",
    "().__class__.__bases__[0].__subclasses__()",
    "x.__class__",
    "sin.__globals__",
    "x[0]",
    "x[::2]",
    "(lambda: open('canary', 'w'))()",
    "lambda x: x",
    "(y := open('canary', 'w'))",
    "f'{open(1)}'",
    "[open(c, 'w') for c in ('canary',)]",
    "{x: y}",
    "print(1)",
    "*x",
    "await x",
    "yield",
    "x; import os",
    "import os",
    "sin(x, *y)",
    "sin(**x)",
    "x @ y",
    "x // y",
    "x % y",
    "x & y",
    "x << y",
    "~x",
    "x is y",
    "x if y else 0",
    "'text'",
    "b'x'",
    "None",
    "...",
    "1j",
    "9**9**9**9",
    "exp(exp(exp(99)))",
    "unknown",
    "z",
    "sine(x)",
    "sin",
    "sin(x",
    "x)",
    "((x)",
    "x +",
    "",
    "2x",
    "x y",
    "1/0",
    "sqrt(-1)",
    "x < y",
    "nan",
    "inf",
]

# Valid TOML but invalid as a problem: (original text, replacement).
CONTRADICTIONS = [
    ("lower = [-1, 0]", "lower = [1, 0]"),
    ("lower = [-1, 0]", "lower = 1"),
    ("lower = [-1, 0]", "lower = 1000"),
    ("lower = [-1, 0]", "lower = [0]"),
    ("lower = [-1, 0]", "lower = [0, 0, 0]"),
    ("dimension = 2", "dimension = 0"),
    ("dimension = 2", "dimension = -1"),
    ("dimension = 2", "dimension = 2.5"),
    ("dimension = 2", "dimension = 1000000000"),
    ("dimension = 2", "dimension = 1"),
    ("dimension = 2", "dimension = 3"),
    ('kind = "box"', 'kind = "ball"'),
    ("exponent = 2", "exponent = 1"),
    ("exponent = 2", "exponent = -3"),
    ("exponent = 2", "exponent = 1e200"),
    ('diffusion = "1 + x^2"', 'diffusion = "x"'),
    ('diffusion = "1 + x^2"', 'diffusion = "-1"'),
    ('source = "sin(mu*x)*y"', 'source = "log(x)"'),
    ('source = "sin(mu*x)*y"', 'source = "1/(y - 0.5)"'),
    ('source = "sin(mu*x)*y"', 'exact = "x*y"\nsource = "7"'),
    ('name = "x-min"', 'name = "left"'),
    ('name = "x-min"', 'name = "z-min"'),
    ('kind = "robin"', 'kind = "neumann"'),
    ('kind = "robin"', 'kind = "dirichlet"'),
    ('alpha = "mu"', 'alpha = "-1"'),
    ('where = "y < 0.5"', 'where = "y"'),
    ('where = "y < 0.5"', 'where = "y < z"'),
    ('where = "y < 0.5"\n', 'name = "y-min"\nalpha = "1"\n'),
    ('points = "random"', 'points = "somewhere"'),
    ("number = 100", "number = 0"),
    ("number = 100", "number = 1000000000"),
    ("noise = 0", "noise = -1"),
    ('modes = "sine"', 'modes = "sinus"'),
    ('wavenumbers = [1, "mu*pi"]', "wavenumbers = [-1]"),
    ('wavenumbers = [1, "mu*pi"]', 'wavenumbers = ["x"]'),
    ("singular = [[0, 0]]", "singular = [[0]]"),
    ("singular = [[0, 0]]", "singular = 0"),
]


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def broken_files(draw):
    """The complete file with one error."""

    def replaced(line, new):
        return BASE.replace(line + "\n", new + "\n", 1)

    how = draw(st.sampled_from(["key", "type", "code", "bracket", "syntax", "value", "table", "twice", "parameter"]))
    line = draw(st.sampled_from(ASSIGNMENTS))
    key, value = line.split(" = ", 1)
    match how:
        case "key":
            if key == "mu":  # the name is not reserved, but expressions refer to it
                return replaced(line, f"nu = {value}")
            letter = draw(st.sampled_from("qwz_9"))
            place = draw(st.integers(0, len(key)))
            return replaced(line, f"{key[:place]}{letter}{key[place:]} = {value}")
        case "type":
            wrong = draw(
                st.sampled_from(
                    ["true", "1979-05-27", "nan", "inf", "-inf", "{a = 1}", "[[[1]]]", "[true]", "1e400", '"\\u0000"']
                )
            )
            return replaced(line, f"{key} = {wrong}") if key not in ("title", "citation") else replaced(line, f"{key} = 3")
        case "code":
            line = draw(st.sampled_from(EXPRESSIONS + NUMBERS))
            return replaced(line, f"{line.split(' = ')[0]} = {quoted(draw(st.sampled_from(CODE)))}")
        case "bracket":
            line = draw(st.sampled_from(EXPRESSIONS))
            key, value = line.split(" = ", 1)
            place = draw(st.integers(1, len(value) - 1))
            return replaced(line, f"{key} = {value[:place]}{draw(st.sampled_from('()[]{}'))}{value[place:]}")
        case "syntax":
            wrong = draw(
                st.sampled_from(
                    [f"{key} {value}", f"{key} = ", f"= {value}", f"{key} = = {value}", f"[{key} = {value}", f'"{line}']
                )
            )
            return replaced(line, wrong)
        case "value":
            old, new = draw(st.sampled_from(CONTRADICTIONS))
            return BASE.replace(old, new, 1)
        case "table":
            table = draw(
                st.sampled_from(
                    ["domain", "equation", "data", "spectrum", "parameters", "boundary", "variant", "domains", "variant.a"]
                )
            )
            wrong = draw(st.sampled_from([f"{table} = 3\n", f"{table} = [1]\n", f'{table} = "x"\n']))
            return wrong + BASE
        case "twice":
            return replaced(line, f"{line}\n{line}")
        case _:
            name = draw(
                st.sampled_from(["x", "y1", "pi", "sin", "x2", "y", "dimension", '"a b"', "and", '"__import__(1)"', '""', "x1"])
            )
            if name == "y1":
                return replaced("mu = 3", 'mu = 3\ny1 = "y2"')
            return replaced("mu = 3", f"mu = 3\n{name} = 1")


def refused(text):
    try:
        problem_from_text(text, name="mutant")
    except UserError as error:
        assert "\n" not in str(error) and all(10 < len(line) < 500 for line in error.lines)  # one line for each error
        return True
    return False


def test_the_unmodified_file_is_valid():
    assert not refused(BASE)
    assert len(load_problem("tones").text) > 0


def untouched():
    return CANARY not in os.environ and not Path("canary").exists()


@settings(max_examples=300)
@given(broken_files())
def test_malformed_files_are_refused_in_one_sentence(text):
    assert refused(text)
    assert untouched()


@pytest.mark.parametrize(("old", "new"), CONTRADICTIONS)
def test_every_contradiction_is_refused(old, new):
    assert old in BASE and refused(BASE.replace(old, new, 1))


@pytest.mark.parametrize("code", CODE)
def test_code_in_an_expression_is_never_executed(code):
    for line in (*EXPRESSIONS[:3], "mu = 3", 'where = "y < 0.5"'):
        text = BASE.replace(line, f"{line.split(' = ')[0]} = {quoted(code)}", 1)
        assert refused(text) or (code == "x < y" and "where" in line)
        assert untouched()


@settings(max_examples=100)
@given(st.integers(0, len(BASE)), st.integers(0, 12), st.text(max_size=6))
def test_random_damage_gives_a_valid_problem_or_a_refusal(place, cut, insert):
    refused(BASE[:place] + insert + BASE[place + cut :])
    assert untouched()


@pytest.mark.parametrize(
    "text", ["", "a = " + "[" * 5000, "mu = " + "9" * 5000, "x", "[domain", 'title = "\\q"', "\x00", "a.b.c = 1\na = 2"]
)
def test_texts_that_are_not_problem_files_are_refused(text):
    assert refused(text)


def test_syntax_errors_are_reported_with_their_line():
    with pytest.raises(ProblemFileError, match="line 8"):
        problem_from_text(BASE.replace("lower = ", "lower = = "))


@pytest.mark.parametrize(
    ("equation", "right"),
    [
        ('exact = "abs(x - 0.5)"', False),
        ('exact = "max(x, 0.3)"', False),
        ('diffusion = "where(x < 0.5, 1, 10)"\nexact = "sin(2*pi*x)"', False),
        ('exact = "abs(x - 0.5)**3"', True),  # a kink in the second derivative only
        ('diffusion = "where(x < 0.5, 1, 10)"\nexact = "where(x < 0.5, 10*x, x + 4.5)"', True),  # the flux is 10 everywhere
        ('diffusion = "1 + abs(x - 0.5)"\nexact = "sin(pi*x)"', True),
    ],
)
def test_an_exact_solution_whose_flux_jumps_is_refused(equation, right):
    """Classical derivatives do not contain the delta function that such a solution needs as its source."""
    text = f'[domain]\nkind = "box"\nlower = 0\nupper = 1\n[equation]\n{equation}\n'
    if right:
        assert problem_from_text(text, name="kink", parameters={}).exact is not None
    else:
        with pytest.raises(ProblemFileError, match="flux"):
            problem_from_text(text, name="kink", parameters={})


@pytest.mark.parametrize("outside", [5, 80])
def test_a_flux_across_a_sphere_is_accepted_if_and_only_if_it_is_continuous(outside):
    """A charge in a dielectric sphere: another charge outside makes the potential jump, another permittivity the flux."""
    problem = load_problem("dielectric-sphere", outside=outside)
    x = torch.rand(500, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    r = x.norm(dim=1)
    assert problem.exact is not None
    flux = problem.diffusion(x)[:, None] * problem.exact.gradient(x)
    coulomb = -x / (4 * math.pi * r**3)[:, None]  # Gauss's law: a unit charge in the core
    torch.testing.assert_close(flux[r > 0.5], coulomb[r > 0.5], rtol=1e-12, atol=0)  # rounding
    text = (Path(__file__).parents[3] / "problems" / "dielectric-sphere.toml").read_text()
    with pytest.raises(ProblemFileError, match="exact is discontinuous"):
        problem_from_text(text.replace("4*pi*outside", "2*pi*outside"), name="sphere", parameters={"outside": str(outside)})
    with pytest.raises(ProblemFileError, match="flux"):
        problem_from_text(
            text.replace("inside, outside)", "inside, 1.5*outside)"), name="sphere", parameters={"outside": str(outside)}
        )


def test_conditions_that_are_written_as_several_tables_are_one_error():
    """The message has the form to type, and no second error says that the conditions are missing."""
    text = '[domain]\nkind = "disk"\nradius = 1\n[equation]\nsource = "1"\n[[boundary]]\nname = "outer"\nvalue = "0"\n'
    with pytest.raises(ProblemFileError) as refused:
        problem_from_text(text, name="parts", parameters={})
    assert str(refused.value) == "[boundary] is one table: write [[boundary.part]] in place of [[boundary]]"

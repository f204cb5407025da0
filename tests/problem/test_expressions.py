import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import ProblemFileError
from pdefreq.problem.expressions import functions, parse_condition, parse_field, parse_number
from pdefreq.problem.expressions.functions import FUNCTIONS
from pdefreq.problem.expressions.scope import Scope, check_parameter_name

KEY = "[equation] source"
PLANE = Scope(2, {"a": 0.7, "mu": 15.0})
POINTS = torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 4 - 2


def field(text, scope=PLANE):
    return parse_field(text, scope, KEY)


def at(text, *point, scope=PLANE):
    return float(field(text, scope)(torch.tensor([point], dtype=torch.float64))[0])


# --- Random trees, evaluated by the package and by plain Python with a running bound of its rounding error ----------------


class Unsafe(Exception):
    """The value is so ill-conditioned that two correct evaluations may differ."""


EPS = 2.0**-52
UNARY = {
    "-({})": lambda a, e: (-a, e),
    "sin({})": lambda a, e: (math.sin(a), e + EPS),
    "cos({})": lambda a, e: (math.cos(a), e + EPS),
    "tanh({})": lambda a, e: (math.tanh(a), e + EPS),
    "atan({})": lambda a, e: (math.atan(a), e + EPS),
    "erf({})": lambda a, e: (math.erf(a), 2 * e + EPS),
    "exp({})": lambda a, e: (math.exp(a), math.exp(a) * (e + EPS * (1 + abs(a)))),
    "sqrt(1 + ({})^2)": lambda a, e: (math.hypot(1, a), e + EPS * (1 + abs(a))),
    "log(1 + abs({}))": lambda a, e: (math.log1p(abs(a)), e + EPS * (1 + abs(a))),
    "({})**2": lambda a, e: (a**2, 2 * abs(a) * e + EPS * a**2),
    "({})^3": lambda a, e: (a**3, 3 * a**2 * e + EPS * abs(a) ** 3),
    "abs({})": lambda a, e: (abs(a), e),
}


def divide(a, e, b, f):
    if abs(b) < 1e-2:
        raise Unsafe
    return a / b, e / abs(b) + abs(a) * f / b**2 + EPS * abs(a / b)


BINARY = {
    "({} + {})": lambda a, e, b, f: (a + b, e + f + EPS * (abs(a) + abs(b))),
    "({} - {})": lambda a, e, b, f: (a - b, e + f + EPS * (abs(a) + abs(b))),
    "{} * {}": lambda a, e, b, f: (a * b, abs(a) * f + abs(b) * e + EPS * abs(a * b)),
    "({}) / ({})": divide,
    "min({}, {})": lambda a, e, b, f: (min(a, b), max(e, f)),
    "max({}, {})": lambda a, e, b, f: (max(a, b), max(e, f)),
}
LEAVES = ["x", "y", "x1", "x2", "a", "pi", "0.5", "2", "3", "0.1", "7", "1e-1"]
SMOOTH = [t for t in UNARY if "abs" not in t]


def trees(unary, binary, where):
    def grow(children):
        options = [
            st.tuples(st.sampled_from(sorted(unary)), children),
            st.tuples(st.sampled_from(sorted(binary)), children, children),
        ]
        if where:
            options.append(st.tuples(st.just("where({} < {}, {}, {})"), children, children, children, children))
        return st.one_of(options)

    return st.recursive(st.sampled_from(LEAVES).map(lambda leaf: (leaf,)), grow, max_leaves=12)


def text_of(tree):
    template, *children = tree
    pieces = [text_of(child) for child in children]
    return template.format(*(f"({p})" if template == "{} * {}" else p for p in pieces))


def value_of(tree, x, y):
    """Value and error bound by plain floating-point arithmetic."""
    template, *children = tree
    if not children:
        names = {"x": x, "y": y, "x1": x, "x2": y, "a": 0.7, "pi": math.pi}
        value = names[template] if template in names else float(template)
        return value, EPS * abs(value)
    if template.startswith("where"):
        (a, e), (b, f) = value_of(children[0], x, y), value_of(children[1], x, y)
        if abs(a - b) <= 100 * (e + f):
            raise Unsafe
        return value_of(children[2] if a < b else children[3], x, y)
    parts = [v for child in children for v in value_of(child, x, y)]
    if template.startswith("exp") and parts[0] > 20:
        raise Unsafe
    value, error = (UNARY if len(children) == 1 else BINARY)[template](*parts)
    if abs(value) > 1e12:
        raise Unsafe
    return value, error


def expected(tree):
    rows = []
    for x, y in POINTS.tolist():
        try:
            rows.append(value_of(tree, x, y))
        except Unsafe:
            rows.append((math.nan, math.inf))
    return torch.tensor(rows, dtype=torch.float64).T


@given(trees(UNARY, BINARY, where=True))
def test_compiled_expressions_agree_with_plain_arithmetic(tree):
    value, error = expected(tree)
    safe = error.isfinite()
    try:
        ours = field(text_of(tree))(POINTS)
    except ProblemFileError:
        assert not safe.any()  # such as a division by zero: undefined everywhere
        return
    # The bound applies to the order of operations in the text; the elementary functions of torch and of Python differ by an ulp.
    assert ((ours - value).abs()[safe] <= 2 * error[safe]).all()


def as_written(tree, x):
    """The values of a tree, evaluated by torch in the order of operations of the text."""
    template, *children = tree
    if not children:
        known = {"x": x[:, 0], "y": x[:, 1], "x1": x[:, 0], "x2": x[:, 1], "a": x.new_tensor(0.7), "pi": x.new_tensor(math.pi)}
        return known[template] if template in known else x.new_tensor(float(template))
    a, *rest = (as_written(child, x) for child in children)
    functions = {"sin": torch.sin, "cos": torch.cos, "tanh": torch.tanh, "atan": torch.atan, "erf": torch.erf, "exp": torch.exp}
    match template.split("("):
        case [name, "{})"] if name in functions:
            return functions[name](a)
    by_template = {
        "-({})": lambda: -a,
        "sqrt(1 + ({})^2)": lambda: (1 + a**2).sqrt(),
        "log(1 + abs({}))": lambda: (1 + a.abs()).log(),
        "({})**2": lambda: a**2,
        "({})^3": lambda: a**3,
        "abs({})": lambda: a.abs(),
        "({} + {})": lambda: a + rest[0],
        "({} - {})": lambda: a - rest[0],
        "{} * {}": lambda: a * rest[0],
        "({}) / ({})": lambda: a / rest[0],
        "min({}, {})": lambda: torch.minimum(a, rest[0]),
        "max({}, {})": lambda: torch.maximum(a, rest[0]),
        "where({} < {}, {}, {})": lambda: torch.where(a < rest[0], rest[1], rest[2]),
    }
    return by_template[template]()


def varying(numbers):
    """Trees in which every operation contains a coordinate: constant subexpressions are evaluated exactly, not as floats."""
    leaves = st.sampled_from(["x", "y", "x1", "x2"]).map(lambda leaf: (leaf,))
    constants = st.sampled_from(numbers).map(lambda leaf: (leaf,))

    def grow(children):
        two, one = st.sampled_from(sorted(BINARY)), st.sampled_from(sorted(UNARY))
        return st.one_of(
            st.tuples(one, children),
            st.tuples(two, children, children),
            st.tuples(two, children, constants),
            st.tuples(two, constants, children),
            st.tuples(st.just("where({} < {}, {}, {})"), children, children, children, constants),
        )

    return st.recursive(leaves, grow, max_leaves=12)


@given(varying(["a", "pi", "0.5", "2", "3", "0.1", "7", "1e-3", "1e9", "1e200", "1e-300"]))
def test_formulas_are_evaluated_as_written(tree):
    """Bit for bit, if the operations of the text, one after the other, give finite values."""
    theirs = as_written(tree, POINTS)
    try:
        ours = field(text_of(tree))(POINTS)
    except ProblemFileError as refusal:
        assert "zero" in str(refusal)  # a division by u - u
        return
    finite = theirs.isfinite()
    assert torch.equal(ours[finite], theirs[finite])


@given(trees(UNARY, BINARY, where=True))
def test_the_text_of_a_formula_is_the_same_formula(tree):
    try:
        own = field(text_of(tree))
    except ProblemFileError:
        return
    assert field(own.text) == own


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("exp((x - 1)/0.001)", 0.5, math.exp(-500)),
        ("exp(1000*(x - 1) + 0.5)", 0.75, math.exp(-249.5)),
        ("exp(800*x)/exp(800*x)", 0.5, 1.0),
        ("exp(-800*x)*exp(400*x)", 1.5, 0.0),  # the first factor underflows, and so does the product as written
        ("(2.0**600*x)**2", 2.0**-580, 2.0**40),
        ("(x + 1e16) - 1e16", 1.0, 0.0),
        ("1e16*(x - 1)", 1 + 2**-52, 1e16 * 2**-52),
        ("x/3", 7.0, 7 / 3),
        ("1/(1 + 1/x)", 3.0, 1 / (1 + 1 / 3)),
        ("sin(pi)*x", 1.0, 0.0),  # constants are exact if possible
        ("x**(1/10 + 2/10 - 3/10)", 2.0, 1.0),
        ("tanh((x - 0.5)/1e-4)", 0.4, -1.0),
    ],
)
def test_formulas_are_not_rewritten_by_sympy(text, x, value):
    assert at(text, x, scope=Scope(1)) == value


def test_quotients_have_finite_derivatives_where_the_squared_divisor_overflows():
    """d/dx of e/(1 + e) with e = exp(600 x) is e 600 / (1 + e)^2, where the square of e overflows beyond x = 0.6."""
    u = field("exp(600*x)/(1 + exp(600*x))", Scope(1))
    x = torch.tensor([[0.0], [0.01], [0.5], [0.9], [1.1]], dtype=torch.float64)
    e = (-600 * x[:, 0]).exp()
    # The two terms of the derivative have size 600 and cancel where u is 1.
    torch.testing.assert_close(u.gradient(x)[:, 0], 600 * e / (1 + e) ** 2, rtol=0, atol=600 * 1e-14)


@given(trees(SMOOTH, set(BINARY) - {"min({}, {})", "max({}, {})"}, where=False))
def test_symbolic_gradients_agree_with_automatic_differentiation(tree):
    _, error = expected(tree)
    try:
        ours = field(text_of(tree))
    except ProblemFileError:
        return
    x = POINTS[error.isfinite()]
    x = x.requires_grad_(True) if len(x) else POINTS[:0].requires_grad_(True)
    u = ours(x)
    theirs = torch.autograd.grad(u.sum(), x)[0] if u.requires_grad else torch.zeros_like(x)
    gap, scale = (ours.gradient(x.detach()) - theirs).abs(), 1 + theirs.abs()
    calm = scale < 1e6  # a wrong rule has an error of size 1; cancellation in either evaluation is far below 1e-6 here
    assert (gap[calm] <= 1e-6 * scale[calm]).all()


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_and_its_derivative(name):
    inner = ["0.45 + 0.2*x", "0.7 - 0.15*x*y"][: FUNCTIONS[name][1]]
    u = field(f"{name}({', '.join(inner)})")
    x = POINTS.clone().requires_grad_(True)
    (theirs,) = torch.autograd.grad(u(x).sum(), x)
    scale = theirs.abs().max().clamp(min=1)  # both are closed forms of size 1: only rounding
    assert ((u.gradient(POINTS) - theirs).abs().max() <= 1e-13 * scale) and u(POINTS).isfinite().all()


def test_gradients_at_kinks_are_one_sided():
    for text, slope in [("abs(x)", lambda x: x.sign()), ("max(x, 0)", lambda x: (x > 0).double()), ("sign(x)", torch.zeros_like)]:
        assert torch.equal(field(text).gradient(POINTS)[:, 0], slope(POINTS[:, 0]))


def test_powers_of_products_have_a_finite_gradient_at_zeros():
    """d/dx (x (1 - x))^1.5 = 1.5 sqrt(x (1 - x)) (1 - 2 x) vanishes at both ends; v' / v would be 0 / 0 there."""
    gradient = field("(x*(1 - x))**1.5", Scope(1)).gradient(torch.tensor([[0.0], [0.25], [1.0]], dtype=torch.float64))
    torch.testing.assert_close(gradient[:, 0], torch.tensor([0, 1.5 * math.sqrt(3 / 16) / 2, 0], dtype=torch.float64))


def test_variable_exponents():
    u = field("(1.5 + x)**y", Scope(2))
    x = (POINTS[:, :] * 0.5).requires_grad_(True)
    (theirs,) = torch.autograd.grad(u(x).sum(), x)
    torch.testing.assert_close(u.gradient(x.detach()), theirs)
    assert at("2**(x + 1)", 2.0, 0.0) == pytest.approx(8, rel=1e-15)


# --- Names ----------------------------------------------------------------------------------------------------------------


def test_coordinates_have_two_names_up_to_three_dimensions():
    for d, names in [(1, "x"), (2, "xy"), (3, "xyz")]:
        for k, name in enumerate(names, 1):
            assert field(name, Scope(d)) == field(f"x{k}", Scope(d))
    assert at("x4 - x1", 1.0, 2.0, 3.0, 5.0, scope=Scope(4)) == 4


def test_sums_and_products_run_over_the_coordinates():
    three = Scope(3)
    assert field("sum(k*xk^2)", three) == field("x^2 + 2*y^2 + 3*z^2", three)
    assert field("prod(sin(xk))", three) == field("sin(x)*sin(y)*sin(z)", three)
    assert field("sum(xk*prod(xk + 1))", Scope(2)) == field("x*((x+1)*(y+1)) + y*((x+1)*(y+1))", Scope(2))
    assert field("sum(1)/dimension", Scope(3, {"dimension": 3.0})).constant == 1


def test_a_caret_is_a_power_with_its_precedence():
    assert at("2*x^2 + 1", 3.0, 0.0) == 19
    assert at("-x^2", 3.0, 0.0) == -9


def test_conditions():
    x = torch.tensor([[-1.0], [0.0], [0.5], [2.0]], dtype=torch.float64)
    for text, holds in [
        ("x < 0", [1, 0, 0, 0]),
        ("0 <= x < 2", [0, 1, 1, 0]),
        ("x == 2 or x < 0", [1, 0, 0, 1]),
        ("not x > 0 and x != 0", [1, 0, 0, 0]),
        ("1 < 2", [1, 1, 1, 1]),
    ]:
        region = parse_condition(text, Scope(1), "[[boundary.part]] where")
        assert region(x).tolist() == [bool(h) for h in holds], text
        assert region(x).dtype == torch.bool


def test_constants_are_recognized():
    assert field("2*pi*a").constant == pytest.approx(1.4 * math.pi, rel=1e-15)
    assert field("x - x + 3").constant == 3
    assert field("where(1 < 2, 3, x)").constant == 3
    assert field("x").constant is None
    assert parse_number("2*mu + 1", {"mu": 4.0}, "[domain] upper") == 9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_have_the_dtype_of_the_points(dtype):
    x = torch.tensor([[-1.0], [1.0]], dtype=dtype)
    for text in ["where(x < 0, 0.1, 0.2)", "0.1 + 0*x", "max(0.1, x)", "atan2(0.1, x)", "pi"]:
        u = field(text, Scope(1))
        assert u(x).dtype == dtype and u(x).shape == (2,)
        assert u.gradient(x).dtype == dtype and u.gradient(x).shape == (2, 1)
    assert float(field("where(x < 0, 0.1, 0.2)", Scope(1))(x)[0]) == float(torch.tensor(0.1, dtype=dtype))


def test_values_may_be_changed_in_place():
    x = POINTS.clone()
    for text in ("3", "x"):
        field(text)(x).add_(1)
    assert torch.equal(x, POINTS)


def test_common_subexpressions_are_evaluated_once(monkeypatch):
    calls = []
    monkeypatch.setitem(functions.TORCH, functions.Sine, lambda x: calls.append(1) or torch.sin(x))
    field("sin(mu*x) + cos(sin(mu*x)) + sin(mu*x)^3 * y")(POINTS)
    assert len(calls) == 1


def test_long_sums_need_no_recursion():
    assert at("+".join(["x"] * 2000), 1.0, 0.0) == 2000
    assert at("*".join(["x"] * 1000), 1.0, 0.0) == 1


# --- Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("sin(mux)", "'mu'"),
        ("sinn(x)", "'sin'"),
        ("z", "no coordinate 'z' in dimension 2"),
        ("x7", "no coordinate 'x7' in dimension 2"),
        ("xk", "inside sum"),
        ("x(3)", "with *"),
        ("2x", "2*x"),
        ("sin", "sin(...)"),
        ("sin(x, y)", "takes 1 argument, got 2"),
        ("sin(x=1)", "sin(x=1)"),
        ("sin(x", "sin(x"),
        ("x) + (y", "unmatched"),
        ("x < 0", "where"),
        ("where(x, 1, 2)", "not a condition"),
        ("x # y", "#"),
        ("", "empty"),
        ("x + ", "x +"),
        ("1/(x - x)", "zero"),
        ("sqrt(-1)", "real"),
        ("(-8)**(1/3)", "real"),
        ("log(0)", "real"),
        ("exp(1000)", "too large"),
        ("1e999", "too large"),
        ("0**x", "variable power"),
        ("x**1001", "between -1000 and 1000"),
        ("'x'", "is not allowed"),
        ("True", "is not allowed"),
        ("1j", "is not allowed"),
        ("x if y else 1", "is not allowed"),
        ("__import__('os')", "__import__"),
        ("x.real", "x.real"),
        ("x[0]", "x[0]"),
        ("(lambda: 1)()", "lambda"),
        ("(y := 3)", "y := 3"),
        ("f'{x}'", "is not allowed"),
        ("[x for x in y]", "is not allowed"),
        ("x; y", "x; y"),
        ("import os", "import os"),
        ("x and y", "is not allowed"),
        ("\N{GREEK SMALL LETTER PI}", "unknown name"),
    ],
)
def test_texts_that_are_not_expressions_are_refused_in_one_sentence(text, hint):
    with pytest.raises(ProblemFileError) as refusal:
        field(text)
    message = str(refusal.value)
    assert message.startswith(KEY) and hint in message and "\n" not in message and len(message) < 400


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "9.0**9.0**9.0**9.0",
        "x**(10**15)",
        "exp(exp(exp(exp(10))))",
        "9" * 5000,
        "1" + "0" * 400,
        "(" * 500 + "x" + ")" * 500,
        "-" * 5000 + "x",
        "not " * 2000 + "x < 1",
        "sin(" * 100 + "x" + ")" * 100,
        "sum(" * 20 + "xk" + ")" * 20,
        "x" * 20_000,
        "x\x00y",
    ],
    ids=lambda text: text[:20],
)
def test_excessive_sizes_are_refused_in_one_sentence(text):
    with pytest.raises(ProblemFileError) as refusal:
        field(text)
    assert "\n" not in str(refusal.value) and len(str(refusal.value)) < 400


@given(st.text(alphabet="xy12.+-*/^()<>=, sincoewhrsumpk_'\"[]{}:#\\\n", max_size=40))
def test_any_text_is_an_expression_or_refused(text):
    for parse in (parse_field, parse_condition):
        try:
            parse(text, PLANE, KEY)
        except ProblemFileError as refusal:
            assert "\n" not in str(refusal)


# --- Parameters -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["pi", "sin", "where", "sum", "and", "dimension", "variant", "a b", "1a", "", "a-b", "\N{MICRO SIGN}"]
)
def test_names_of_parameters_are_not_reserved_words(name):
    with pytest.raises(ProblemFileError, match=r"^\[parameters\]: "):
        check_parameter_name(name, "[parameters]")


ANY_NAME = ["mu_1", "k", "xk", "e", "z", "x9", "lambda", "in", "if", "None", "True", "_", "\N{GREEK SMALL LETTER MU}", "sinn"]


@pytest.mark.parametrize("name", ANY_NAME)
def test_all_other_names_may_be_parameters(name):
    check_parameter_name(name, "[parameters]")
    scope = Scope(2, {name: 3.0, "other": 5.0})
    assert field(f"2*x + {name}*other/({name}+1)", scope) == field("2*x + 3*5/(3+1)", scope)
    assert at(f"where({name} < x and not {name} == 7, {name}**2, 1)", 4.0, 0.0, scope=scope) == 9
    with pytest.raises(ProblemFileError, match=rf"'{name}' is not a function in '{name}\(x\)'"):
        field(f"{name}(x)", scope)
    with pytest.raises(ProblemFileError, match=rf"'{name} other' is not an expression|near"):
        field(f"{name} other", scope)


@given(st.lists(st.sampled_from(ANY_NAME), min_size=1, max_size=5, unique=True), st.lists(st.sampled_from(ANY_NAME), min_size=1))
def test_parameters_of_any_names_are_independent(names, text):
    scope = Scope(2, {name: 2.0**i for i, name in enumerate(names)})
    if set(text) <= set(names):
        assert field(" + ".join(text), scope).constant == sum(scope.parameters[name] for name in text)
    else:
        with pytest.raises(ProblemFileError):
            field(" + ".join(text), scope)


@pytest.mark.parametrize("name", ["k", "xk"])
def test_inside_sums_a_parameter_does_not_hide_the_running_index(name):
    scope = Scope(2, {name: 3.0})
    assert field(f"{name}*sum(1)", scope).constant == 6
    for text in (f"sum({name})", f"prod(1 + x*{name}) + 1"):
        with pytest.raises(ProblemFileError, match=f"'{name}' is .* inside sum.* rename the parameter"):
            field(text, scope)


def test_coordinates_of_the_problem_cannot_be_parameters():
    for name, refused, allowed in [("x", 3, 4), ("z", 3, 2), ("x4", 4, 3), ("x1", 1, None)]:
        with pytest.raises(ProblemFileError, match=f"'{name}' is a coordinate in dimension {refused}"):
            Scope(refused, {name: 1.0})
        if allowed:
            assert field(f"{name} + 1", Scope(allowed, {name: 1.0})).constant == 2


@pytest.mark.parametrize(
    ("text", "functions"),
    [
        ("where(x < 0.3, 1, a)", ["x - 0.3"]),
        ("where(x < 0.3 or not y >= x, 1, 2)", ["x - 0.3", "x - y"]),
        ("where(abs(x - 0.4) < 1e-5, 1, 2)", ["x - 0.4", "abs(x - 0.4) - 1e-05"]),
        ("abs(x*y) + sign(x)*min(x, 2*y) + max(1, 2)", ["x*y", "x", "x - 2*y"]),
        ("sqrt(x) + 1/(x - y) + x**3 + log(2 + y)", ["x", "x - y", "2 + y"]),
        ("atan2(y, x) + sin(x)**2*exp(-y)", ["y"]),
    ],
)
def test_level_sets_contain_the_points_where_a_formula_may_lose_smoothness(text, functions):
    assert [level_set.text for level_set in field(text).level_sets] == functions


def test_a_region_is_bounded_by_its_level_sets_and_functions_of_u_define_none():
    assert [level_set.text for level_set in parse_condition("x < 0 and y**2 > 4", PLANE, KEY).level_sets] == ["x", "4 - y**2"]
    assert field("abs(u) + abs(x)", Scope(2, {}, ("u",))).level_sets == (field("x"),)

"""The problem in mathematical notation, as MathML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pdefreq.reports.markup import Markup, escape, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sympy import Basic

    from pdefreq.problem.problem import Problem
    from pdefreq.problem.terms.term import Term

_MOST = 12_000  # characters of a formula; a longer one is replaced by its name, and the list of the problem has its text


def equation_markup(problem: Problem) -> list[Markup]:
    """The equation, the source and the exact solution."""
    from pdefreq.problem.expressions.scope import Scope

    x = list(Scope(problem.domain.dimension).coordinates)
    terms = "<mo>+</mo>".join(_term(term, x) for term in problem.equation)
    lines = [("equation", f"{terms}<mo>=</mo><mi>f</mi>"), ("source", f"<mi>f</mi><mo>=</mo>{_field(problem.source)}")]
    if problem.exact is not None:
        lines.append(("exact solution", f"<mi>u</mi><mo>=</mo>{_field(problem.exact)}"))
    return [_line(name, content) for name, content in lines]


def _line(name: str, content: str) -> Markup:
    math = Markup(f'<math display="block"><mrow>{content}</mrow></math>')
    return tag("div", math, class_="formula", tabindex="0", role="group", aria_label=name)


def _term(term: Term, x: Sequence[Any]) -> str:
    """A term of the equation, applied to u; the text of the term if it has no other form."""
    from sympy import Symbol

    from pdefreq.core.errors import UserError
    from pdefreq.problem.terms.convection import Convection
    from pdefreq.problem.terms.diffusion import Diffusion

    if isinstance(term, Diffusion):
        return f"<mo>−</mo><mo>∇</mo><mo>·</mo><mrow><mo>(</mo>{_diffusion(term)}<mo>∇</mo><mi>u</mi><mo>)</mo></mrow>"
    if isinstance(term, Convection):
        pairs = zip(term.velocity, x, strict=True)
        return "<mo>+</mo>".join(
            f"{_factor(b)}<mfrac><mrow><mo>∂</mo><mi>u</mi></mrow><mrow><mo>∂</mo>{_mathml(s)}</mrow></mfrac>" for b, s in pairs
        )
    try:
        formula = _mathml(term.symbolic(Symbol("u"), x)) if term.order == 0 else None
    except (UserError, NotImplementedError):
        formula = None
    return f"<mrow>{formula or _text(term.text)}</mrow>"


def _diffusion(term: Any) -> str:
    from pdefreq.core.fields import Field

    p = term.exponent
    power = f"<msup><mrow><mo>|</mo><mo>∇</mo><mi>u</mi><mo>|</mo></mrow><mn>{p - 2:g}</mn></msup>" if p != 2 else ""
    if isinstance(term.coefficient, Field):
        return ("" if term.coefficient.constant == 1 else _factor(term.coefficient)) + power
    rows = ("".join(f"<mtd>{_field(entry)}</mtd>" for entry in row) for row in term.coefficient)
    return f"<mrow><mo>(</mo><mtable>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable><mo>)</mo></mrow>{power}"


def _factor(field: Any) -> str:
    return (
        _field(field)
        if field.constant is not None and field.constant >= 0
        else f"<mrow><mo>(</mo>{_field(field)}<mo>)</mo></mrow>"
    )


def _field(field: Any) -> str:
    from pdefreq.core.errors import UserError
    from pdefreq.problem.expressions import expression_of

    try:
        formula = _mathml(expression_of(field))
    except UserError:  # a Python function or a table
        formula = None
    return formula or _text(field.text)


def _mathml(expression: Basic) -> str | None:
    """Presentation MathML of an expression; None if it has no printed form, or a very long one."""
    from sympy.printing.mathml import mathml

    from pdefreq.problem.expressions import functions as own

    for function, printed in _printed().items():
        expression = expression.replace(function, printed)
    if expression.has(own.RealFunction):  # such as a case distinction
        return None
    text = mathml(expression, printer="presentation")
    return text if len(text) <= _MOST else None


def _printed() -> dict[Any, Any]:
    """The functions of SymPy in place of those of the package, whose class names its printer would write."""
    import sympy

    from pdefreq.problem.expressions import functions as own

    return {
        own.Sine: sympy.sin,
        own.Cosine: sympy.cos,
        own.Tangent: sympy.tan,
        own.Arcsine: sympy.asin,
        own.Arccosine: sympy.acos,
        own.Arctangent: sympy.atan,
        own.HyperbolicSine: sympy.sinh,
        own.HyperbolicCosine: sympy.cosh,
        own.HyperbolicTangent: sympy.tanh,
        own.Exponential: sympy.exp,
        own.Logarithm: sympy.log,
        own.ErrorFunction: sympy.erf,
        own.Absolute: sympy.Abs,
    }


def _text(text: str) -> str:
    return f"<mtext>{escape(text if len(text) < 300 else text[:300] + ' ...')}</mtext>"

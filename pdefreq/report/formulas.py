"""The problem in mathematical notation, as MathML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pdefreq.report.markup import Markup, escape, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sympy import Expr

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
    return tag("div", math, class_="formula", tabindex="0", role="region", aria_label=name)


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
        return "<mo>+</mo>".join(f"{_factor(b)}<mfrac><mrow><mo>∂</mo><mi>u</mi></mrow><mrow><mo>∂</mo>{_mathml(s)}</mrow></mfrac>" for b, s in pairs)
    try:
        return f"<mrow>{_mathml(term.symbolic(Symbol('u'), x)) if term.order == 0 else _text(term.text)}</mrow>"
    except (UserError, NotImplementedError, AttributeError):
        return _text(term.text)


def _diffusion(term: Any) -> str:
    from pdefreq.core.fields import Field

    p = term.exponent
    power = f"<msup><mrow><mo>|</mo><mo>∇</mo><mi>u</mi><mo>|</mo></mrow><mn>{p - 2:g}</mn></msup>" if p != 2 else ""
    if isinstance(term.coefficient, Field):
        return ("" if term.coefficient.constant == 1 else _factor(term.coefficient)) + power
    rows = ("".join(f"<mtd>{_field(entry)}</mtd>" for entry in row) for row in term.coefficient)
    return f"<mrow><mo>(</mo><mtable>{''.join(f'<mtr>{row}</mtr>' for row in rows)}</mtable><mo>)</mo></mrow>{power}"


def _factor(field: Any) -> str:
    return _field(field) if field.constant is not None and field.constant >= 0 else f"<mrow><mo>(</mo>{_field(field)}<mo>)</mo></mrow>"


def _field(field: Any) -> str:
    from pdefreq.core.errors import UserError
    from pdefreq.problem.expressions import expression_of

    try:
        return _mathml(expression_of(field))
    except UserError:  # a Python function or a table
        return _text(field.text)


def _mathml(expression: Expr) -> str:
    from sympy.printing.mathml import mathml

    try:
        text = mathml(expression, printer="presentation")
    except (NotImplementedError, TypeError, AttributeError):  # a function that the printer does not know
        return _text(str(expression))
    return text if len(text) <= _MOST else "<mtext>(see the text below)</mtext>"


def _text(text: str) -> str:
    return f"<mtext>{escape(text if len(text) < 300 else text[:300] + ' ...')}</mtext>"

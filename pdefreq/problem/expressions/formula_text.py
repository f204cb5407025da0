"""Formulas as text in the language of problem files: reading the text again gives the same formula."""

from __future__ import annotations

from typing import Any

from sympy import Integer, Rational

from pdefreq.problem.expressions.arithmetic import divisor, negative
from pdefreq.problem.expressions.functions import FUNCTIONS, Both, Either, Equal, Less, LessEqual, Not, Where

_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _POWER, _ATOM = range(8)  # binding strength

_NAMES: dict[Any, str] = {constructor: name for name, (constructor, _) in FUNCTIONS.items()} | {Where: "where"}
_BETWEEN = {
    Either: (" or ", _OR),
    Both: (" and ", _AND),
    Less: (" < ", _COMPARISON),
    LessEqual: (" <= ", _COMPARISON),
    Equal: (" == ", _COMPARISON),
}


def formula_text(u: Any) -> str:
    """The text of an expression or a condition."""
    return _text(u)[0]


def _text(u: Any) -> tuple[str, int]:
    """The text, and how strongly it binds."""
    if u.is_Number:
        return _number(u)
    if not u.args:
        return str(u), _ATOM
    if u.is_Add:
        return "".join(_signed(term, first=i == 0) for i, term in enumerate(u.args)), _SUM
    if u.is_Mul:
        return _product(u.args), _PRODUCT
    if u.is_Pow:
        if divisor(u) is not None:
            return _product((u,)), _PRODUCT
        if u.exp == Rational(1, 2):
            return f"sqrt({formula_text(u.base)})", _ATOM
        return f"{_bracketed(u.base, _ATOM)}**{_bracketed(u.exp, _ATOM)}", _POWER
    if isinstance(u, Not):
        return f"not {_bracketed(u.args[0], _COMPARISON)}", _NOT
    if u.func in _BETWEEN:
        sign, strength = _BETWEEN[u.func]
        return sign.join(_bracketed(operand, strength + 1) for operand in u.args), strength
    return f"{_NAMES.get(u.func, u.func)}({', '.join(map(formula_text, u.args))})", _ATOM


def _number(u: Any) -> tuple[str, int]:
    text = str(u) if u.is_Rational else repr(float(u))
    return text, _ATOM if (u.is_Integer and u.p >= 0) or (u.is_Float and u >= 0) else _PRODUCT


def _signed(term: Any, *, first: bool) -> str:
    """A term of a sum with its sign in front."""
    leading = term.args[0] if term.is_Mul else term
    if leading.is_Number and leading < 0:
        return f"{'-' if first else ' - '}{_bracketed(negative(term), _PRODUCT)}"
    return f"{'' if first else ' + '}{_bracketed(term, _PRODUCT)}"


def _product(factors: tuple[Any, ...]) -> str:
    first, *rest = factors
    if first == Integer(-1) and rest:
        return f"-{_product(tuple(rest))}"
    below = divisor(first) if first.is_Pow else None
    text = _bracketed(first, _PRODUCT if first.is_Number else _POWER) if below is None else f"1/{_bracketed(below, _POWER)}"
    for factor in rest:
        below = divisor(factor)
        text += f"*{_bracketed(factor, _POWER)}" if below is None else f"/{_bracketed(below, _POWER)}"
    return text


def _bracketed(u: Any, least: int) -> str:
    text, strength = _text(u)
    return text if strength >= least else f"({text})"

"""Description of a problem in words."""

from __future__ import annotations

from pdefreq.problem.boundary_conditions import BoundaryPart
from pdefreq.problem.problem import Problem


def describe(problem: Problem) -> list[tuple[str, str]]:
    """The parts of a problem as rows of a label and a text."""
    domain, spectrum, data = problem.domain, problem.spectrum, problem.data
    rows = [
        ("problem", f"{problem.name}: {problem.title}" if problem.title else problem.name),
        ("citation", problem.citation),
        ("domain", f"{_clipped(domain.title)}, dimension {domain.dimension}, measure {domain.measure:.6g}"),
        *(("note", sentence) for sentence in domain.remarks),
        ("equation", _equation(problem)),
        ("parameters", ", ".join(f"{name} = {value:g}" for name, value in problem.parameters.items())),
        ("source f", _clipped(problem.source.text)),
        ("exact u", _clipped(problem.exact.text) if problem.exact is not None else "not known"),
        *(("boundary", _condition(problem, part)) for part in problem.boundary),
        ("data", data.text(domain.dimension) if data is not None else ""),
        ("modes", spectrum.modes or ""),
        ("direction", ", ".join(f"{p:.6g}" for p in spectrum.direction)),
        ("wavenumbers", ", ".join(f"{k:.6g}" for k in spectrum.wavenumbers)),
    ]
    return [(label, text) for label, text in rows if text]


def _equation(problem: Problem) -> str:
    text = " + ".join(_clipped(term.text) for term in problem.equation)
    return f"{text} = f{' (regression)' if problem.is_regression else ''}"


def _condition(problem: Problem, part: BoundaryPart) -> str:
    if part.kind == "periodic":
        return f"u is periodic along {part.name}"
    place = part.name or ("the whole boundary" if len(problem.boundary) == 1 else "the rest")
    if part.where is not None:
        place += f" where {getattr(part.where, 'text', 'a Python function holds')}"
    if part.kind == "dirichlet":
        return f"u = {_clipped(part.value.text)} on {place}"
    alpha = "" if part.alpha.constant == 0 else f" + ({_clipped(part.alpha.text)}) u"
    flux = " + ".join(term.flux_text for term in problem.equation if term.flux_text)
    return f"{flux}{alpha} = {_clipped(part.flux.text)} on {place}"


def _clipped(text: str) -> str:
    return text if len(text) <= 240 else f"{text[:240]} ..."

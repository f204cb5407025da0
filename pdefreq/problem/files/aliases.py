"""Alternative names of the kinds and keys of a problem file."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.findings import Findings
from pdefreq.problem.expressions.scope import shorten

DOMAIN_ALIASES: dict[str, dict[str, Any]] = {  # the kind and the values that the alias implies
    "interval": {"kind": "box", "dimension": 1},
    "square": {"kind": "box", "dimension": 2},
    "rectangle": {"kind": "box", "dimension": 2},
    "cube": {"kind": "box", "dimension": 3},
    "unit_interval": {"kind": "box", "dimension": 1, "lower": 0, "upper": 1},
    "unit_square": {"kind": "box", "dimension": 2, "lower": 0, "upper": 1},
    "unit_cube": {"kind": "box", "dimension": 3, "lower": 0, "upper": 1},
    "disk": {"kind": "ball", "dimension": 2},
    "disc": {"kind": "ball", "dimension": 2},
    "circle": {"kind": "ball", "dimension": 2},
    "sphere": {"kind": "ball", "dimension": 3},
    "unit_disk": {"kind": "ball", "dimension": 2, "radius": 1},
    "annulus": {"kind": "ring", "dimension": 2},
}
"""Alternative kinds of domains, with the kind and the values that they imply."""

KEY_ALIASES = {"center": "midpoint", "centre": "midpoint", "vertices": "points"}
"""Alternative keys of [domain] and its holes."""


def aliases_of(kinds: Container[str]) -> list[str]:
    """The alternative names of kinds of domains."""
    return [alias for alias, implied in DOMAIN_ALIASES.items() if implied["kind"] in kinds]


def without_aliases(document: dict[str, Any], findings: Findings) -> dict[str, Any]:
    """The tables of a problem file, or of a variant, with the names of this package.

    A disk is a ball of dimension 2, and a Neumann condition is a Robin condition with alpha = 0.

    Args:
        document: The tables.
        findings: The errors of the file, to which contradictions between an alias and another key are added.
    """
    found = dict(document)
    if isinstance(domain := found.get("domain"), dict):
        found["domain"] = _domain(domain, "domain", None, findings)
    if isinstance(boundary := found.get("boundary"), dict) and isinstance(parts := boundary.get("part"), list):
        found["boundary"] = {**boundary, "part": [_part(part, findings) for part in parts]}
    if isinstance(variants := found.get("variant"), dict):
        found["variant"] = {name: without_aliases(v, findings) if isinstance(v, dict) else v for name, v in variants.items()}
    return found


def _domain(table: Mapping[str, Any], path: str, dimension: int | None, findings: Findings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = KEY_ALIASES.get(key, key)
        if name in found or (name != key and name in table):
            findings.add(ProblemFileError(f"[{path}] {key} and {name} are the same: leave one of them out"))
        found[name] = value
    kind = found.get("kind")
    if isinstance(kind, str) and (alias := kind.replace("-", "_")) in DOMAIN_ALIASES:
        implied = DOMAIN_ALIASES[alias]
        for key, value in implied.items():
            if key in found and key != "kind" and found[key] != value:
                findings.add(
                    ProblemFileError(
                        f'[{path}] {key} must be {value} for kind = "{kind}", got {shorten(found[key])}: '
                        f'leave it out, or write kind = "{implied["kind"]}"'
                    )
                )
        if dimension not in (None, implied["dimension"]):
            findings.add(
                ProblemFileError(
                    f"[{path}] a {kind} has dimension {implied['dimension']}, but the domain has dimension {dimension}"
                )
            )
        own = implied if path == "domain" else {key: value for key, value in implied.items() if key != "dimension"}
        found |= own
    if isinstance(holes := found.get("holes"), list):
        inside = found.get("dimension")
        whole = inside if isinstance(inside, int) else None
        found["holes"] = [hole_without_aliases(hole, whole, findings) if isinstance(hole, dict) else hole for hole in holes]
    return found


def hole_without_aliases(hole: Mapping[str, Any], dimension: int | None, findings: Findings) -> dict[str, Any]:
    """The table of a hole with the names of this package; a table without aliases is returned as it is.

    Args:
        hole: The table.
        dimension: The dimension of the domain; None if it is unknown.
        findings: The errors of the file, to which contradictions are added.
    """
    return _domain(hole, "domain.holes", dimension, findings)


def _part(part: Any, findings: Findings) -> Any:
    if not isinstance(part, dict) or part.get("kind") != "neumann":
        return part
    if "alpha" in part:
        findings.add(ProblemFileError('[boundary.part] alpha belongs to kind = "robin", but this part has kind = "neumann"'))
    if "value" in part:
        findings.add(
            ProblemFileError(
                '[boundary.part] value belongs to kind = "dirichlet", but this part has kind = "neumann": write flux = ...'
            )
        )
    return {**{key: value for key, value in part.items() if key != "value"}, "kind": "robin"}

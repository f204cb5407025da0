"""Usual names of kinds and keys of a problem file that have another name here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.problem.expressions.scope import shorten

_DOMAINS: dict[str, tuple[str, int | None]] = {  # the kind, and the dimension that the alias implies
    "interval": ("box", 1),
    "square": ("box", 2),
    "rectangle": ("box", 2),
    "cube": ("box", 3),
    "disk": ("ball", 2),
    "disc": ("ball", 2),
    "circle": ("ball", 2),
    "sphere": ("ball", 3),
    "annulus": ("ring", 2),
}
_DOMAIN_KEYS = {"center": "midpoint", "centre": "midpoint", "vertices": "points"}


def without_aliases(document: dict[str, Any]) -> dict[str, Any]:
    """The tables of a problem file, or of a variant, with the names of this package.

    A disk is a ball of dimension 2, a Neumann condition is a Robin condition with alpha = 0.

    Raises:
        ProblemFileError: If an alias contradicts another key.
    """
    found = dict(document)
    if isinstance(domain := found.get("domain"), dict):
        found["domain"] = _domain(domain, "domain", None)
    if isinstance(boundary := found.get("boundary"), dict) and isinstance(parts := boundary.get("part"), list):
        found["boundary"] = {**boundary, "part": [_part(part) for part in parts]}
    if isinstance(variants := found.get("variant"), dict):
        found["variant"] = {name: without_aliases(v) if isinstance(v, dict) else v for name, v in variants.items()}
    return found


def _domain(table: Mapping[str, Any], path: str, dimension: int | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = _DOMAIN_KEYS.get(key, key)
        if name in found or (name != key and name in table):
            raise ProblemFileError(f"[{path}] {key} and {name} are the same: leave one of them out")
        found[name] = value
    kind = found.get("kind")
    if isinstance(kind, str) and kind in _DOMAINS:
        found["kind"], implied = _DOMAINS[kind]
        if path == "domain":
            if "dimension" in found and found["dimension"] != implied:
                raise ProblemFileError(
                    f'[{path}] dimension must be {implied} for kind = "{kind}", got {shorten(found["dimension"])}: '
                    f'leave it out, or write kind = "{found["kind"]}"'
                )
            found["dimension"] = implied
        elif dimension not in (None, implied):
            raise ProblemFileError(f"[{path}] a {kind} has dimension {implied}, but the domain has dimension {dimension}")
    if isinstance(holes := found.get("holes"), list):
        inside = found.get("dimension")
        found["holes"] = [
            _domain(hole, "domain.holes", inside if isinstance(inside, int) else None) if isinstance(hole, dict) else hole
            for hole in holes
        ]
    return found


def _part(part: Any) -> Any:
    if not isinstance(part, dict) or part.get("kind") != "neumann":
        return part
    if "alpha" in part:
        raise ProblemFileError('[boundary.part] alpha belongs to kind = "robin", but this part has kind = "neumann"')
    if "value" in part:
        raise ProblemFileError(
            '[boundary.part] value belongs to kind = "dirichlet", but this part has kind = "neumann": write flux = ...'
        )
    return {**part, "kind": "robin"}

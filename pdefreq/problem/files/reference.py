"""The reference page of problem files, generated from the definitions of the keys.

``python -m pdefreq.problem.files.reference > docs/problem_reference.md`` writes the page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pdefreq.core.table_keys import Key, Table
from pdefreq.domains import DOMAINS
from pdefreq.problem.expressions.scope import Scope
from pdefreq.problem.files.aliases import DOMAIN_ALIASES, KEY_ALIASES
from pdefreq.problem.files.directories import problem_directories
from pdefreq.problem.files.domains import DOMAIN_KEYS, read_domain
from pdefreq.problem.files.equation import TERM_KEYS
from pdefreq.problem.files.keys import document_keys
from pdefreq.problem.toml_tables import Files, TomlTable

_HEAD = """\
# Reference of problem files

This page lists the tables and keys of a problem file. It is generated from the definitions by which the files are read:
`python -m pdefreq.problem.files.reference > docs/problem_reference.md`. [Problem files](problem_files.md) describes formulas,
files of values and boundary conditions in more detail, and `pdefreq new my.toml --complete` writes a template with all keys.

A number may be written as a formula in quotes, such as `"2*pi"`, which may contain the parameters. Lists of numbers and points
may contain such formulas.
"""
_COLUMNS = "\n| key | value | default | meaning |\n|---|---|---|---|\n"
_HOLES = "A hole has the keys of its kind. Its dimension is that of the domain."
_TERMS = "The other keys are the coefficients of the term: keys of [equation], or the fields of a class in a Python file."


def toml_text(value: Any) -> str:
    """A value as it is written in a TOML file.

    Example:
        >>> toml_text({"kind": "disk", "midpoint": [0, 0.5]})
        '{kind = "disk", midpoint = [0, 0.5]}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {toml_text(each)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(toml_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def reference_page() -> str:
    """The page in Markdown."""
    top = [key for key in document_keys() if not isinstance(key.kind, Table)]
    parts = [_HEAD, "\n## Keys outside of tables\n", *_rows(top)]
    for key in document_keys():
        if isinstance(key.kind, Table):
            parts += _table(key, str(key))
    parts.append("\n## Alternative names\n\n| written | meaning |\n|---|---|\n")
    for alias, implied in DOMAIN_ALIASES.items():
        meaning = ", ".join(f"`{key} = {toml_text(value)}`" for key, value in implied.items())
        parts.append(f'| `kind = "{alias}"` | {meaning} |\n')
    for alias, name in KEY_ALIASES.items():
        parts.append(f"| `{alias}` in `[domain]` and its holes | `{name}` |\n")
    parts.append('| `kind = "neumann"` in `[[boundary.part]]` | `kind = "robin"` with `alpha = 0` |\n')
    return "".join(parts)


def _table(key: Key, path: str) -> Iterator[str]:
    """The section of a table, and of the tables in it."""
    kind = key.kind
    assert isinstance(kind, Table)
    yield f"\n## {f'[[{path}]]' if kind.repeated else f'[{path}]'}\n\n{_sentence(key.meaning)}\n"
    match path:
        case "domain":
            yield from _domains()
        case "equation.term":
            yield from (*_rows(TERM_KEYS), f"\n{_TERMS}\n")
        case _ if kind.keys is not None:
            own = [each for each in kind.keys if isinstance(each, Key)]
            yield from _rows([each for each in own if not _has_section(each)])
            for each in own:
                if _has_section(each):
                    yield from _table(each, f"{path}.{each}")


def _has_section(key: Key) -> bool:
    return isinstance(key.kind, Table) and (key.kind.keys is not None or key.kind.repeated)


def _domains() -> Iterator[str]:
    yield from _rows(DOMAIN_KEYS)
    yield f"\n{_HOLES}\n"
    for name in DOMAINS:
        shape = DOMAINS.load(name)
        hole = "It can be a hole." if shape.can_be_hole else ""
        example = ", ".join(f"`{key} = {toml_text(value)}`" for key, value in shape.example.items())
        sides = f"Boundaries: {', '.join(part_names(name))}, for {example}"
        meaning = f"{(shape.__doc__ or '').partition(chr(10))[0]} {hole}".rstrip()
        yield f'\n### kind = "{name}"\n\n{meaning}\n\n{sides}.\n'
        yield from _rows([key for key in shape.keys if isinstance(key, Key)])


def part_names(kind: str) -> tuple[str, ...]:
    """The names of the boundary parts of the example of a kind of domain."""
    table = TomlTable({"kind": kind, **DOMAINS.load(kind).example}, "domain", Scope())
    domain = read_domain(table, Files(problem_directories()[-1].joinpath))
    assert domain is not None
    return domain.part_names


def _rows(keys: Sequence[Key]) -> Iterator[str]:
    if not keys:
        return
    yield _COLUMNS
    for key in keys:
        cells = (f"`{key}`", key.kind.words, default_text(key), key.meaning)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def default_text(key: Key) -> str:
    """The default of a key in Markdown, or ``required``."""
    own = "" if key.default is None else f"`{toml_text(key.default)}`"
    return (f"{key.otherwise}, else {own}" if own and key.otherwise else own or key.otherwise) or "required"


def _sentence(clause: str) -> str:
    return f"{clause[:1].upper()}{clause[1:]}."


if __name__ == "__main__":
    print(reference_page(), end="")

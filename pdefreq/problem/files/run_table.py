"""The [run] table of a problem file: the method and the limits of `pdefreq solve`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pdefreq.core.errors import ProblemFileError
from pdefreq.core.number_kinds import Number, Whole
from pdefreq.core.registry import is_file
from pdefreq.core.table_keys import Key, Table
from pdefreq.core.text_kinds import Text
from pdefreq.problem.expressions.scope import Scope, shorten
from pdefreq.problem.toml_tables import TomlTable

_MANY = 10**12

_NONE = "no limit"

RUN_KEYS = (
    Key("method", Text(), "a registered method, or a chain of them", otherwise="mscale", examples=("fem", "deep-ritz+jacobi")),
    Key("set", Table(None), "options of the method, by name", otherwise="the defaults of the method"),
    Key("steps", Whole(0, _MANY), "stop after this many steps", otherwise=_NONE, examples=(1000,)),
    Key(
        "seconds",
        Number(least=0),
        "time limit of the run, including measurements, in seconds",
        otherwise=_NONE,
        examples=(30,),
    ),
    Key(
        "tolerance",
        Number(above=0),
        "stop when the objective is at most this many times its initial value",
        otherwise=_NONE,
        examples=(1e-6,),
    ),
    Key(
        "stagnation",
        Whole(1, _MANY),
        "stop when the objective has not decreased for this many steps",
        otherwise=_NONE,
        examples=(500,),
    ),
)


def read_run(values: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a [run] table: values by key; the values of ``set`` are strings, as on the command line.

    Raises:
        ProblemFileError: If a value is malformed, or the method or an option names a Python file.
    """
    table = TomlTable(values, "run", Scope(None), keys=RUN_KEYS)
    found = {str(key): table.read(key) for key in RUN_KEYS if table.has(key)}
    options = {key: value if isinstance(value, str) else json.dumps(value) for key, value in found.get("set", {}).items()}
    for key, value in (("method", found.get("method", "")), *options.items()):
        if is_file(value):
            raise ProblemFileError(
                f"[run] {key} must be a registered name, got {shorten(value)}: Python files are named on the command line "
                "only, with --method or --set"
            )
    return found | ({"set": options} if options else {})

"""The files of benchmark suites. Nothing that a file says is executed."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from pdefreq.core.content import code_files
from pdefreq.core.errors import OptionError, ProblemFileError, UnknownNameError, UntrustedCodeError, UserError
from pdefreq.core.findings import Findings
from pdefreq.core.history import Stop
from pdefreq.core.number_kinds import Number, Whole
from pdefreq.core.registry import nearest, require_trust, trusting
from pdefreq.core.table_keys import Key, Table, named
from pdefreq.core.text_kinds import Choice, Text, Texts
from pdefreq.problem.expressions.scope import Scope, shorten
from pdefreq.problem.files import load_problem
from pdefreq.problem.files.keys import known_part
from pdefreq.problem.files.run_table import RUN_KEYS
from pdefreq.problem.toml_tables import TomlTable
from pdefreq.runs.spec import solver_to_json
from pdefreq.solvers.names import make_solver
from pdefreq.spectrum.modes import FAMILIES
from pdefreq.studies.suite import Published, Suite, SuiteMethod, SuiteProblem, budget_label

MOST_BYTES = 100_000
"""The largest size of the file of a suite."""
MOST_RUNS = 10_000
_MOST_SEEDS = 1000

_PROBLEM = (
    Key("name", Text(), "a problem of the package, `name:variant`, or the path of a problem file beside the suite"),
    Key("param", Table(None), "parameters of the problem", otherwise="those of its file"),
    Key("modes", Choice(sorted(FAMILIES)), "the mode family", otherwise="that of the problem"),
    Key("label", Text(), "the name in tables and figures", otherwise="the name with the parameters"),
)
_METHOD = (
    Key("name", Text(), "a registered method or a chain, with options after a colon, as in `pdefreq solve --method`"),
    Key("set", Table(None), "options of the method, by name", otherwise="the defaults of the method"),
    Key("label", Text(), "the name in tables and figures", otherwise="the name"),
    Key("problems", Texts(), "the problems of the suite that the method solves", otherwise="all problems"),
    Key("without", Texts(), "problems of the suite that the method does not solve", otherwise="none"),
)
_BUDGET = (
    named(RUN_KEYS, "steps"),
    named(RUN_KEYS, "seconds"),
    Key("train_seconds", Number(least=0), "time limit of the steps, in seconds", otherwise="no limit"),
)
_PUBLISHED = (
    Key("method", Text(), "the method in the words of the source"),
    Key("problem", Text(), "a problem of the suite"),
    Key("error", Number(above=0), "the published error"),
    Key("definition", Text(), "the definition of the error"),
    Key("source", Text(), "the publication, with the place of the number"),
    Key("seconds", Number(above=0), "the published time, in seconds", otherwise="not stated"),
    Key("hardware", Text(), "the machine", otherwise="not stated"),
)
SUITE_KEYS = (
    Key("title", Text(), "the title in tables and figures", otherwise="the name of the suite"),
    Key("seeds", Whole(1, _MOST_SEEDS), "the number of seeds of each run", default=1),
    Key("seed", Whole(0, 2**31), "the first seed", default=0),
    Key("problem", Table(_PROBLEM, repeated=True), "the problems"),
    Key("method", Table(_METHOD, repeated=True), "the methods"),
    Key("budget", Table(_BUDGET, repeated=True), "the budgets; every method solves every problem within each of them"),
    Key("published", Table(_PUBLISHED, repeated=True), "numbers of publications, which are shown beside the results"),
)
"""The keys of the file of a suite."""


def suite_names() -> dict[str, str]:
    """The suites of the package: their titles by name."""
    return {
        path.name.removesuffix(".toml"): str(tomllib.loads(path.read_text("utf-8")).get("title", ""))
        for path in sorted(_shipped().iterdir(), key=lambda path: path.name)
    }


def load_suite(name_or_path: str | os.PathLike[str], *, trust: bool = False) -> Suite:
    """A suite of the package by name, or the suite in a TOML file.

    Args:
        name_or_path: ``"quick"``, or a path that ends in ``.toml``. Paths of problem files in it are relative to it.
        trust: Whether Python files that it names, as in ``my_file.py:MyMethod``, may be loaded.

    Raises:
        UnknownNameError: If there is no such suite.
        ProblemFileError: If the file can't be read, has more than 100,000 bytes, or is malformed. All errors are listed.
        UntrustedCodeError: If it names Python files and is not trusted.
    """
    given = os.fspath(name_or_path)
    if given.endswith(".toml"):
        path = Path(os.path.expanduser(given))
        return _read(_text_of(path), path.stem, path.parent, trust=trust)
    if given not in (known := suite_names()):
        raise UnknownNameError(
            f"unknown suite '{given}' (the path of a file must end in .toml): {nearest(given, known)}", name=given
        )
    return _read((_shipped() / f"{given}.toml").read_text("utf-8"), given, Path(), trust=trust)


def _shipped() -> Any:
    return files("pdefreq.studies") / "suites"


def _text_of(path: Path) -> str:
    from pdefreq.core.file_io import read_bounded

    try:
        return read_bounded(path, MOST_BYTES).decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reason = "it is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else getattr(error, "strerror", None) or error
        raise ProblemFileError(f"can't read the suite '{path}': {str(reason)[:1].lower()}{str(reason)[1:]}") from None


def _read(text: str, name: str, folder: Path, *, trust: bool) -> Suite:
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProblemFileError(f"the suite '{name}' is not valid TOML: {str(error).partition(chr(10))[0]}") from None
    if "problem" in document and "method" in document and not isinstance(document["problem"], list):
        raise ProblemFileError(f"'{name}' is not a suite: it has no [[problem]] tables; `pdefreq run` starts a run file")
    findings = Findings()
    found = known_part(document, findings, SUITE_KEYS)
    with trusting(trust):
        return _Reader(name, folder, found, findings, trust).suite()


@dataclass
class _Reader:
    """The tables of a suite, with the errors that were found so far."""

    name: str
    folder: Path
    document: Mapping[str, Any]
    findings: Findings
    trust: bool
    labels: list[str] = field(default_factory=list)
    """Those of all problems, also of those that can't be read."""

    def suite(self) -> Suite:
        head = TomlTable(self.document, "", Scope(None), report=self.findings.add, keys=SUITE_KEYS)
        title, seeds, seed = (head.read(key) for key in ("title", "seeds", "seed"))
        problems = [each for each in map(self._problem, self._tables("problem", _PROBLEM)) if each is not None]
        labels = self.labels
        self._require_different("problem", labels)
        methods = [each for table in self._tables("method", _METHOD) if (each := self._method(table, labels)) is not None]
        self._require_different("method", [each.label for each in methods])
        stops = [self._budget(table) for table in self._tables("budget", _BUDGET)]
        self._require_different("budget", [*map(budget_label, stops)])
        published = [self._published(table, labels) for table in self._tables("published", _PUBLISHED)]
        for key in ("problem", "method", "budget"):
            if not self.document.get(key) and key not in self.findings.incomplete:
                self.findings.add(ProblemFileError(f"a suite needs a table [[{key}]]"))
        runs = sum(len(method.problems) for method in methods) * len(stops) * seeds
        if runs > MOST_RUNS:
            self.findings.add(ProblemFileError(f"a suite has at most {MOST_RUNS:,} runs, got {runs:,}: use fewer seeds"))
        self.findings.raise_all(f"the suite '{self.name}'")
        budgets = {budget_label(stop): stop for stop in stops}
        return Suite(self.name, title or self.name, problems, methods, budgets, range(seed, seed + seeds), published)

    def _tables(self, name: str, keys: Sequence[Key]) -> list[TomlTable]:
        values = self.document.get(name, [])
        return [
            TomlTable(row, f"{name} {number}", Scope(None), report=self.findings.add, keys=keys)
            for number, row in enumerate(values if isinstance(values, list) else [], start=1)
        ]

    def _needed(self, table: TomlTable, key: str) -> str:
        """The value of a required text; empty, with an error, if it is missing."""
        value, is_missing = table.read(key), isinstance(table.values.get(key, ""), str)
        if not value and is_missing and table.path.partition(" ")[0] not in self.findings.incomplete:
            words = named(table.keys, key).kind.words
            self.findings.add(ProblemFileError(f"{table.key(key)} must be {words}, but it is missing"))
        return value

    def _options(self, table: TomlTable, key: str) -> dict[str, Any]:
        """The values of a table of options as text of the command line."""
        values = table.read(key) if table.has(key) else {}
        return {name: value if isinstance(value, str) else json.dumps(value, default=str) for name, value in values.items()}

    def _problem(self, table: TomlTable) -> SuiteProblem | None:
        name, params, own = self._needed(table, "name"), self._options(table, "param"), table.read("label")
        modes = table.read("modes") if table.has("modes") else None
        if not name:
            return None
        file, _, _ = name.partition(".toml")
        label = own or ", ".join([name, *(f"{key}={value}" for key, value in params.items())])
        self.labels.append(label)
        place = str(self.folder / name) if file != name and not os.path.isabs(name) else name
        try:
            problem = load_problem(place, trust=self.trust, **params)
        except UntrustedCodeError:
            raise
        except UserError as error:
            self.findings.add(ProblemFileError(f"[{table.path}] {error}"))
            self.findings.incomplete.add("problem")  # other tables may name it as it was meant
            return None
        return SuiteProblem(label, problem, modes)

    def _method(self, table: TomlTable, problems: Sequence[str]) -> SuiteMethod | None:
        name, options, label = self._needed(table, "name"), self._options(table, "set"), table.read("label")
        chosen, left_out = table.read("problems") or tuple(problems), table.read("without")
        self._require_known(table, "problems", chosen, problems)
        self._require_known(table, "without", left_out, problems)
        if not name:
            return None
        try:
            solver = make_solver(name, options)
        except (OptionError, UnknownNameError) as error:
            self.findings.add(ProblemFileError(f"[{table.path}] {error}"))
            return None
        require_trust(code_files(solver_to_json(solver)))  # some are loaded when the run is prepared
        appended = ",".join(f"{key}={value}" for key, value in options.items())
        written = f"{name}{',' if ':' in name else ':'}{appended}" if appended else name
        return SuiteMethod(label or written, solver, tuple(each for each in chosen if each not in left_out))

    def _budget(self, table: TomlTable) -> Stop:
        limits = {key: table.read(key) for key in map(str, _BUDGET) if table.has(key)}
        if not limits and table.path not in self.findings.incomplete:
            self.findings.add(ProblemFileError(f"[{table.path}] a budget needs one of {', '.join(map(str, _BUDGET))}"))
        return Stop(**limits)

    def _published(self, table: TomlTable, problems: Sequence[str]) -> Published:
        texts = {key: self._needed(table, key) for key in ("method", "problem", "definition", "source")}
        if texts["problem"]:
            self._require_known(table, "problem", [texts["problem"]], problems)
        seconds = table.read("seconds") if table.has("seconds") else None
        return Published(**texts, error=table.read("error"), seconds=seconds, hardware=table.read("hardware"))

    def _require_known(self, table: TomlTable, key: str, names: Sequence[str], known: Sequence[str]) -> None:
        for name in names:
            if name not in known and "problem" not in self.findings.incomplete:
                self.findings.add(
                    ProblemFileError(
                        f"{table.key(key)} names {shorten(name)}, which the suite does not contain: {nearest(name, known)}"
                    )
                )

    def _require_different(self, name: str, labels: Sequence[str]) -> None:
        for label in dict.fromkeys(label for label in labels if labels.count(label) > 1):
            self.findings.add(
                ProblemFileError(f"two tables [[{name}]] are the same, {shorten(label)}: leave one out, or label it")
            )

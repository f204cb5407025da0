"""A report of one or several runs as a single HTML file, which loads nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.core.errors import OptionError
from pdefreq.reports import sections
from pdefreq.reports.markup import Markup, escape, join, tag

if TYPE_CHECKING:
    from pdefreq.runs.monitor import Monitor
    from pdefreq.runs.record import Record


@dataclass(frozen=True)
class HtmlReport:
    """A report.

    Args:
        title: The title of the document.
        html: The document.
    """

    title: str
    html: str

    def __repr__(self) -> str:
        return f"<report '{self.title}', {len(self.html.encode()) / 1e6:.2f} MB>"

    def _repr_html_(self) -> str:
        return f'<iframe srcdoc="{escape(self.html)}" width="100%" height="700"></iframe>'

    def save(self, path: str | Path) -> Path:
        """Write the document to a file that ends in ``.html``.

        Raises:
            OptionError: If the file has another suffix.
            RunFolderError: If it can't be written.
        """
        from pdefreq.core.file_io import as_path, write_atomically

        path = as_path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise OptionError(f"a report is written as .html, got '{path}'")
        write_atomically(path, self.html.encode())
        return path


def report(*runs: Record | Monitor | str | Path, trust: bool = False) -> HtmlReport:
    """A report of runs of one problem as a single HTML file.

    It contains the results, the problem, the method with its options, the error of each mode against steps and seconds,
    predictions, the solution at each snapshot, the notes on the run, and the command that repeats it. Each chart has a table of
    its numbers.

    Args:
        runs: Solutions, monitors or their records, run folders, or folders of several runs such as those of `pdefreq compare`.
        trust: Whether Python files in run folders may be loaded.

    Raises:
        OptionError: If there is no run, or the runs have different problems.
        RunFolderError: If a folder contains no run.

    Example:
        >>> from pdefreq import report, solve
        >>> report(solve("poisson", "jacobi:intervals=32", steps=20)).title
        'Poisson with four tones'
    """
    from pdefreq.runs.load_record import load_record
    from pdefreq.runs.monitor import Monitor
    from pdefreq.runs.record import Record

    if not runs:
        raise OptionError("a report needs at least one run")
    given = [each for run in runs for each in (_folders(Path(run)) if isinstance(run, (str, Path)) else [run])]
    loaded = [load_record(each, trust=trust) if isinstance(each, Path) else each for each in given]
    loaded = [each.record if isinstance(each, Monitor) else each for each in loaded]
    for each in loaded:
        if not isinstance(each, Record):
            raise OptionError(f"a report is made of solutions, monitors, records and run folders, got {type(each).__name__}")
    problem = loaded[0].problem
    if any(each.problem.digest != problem.digest for each in loaded):
        raise OptionError("the runs of a report must belong to the same problem: write one report for each problem")
    names, title = _names(loaded), problem.title or problem.name
    from pdefreq.runs.run_folder import versions

    body: list[tuple[str, str, Markup]] = [
        ("summary", "Summary", sections.summary(loaded, names)),
        ("problem", "Problem", sections.problem_section(problem)),
        ("method", "Method and options", sections.method_section(loaded, names)),
        ("errors", "Comparison of the runs" if len(loaded) > 1 else "Error", sections.errors_section(loaded, names)),
        ("modes", "Frequencies", _modes(loaded, names)),
        ("solution", "Solution", sections.snapshots_section(loaded, names)),
        ("status", "Status, certificate and advice", sections.status_section(loaded, names)),
        ("provenance", "Provenance", sections.provenance_section(loaded, names, versions())),
    ]
    return HtmlReport(title, document(title, ", ".join(names), body))


def _folders(path: Path) -> list[Path]:
    """A run folder, or the run folders in the folder of a comparison or of seeds."""
    inside = [] if (path / "run.json").exists() else sorted(each.parent for each in path.glob("*/run.json"))
    return inside or [path]


def _modes(runs: list[Record], names: list[str]) -> Markup:
    parts = []
    for k, (name, run) in enumerate(zip(names, runs, strict=True)):
        found = sections.modes_section(f"run-{k}", name, run)
        parts.append(join([tag("h3", name), found if found is not None else tag("p", run.spectrum().sentence)]))
    return join(parts)


def _names(runs: list[Record]) -> list[str]:
    """Labels of the runs; equal ones are numbered."""
    total, seen, names = Counter(run.label for run in runs), Counter(), []
    for run in runs:
        seen[run.label] += 1
        names.append(f"{run.label} ({seen[run.label]})" if total[run.label] > 1 else run.label)
    return names


def document(title: str, subtitle: str, body: list[tuple[str, str, Markup]], *, kind: str = "pdefreq report") -> str:
    """A page that loads nothing from elsewhere.

    Args:
        title: The title.
        subtitle: A line below it.
        body: The name in links, the heading and the content of each section.
        kind: The words above the title.
    """
    style, script = ((files("pdefreq.reports") / "assets" / name).read_text("utf-8") for name in ("report.css", "report.js"))
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; base-uri 'none'; form-action 'none'"
    )
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        Markup(f"<title>{escape(title)}</title><style>{style}</style>"),
    )
    links = tag("nav", tag("ul", *(tag("li", tag("a", name, href=f"#{key}")) for key, name, _ in body)), aria_label="Sections")
    parts = [
        tag("section", tag("h2", name, id=f"{key}-title"), content, id=key, aria_labelledby=f"{key}-title")
        for key, name, content in body
    ]
    top = tag("header", tag("p", kind, class_="kind"), tag("h1", title), tag("p", subtitle))
    page = tag("body", top, links, tag("main", *parts), Markup(f"<script>{script}</script>"))
    return f"<!DOCTYPE html>\n{tag('html', head, page, lang='en')}\n"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"

"""Reasons why a run fails, with evidence and the next thing to try."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pdefreq.studies.checks import CHECKS
from pdefreq.studies.checks.finding import Finding, Subject

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution


@dataclass(frozen=True)
class Diagnosis:
    """The findings on a run, the most severe one first.

    Args:
        findings: The findings.
        failed: The checks that could not be computed, with the reason.
        inapplicable: The checks that do not apply to the method or the problem, with the reason, or
            with what they test if they give none.
    """

    findings: tuple[Finding, ...]
    failed: dict[str, str]
    inapplicable: dict[str, str]

    @property
    def severe(self) -> tuple[Finding, ...]:
        """The findings that explain a failure."""
        return tuple(each for each in self.findings if each.is_severe)

    def __repr__(self) -> str:
        lines = [f"{each.check} ({each.severity:.2g}): {each.evidence}; try {each.remedy}" for each in self.severe]
        return "\n".join([f"<{len(self.severe)} severe findings of {len(self.findings)} checks>", *lines])


def diagnose(run: Solution | str | Path, *, trust: bool = False) -> Diagnosis:
    """Test a run for known reasons of failure.

    Args:
        run: A solution, a run folder, or a folder of seeds, whose median run is tested.
        trust: Whether Python files in the run folder may be loaded.

    Raises:
        RunFolderError: If a folder contains no run.

    Example:
        >>> from pdefreq import diagnose, solve
        >>> diagnose(solve("poisson", "fem")).severe
        ()
    """
    from pdefreq.core.errors import UserError
    from pdefreq.runs.lifecycle import load_run
    from pdefreq.runs.seeds import median_seed, seed_folder, seed_runs

    seeds = {}
    if isinstance(run, (str, Path)):
        folder = Path(run)
        seeds = seed_runs(folder)
        run = load_run(seed_folder(folder, median_seed(seeds)) if seeds else folder, trust=trust)
    subject, findings, failed, inapplicable = Subject(run, seeds), [], {}, {}
    summaries = CHECKS.summaries()
    for name in CHECKS:
        try:
            found = CHECKS.load(name)(subject)
        except UserError as error:
            failed[name] = str(error)
            continue
        if found is None or isinstance(found, str):
            inapplicable[name] = found or summaries[name]
        else:
            findings.append(replace(found, check=name))
    return Diagnosis(tuple(sorted(findings, key=lambda each: -each.severity)), failed, inapplicable)

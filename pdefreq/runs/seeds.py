"""Runs that differ only in their seed, in one folder: ``seed-0``, ``seed-1``, ... with a common summary.

seeds.json    the problem, the method, the summary of each run, and over the seeds the median, lowest and highest of each measure
seeds.csv     one row per seed
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.file_io import csv_bytes, json_bytes, require_own_files, write_atomically
from pdefreq.runs.run_folder import RunFolder
from pdefreq.spectrum.bias import Relation, combined

if TYPE_CHECKING:
    from pdefreq.runs.solution import Solution

MEASURES = ("relative_l2", "relative_h1", "max_error", "bias_index", "seconds")
_COLUMNS = ("seed", "status", "steps", "unknowns", "objective", *MEASURES, "bias_index_relation")
_NAME = re.compile(r"seed-(0|-?[1-9][0-9]{0,18})")


def seed_folder(folder: Path, seed: int) -> Path:
    """The folder of the run with this seed."""
    return folder / f"seed-{seed}"


def seed_runs(folder: Path) -> dict[int, dict[str, Any]]:
    """The summaries of the finished runs in a folder by seed, ascending; empty if it is not a folder of seeds.

    Raises:
        RunFolderError: If one of the runs can't be read, or the folder contains a link.
    """
    if folder.is_dir():
        require_own_files(folder)
    names = {path: _NAME.fullmatch(path.name) for path in folder.glob("seed-*") if (path / "run.json").is_file()}
    seeds = sorted((int(name[1]), path) for path, name in names.items() if name)
    summaries = {seed: RunFolder(path).read_summary() for seed, path in seeds}
    return {
        seed: summary for seed, summary in summaries.items() if "steps" in summary
    }  # a run that is not finished has a status only


def write_seeds(folder: Path) -> dict[int, dict[str, Any]]:
    """Write ``seeds.json`` and ``seeds.csv`` of a folder from the runs in it.

    Returns:
        The summaries, as `seed_runs`.

    Raises:
        RunFolderError: If they can't be written.
    """
    runs = seed_runs(folder)
    first: Mapping[str, Any] = next(iter(runs.values()), {})
    record = {
        "problem": first.get("problem"),
        "method": first.get("method"),
        "spread": spread([*runs.values()]),
        "seeds": [{"seed": seed} | summary for seed, summary in runs.items()],
    }
    write_atomically(folder / "seeds.json", json_bytes(record))
    rows = ([row.get(name) for name in _COLUMNS] for row in record["seeds"])
    write_atomically(folder / "seeds.csv", csv_bytes(_COLUMNS, rows))
    return runs


def are_identical(solutions: Sequence[Solution]) -> bool:
    """Whether runs with several seeds have the same result, as those of methods that draw no random numbers."""
    import torch

    first, *others = (solution.state.coefficients for solution in solutions)
    return bool(others) and all(torch.equal(first, other) for other in others)


def relation_of_seeds(summaries: Sequence[Mapping[str, Any]]) -> Relation:
    """The relation of the median of the bias index to that of longer runs; older summaries state only whether there is one."""
    older: list[Relation] = ["~" if summary.get("bias_index_is_bound") else "=" for summary in summaries]
    return combined(summary.get("bias_index_relation") or each for summary, each in zip(summaries, older, strict=True))


def spread(summaries: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Median, lowest and highest value of each measure over the runs in which it is defined.

    Of an even number of values, the median is the lower one of the two in the middle, as in comparisons: the value of a run.

    Example:
        >>> spread([{"seconds": 1.0}, {"seconds": 3.0}, {"seconds": None}])
        {'seconds': {'median': 1.0, 'lowest': 1.0, 'highest': 3.0}}
    """
    found = {}
    for name in MEASURES:
        values = [v for v in (summary.get(name) for summary in summaries) if v is not None and math.isfinite(v)]
        if values:
            found[name] = {"median": statistics.median_low(values), "lowest": min(values), "highest": max(values)}
    return found


def median_seed(runs: Mapping[int, Mapping[str, Any]]) -> int:
    """The seed whose relative L2 error is the (lower) median; runs without one count as the worst."""

    def error(seed: int) -> float:
        value = runs[seed]["relative_l2"]
        return value if value is not None and math.isfinite(value) else math.inf

    return sorted(runs, key=error)[(len(runs) - 1) // 2]

"""The directories in which problems are found by name."""

from __future__ import annotations

import os
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[2]


def problem_directories() -> list[Path]:
    """The directories in which problems are found by name: first `PDEFREQ_PROBLEMS`, then that of the package."""
    directories = [Path(os.path.expanduser(p)) for p in os.environ.get("PDEFREQ_PROBLEMS", "").split(os.pathsep) if p]
    directories.append(_PACKAGE / "problems")
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        directories.append(_PACKAGE.parent / "problems")
    return [d for d in directories if d.is_dir()]

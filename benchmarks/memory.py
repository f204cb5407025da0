"""Peak memory of finite elements for a million unknowns, compared with scikit-fem and PyAMG: ``python benchmarks/memory.py``.

Each computation runs in a process of its own, since the peak of a process never decreases. The ratio is that of the peaks.
"""

from __future__ import annotations

import resource
import subprocess
import sys

import classical
import torch

CELLS = 1001  # along each axis: a million unknowns
LIMIT = 1.15


def peak(which: str) -> float:
    """Peak memory in MiB of one computation in a new process."""
    return float(subprocess.run([sys.executable, __file__, which], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Print the table; with an argument, run one computation and print its peak."""
    torch.set_num_threads(1)
    if sys.argv[1:]:
        work, unit = classical.fem(2, CELLS)
        (work if sys.argv[1] == "pdefreq" else unit)()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    found = {which: peak(which) for which in ("pdefreq", "scikit-fem")}
    for which, mebibytes in found.items():
        print(f"{which:>12} {mebibytes:7.0f} MiB")
    print(f"{'ratio':>12} {found['pdefreq'] / found['scikit-fem']:7.2f}       (asked: at most {LIMIT:g})")


if __name__ == "__main__":
    main()

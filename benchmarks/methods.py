"""Errors and processor seconds of methods on one problem: ``python benchmarks/methods.py perforated fem random-features``.

This is ``pdefreq compare`` in one process, with one difference: the clock of the steps is that of the processor, so that the
column of seconds does not depend on the other programs that run on the machine. The table is printed as Markdown.
"""

import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))
time.perf_counter = time.process_time

import torch  # noqa: E402

from pdefreq import compare  # noqa: E402

torch.set_num_threads(1)


def main(problem: str, methods: list[str]) -> None:
    """Print one row for each method.

    Args:
        problem: The name of a problem.
        methods: Methods with their options, as for ``pdefreq compare``.
    """
    print("| method | steps | seconds | relative L2 error | frequencies |\n|---|---|---|---|---|")
    for row in compare(problem, methods).rows():
        refused = row["relative_l2"] is None
        numbers = "– | – | –" if refused else f"{row['steps']} | {row['seconds']:.2g} | {row['relative_l2']:.1e}"
        print(f"| `{row['method']}` | {numbers} | {row['sentence']} |")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

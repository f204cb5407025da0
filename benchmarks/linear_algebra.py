"""Processor time of the linear algebra of a Gauss-Newton step: ``python benchmarks/linear_algebra.py``.

For matrices F of random numbers, ``(rows, coefficients)``, the table has the medians in ms of the product with the smaller side
by a general and by a symmetric product, of one Cholesky factorization of this product, of a QR factorization of F, and of the
singular values and vectors of its factor R. The last two are measured for matrices of at most `LARGEST` entries. Float64, one
thread.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from scipy.linalg.blas import dsyrk

SIZES = ((500, 91), (1600, 500), (2000, 800), (1600, 2251), (1600, 10_095))
LARGEST = 2 * 10**6
REPEATS = 7


def milliseconds(work: Callable[[], object]) -> float:
    """The median of the processor times of some calls, after one that is not measured."""
    times = []
    work()
    for _ in range(REPEATS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return 1e3 * statistics.median(times)


def row(rows: int, coefficients: int) -> list[str]:
    """The cells of one size."""
    draw = torch.Generator().manual_seed(0)
    factor = torch.randn(rows, coefficients, generator=draw, dtype=torch.float64)
    tall = factor if rows >= coefficients else factor.T.contiguous()
    product = tall.T @ tall
    product.diagonal().add_(1.0)
    works: list[Callable[[], object]] = [
        lambda: tall.T @ tall,
        lambda: dsyrk(1.0, tall.numpy().T),
        lambda: torch.linalg.cholesky(product),
    ]
    if factor.numel() <= LARGEST and rows >= coefficients:
        triangle = torch.linalg.qr(factor, mode="r")[1]
        works += [lambda: torch.linalg.qr(factor, mode="r"), lambda: torch.linalg.svd(triangle)]
    cells = [f"{milliseconds(work):.2g}" for work in works]
    return [f"{rows} × {coefficients:,}", *cells, *[""] * (5 - len(cells))]


def main() -> None:
    """Print the table in Markdown."""
    torch.set_num_threads(1)
    print("| rows of F × coefficients | general product | symmetric product | Cholesky | QR of F | singular values of R |")
    print("|---" * 6 + "|")
    for size in SIZES:
        print("|", " | ".join(row(*size)), "|", flush=True)


if __name__ == "__main__":
    main()

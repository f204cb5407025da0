"""The triangular factor of the rows of several processes."""

import pytest
import torch

from pdefreq.core.streams import stream
from pdefreq.functionals.split_functional import SplitFunctional
from tests.functionals.threads import in_threads


class _Rows:
    """A block with a number of rows, of which the tests use nothing else."""

    couples_points = False

    def __init__(self, num_rows):
        self.name, self.num_rows = "rows", num_rows


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("width", "counts"), [(1, (3, 2)), (5, (5, 9, 7)), (40, (60, 41)), (40, (60, 12, 50))])
def test_it_has_the_products_of_all_rows(dtype, width, counts):
    """R^T R = A^T A. The last case has a process with fewer rows than columns, whose factor is not triangular."""
    parts = [
        torch.randn(count, width, generator=stream(k, "test"), dtype=torch.float64).to(dtype) for k, count in enumerate(counts)
    ]

    def factor(over):
        whole = SplitFunctional.__new__(SplitFunctional)
        whole.blocks, whole._over = tuple(map(_Rows, counts)), over
        return whole._triangle(parts[over.rank])

    found, *others = in_threads(len(counts), factor)
    assert all(torch.equal(found, other) for other in others)
    assert found.shape == (width, width) and not found.tril(-1).any()
    rows = torch.cat(parts)
    rounding = 10 * len(rows) * torch.finfo(dtype).eps  # of products of so many rows
    assert float((found.T @ found - rows.T @ rows).norm()) <= rounding * float((rows.T @ rows).norm())

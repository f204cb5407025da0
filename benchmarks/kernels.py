"""The cost of tangent kernels, as ratios within one run: ``python benchmarks/kernels.py``.

- The layer-by-layer computation compared with the Jacobian of each sample by automatic differentiation and a product, both in
  double precision, with the largest difference between the two. Required: at least 25 for 3 x 128, 50 for 4 x 256, N = 1000.
- A large kernel in bounded memory: 4 layers of 1000, N = 3000, seconds and peak memory of the process; also as an operator.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable

import torch
from torch.func import functional_call, jacrev, vmap

from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.theory.kernel_modes import eigenpairs
from pdefreq.theory.ntk import kernel, operator

DOUBLE = torch.float64
BOX = Box((-1.0,), (1.0,))


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio(work: Callable[[], object], unit: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median ratio work / unit over pairs, so that variations of the machine cancel; median seconds of the unit."""
    work(), unit()
    pairs = [(timed(work), timed(unit)) for _ in range(repeats)]
    return statistics.median(a / b for a, b in pairs), statistics.median(b for _, b in pairs)


def plain_network(layers: int, width: int) -> torch.nn.Module:
    """The same network as a torch module, independent of pdefreq."""
    sizes = [1] + [width] * layers
    modules = [m for a, b in zip(sizes, sizes[1:], strict=False) for m in (torch.nn.Linear(a, b), torch.nn.Tanh())]
    return torch.nn.Sequential(*modules, torch.nn.Linear(width, 1)).double()


def by_samples(network: torch.nn.Module, x: torch.Tensor) -> torch.Tensor:
    """``vmap(jacrev)``, one Jacobian for each sample, and their products, as in the tutorials of torch.func."""
    parameters = {name: p.detach() for name, p in network.named_parameters()}
    jacobians = vmap(jacrev(lambda p, point: functional_call(network, p, (point[None],))[0, 0]), in_dims=(None, 0))(parameters, x)
    return sum((j.flatten(1) @ j.flatten(1).T for j in jacobians.values()), start=x.new_zeros(()))


def coefficients_of(network: torch.nn.Module, space: MlpSpace) -> torch.Tensor:
    """The parameters of the module as coefficients; both have the order weight, bias, layer by layer."""
    return torch.cat([p.detach().flatten() for p in network.parameters()]).reshape(space.num_coefficients)


def compare(layers: int, width: int, n: int, repeats: int) -> None:
    """Print one line: the ratio, seconds, and the relative difference."""
    torch.manual_seed(0)
    network, space = plain_network(layers, width), MlpSpace(BOX, (width,) * layers)
    x, c = torch.linspace(-1, 1, n, dtype=DOUBLE)[:, None], coefficients_of(network, space)
    evaluator = space.at(x)
    layerwise = lambda: kernel(evaluator.jacobian_factors(c))  # noqa: E731
    times, seconds = ratio(lambda: by_samples(network, x), layerwise, repeats)
    expected = by_samples(network, x)
    difference = float((layerwise() - expected).abs().max() / expected.abs().max())
    title = f"{layers} x {width}, N = {n}"
    print(f"{title:20s} {times:5.1f} x faster than vmap(jacrev), {1e3 * seconds:6.1f} ms, differs by {difference:.0e}")


def large(layers: int, width: int, n: int) -> None:
    """Print time and peak memory for a kernel whose Jacobian would need gigabytes."""
    space, x = MlpSpace(BOX, (width,) * layers), torch.linspace(-1, 1, n, dtype=DOUBLE)[:, None]
    c = space.initialize(stream(0, "initialization"))
    peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # noqa: E731
    before, results = peak(), []
    seconds = timed(lambda: results.append(kernel(space.at(x).jacobian_factors(c))))
    jacobian = 8 * n * space.num_coefficients / 2**30
    title = f"{layers} x {width}, N = {n}"
    print(f"{title}: {seconds:.1f} s, peak {before:.2f} -> {peak():.2f} GiB; its Jacobian alone has {jacobian:.0f} GiB")
    blocks = space.at(x).jacobian_factors(c)
    seconds = timed(lambda: results.append(eigenpairs(operator(blocks), 8)))
    print(f"its 8 leading eigenpairs as an operator: {seconds:.1f} s, peak {peak():.2f} GiB")


def main() -> None:
    """Print one line for each network."""
    torch.set_num_threads(1)
    large(4, 1000, 3000)  # first, because the peak memory of a process never decreases
    for layers, width, n, repeats in ((1, 64, 1000, 9), (3, 16, 100, 9), (3, 64, 500, 9), (3, 128, 1000, 5), (4, 256, 1000, 3)):
        compare(layers, width, n, repeats)


if __name__ == "__main__":
    main()

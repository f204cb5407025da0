"""Classical methods compared with their building blocks, as ratios within one run: ``python benchmarks/classical.py [NAME ...]``.

Use one thread, ``OMP_NUM_THREADS=1``: CPU time is then the time of the computation, independent of the load of the machine.
"""

from __future__ import annotations

import functools
import gc
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

import pdefreq
from pdefreq.domains.box import Box
from pdefreq.iterations.iteration import Iteration
from pdefreq.problem.problem import Problem
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.spectral.sine_series import SineSeries

Work = Callable[[], object]
SQUARE = Box((0.0, 0.0), (1.0, 1.0))
POISSON = Problem(domain=SQUARE, source=lambda x: x.prod(dim=1).exp(), boundary=0.0)


def prepared(method: str, intervals: int) -> Iteration:
    """A method that is prepared for Poisson's equation on the unit square."""
    solver = make_solver(method, {"intervals": intervals})
    return solver.prepare(POISSON, seed=0, device=torch.device("cpu"), dtype=torch.float64)


def jacobi_sweep() -> tuple[Work, Work]:
    """A sweep of Jacobi on 2000 x 2000 intervals with constant coefficients, and a copy of the array."""
    iteration = prepared("jacobi", 2000)
    state = [iteration.init()]
    a, b = torch.ones(2001, 2001, dtype=torch.float64), torch.empty(2001, 2001, dtype=torch.float64)
    return lambda: state.append(iteration.step(state.pop())), lambda: b.copy_(a)


CYCLES = 10


def multigrid_cycles() -> tuple[Work, Work]:
    """Ten cycles on 1000 x 1000 intervals, and ten cycles of PyAMG for a given matrix and right-hand side."""
    plain = plain_pyamg()
    iteration = prepared("multigrid", 1000)

    def run() -> None:
        state = iteration.init()
        for _ in range(CYCLES):
            state = iteration.step(state)

    return run, plain


def plain_pyamg() -> Work:
    """Ten cycles by PyAMG."""
    import pyamg
    import scipy.sparse as sp

    matrix = sp.csr_array(pyamg.gallery.poisson((999, 999), format="csr"))
    load, hierarchy = np.ones(999**2), pyamg.ruge_stuben_solver(matrix)
    return lambda: hierarchy.solve(load, x0=np.zeros_like(load), maxiter=CYCLES, tol=0.0)


def multigrid_whole() -> tuple[Work, Work]:
    """From the problem to the solution on 1000 x 1000 intervals, and the same with NumPy, scipy.sparse and PyAMG."""
    import pyamg
    import scipy.sparse as sp

    def run() -> None:
        iteration = prepared("multigrid", 1000)
        state = iteration.init()
        for _ in range(CYCLES):
            state = iteration.step(state)

    def plain() -> None:
        x = np.linspace(0, 1, 1001)[1:-1]
        load = np.exp(np.outer(x, x)).ravel()
        second = sp.diags_array([-np.ones(998), 2 * np.ones(999), -np.ones(998)], offsets=[-1, 0, 1]) * 1000.0**2
        one = sp.eye_array(999)
        matrix = sp.csr_array(sp.kron(second, one) + sp.kron(one, second))
        pyamg.ruge_stuben_solver(matrix).solve(load, x0=np.zeros_like(load), maxiter=CYCLES, tol=0.0)

    return run, plain


def sine_solve() -> tuple[Work, Work]:
    """From the problem to a million coefficients, and the evaluation of the source at the nodes plus two transforms."""
    space = SineSeries(SQUARE, (1000, 1000), SQUARE.lifting(POISSON.source))

    def run() -> None:
        iteration = prepared("sine", 1001)
        iteration.step(iteration.init())

    def plain() -> None:
        values = POISSON.source(space.grid)
        space.transform(values)
        space.transform(values)

    return run, plain


def fem(dimension: int, cells: int) -> tuple[Work, Work]:
    """P1 elements from the problem to the solution with variable diffusion, and the same with scikit-fem and PyAMG."""
    import pyamg
    import skfem
    from skfem.helpers import dot, grad

    box = Box((0.0,) * dimension, (1.0,) * dimension)
    problem = Problem(domain=box, source=lambda x: x[:, 1].sin(), diffusion=lambda x: 1 + x[:, 0], boundary=0.0)
    solver = make_solver("fem", {"cells": cells, "linear_solver": "amg"})

    def run() -> None:
        iteration = solver.prepare(problem, seed=0, device=torch.device("cpu"), dtype=torch.float64)
        iteration.step(iteration.init())

    def plain() -> None:
        ticks = [np.linspace(0, 1, cells + 1)] * dimension
        mesh = (skfem.MeshTri if dimension == 2 else skfem.MeshTet).init_tensor(*ticks)
        basis = skfem.Basis(mesh, skfem.ElementTriP1() if dimension == 2 else skfem.ElementTetP1())
        matrix = skfem.BilinearForm(lambda u, v, w: (1 + w.x[0]) * dot(grad(u), grad(v))).assemble(basis)
        load = skfem.LinearForm(lambda v, w: np.sin(w.x[1]) * v).assemble(basis)
        matrix, load, u, free = skfem.condense(matrix, load, D=basis.get_dofs())
        u[free] = pyamg.ruge_stuben_solver(matrix.tocsr()).solve(load, tol=1e-12, accel="cg")

    return run, plain


def whole_solve() -> tuple[Work, Work]:
    """`pdefreq.solve` with its measurements for a million unknowns by P1 elements, and the preparation with the step alone."""
    problem = Problem(domain=SQUARE, exact="sin(pi*x) * sin(3*pi*y)")
    solver = make_solver("fem", {"cells": 1001, "linear_solver": "amg"})

    def steps() -> None:
        iteration = solver.prepare(problem.blind(), seed=0, device=torch.device("cpu"), dtype=torch.float64)
        iteration.step(iteration.init())

    return lambda: pdefreq.solve(problem, solver), steps


# name: function that creates the computations, repetitions, and the required ratio
BENCHMARKS: dict[str, tuple[Callable[[], tuple[Work, Work]], int, float]] = {
    "jacobi sweep / copy": (jacobi_sweep, 40, 3.0),
    "multigrid cycles / PyAMG": (multigrid_cycles, 5, 1.15),
    "multigrid whole / PyAMG": (multigrid_whole, 5, 1.15),
    "sine / two transforms": (sine_solve, 9, 1.3),
    "fem 2-D / scikit-fem": (functools.partial(fem, 2, 501), 5, 1.15),  # 250,000 unknowns
    "fem 3-D / scikit-fem": (functools.partial(fem, 3, 40), 5, 1.15),  # 59,319 unknowns
    "solve / prepare + step": (whole_solve, 2, 1.2),
}


def ratios(work: Work, unit: Work, repeats: int) -> tuple[float, float]:
    """Medians of the ratios work / unit of wall time and of CPU time, over pairs that are run in alternating order.

    Other load of the machine affects both members of a pair; CPU time does not include waiting.
    """
    work(), unit()
    pairs = []
    for k in range(repeats):
        seconds = {run: _seconds(run) for run in ((work, unit) if k % 2 else (unit, work))}
        pairs.append(seconds[work] / seconds[unit])
    wall, cpu = np.median(pairs, axis=0)
    return float(wall), float(cpu)


def _seconds(run: Work) -> np.ndarray:
    """Wall time and CPU time."""
    gc.collect()  # no computation has to collect the garbage of another one
    began = time.perf_counter(), time.process_time()
    run()
    return np.array([time.perf_counter() - began[0], time.process_time() - began[1]])


def main() -> None:
    """Print one line for each ratio."""
    torch.set_num_threads(1)
    print(f"{'':26s}  wall   CPU")
    for name, (build, repeats, asked) in BENCHMARKS.items():
        if not sys.argv[1:] or any(word in name for word in sys.argv[1:]):
            wall, cpu = ratios(*build(), repeats)
            print(f"{name:26s} {wall:5.2f} {cpu:5.2f}   (asked: at most {asked:g})", flush=True)


if __name__ == "__main__":
    main()

"""Comparison of the numbers that two source trees compute: record each tree, then compare the two files.

    PYTHONPATH=TREE_A python benchmarks/parity.py record a.npz
    PYTHONPATH=TREE_B python benchmarks/parity.py record b.npz
    python benchmarks/parity.py compare a.npz b.npz

Each case consists of a method, a problem and a seed. A case stores the coefficients (of a network after 20 steps, of a classical
method at the end), the terms of the objective at every recorded step, the predicted curves, and the solution at fixed points.
"""

from __future__ import annotations

import sys
import time

import numpy as np

STEPS = 20
NETWORK = [  # spec of the method, problem, seed
    ("deep-ritz", "poisson", 0),
    ("deep-ritz", "poisson", 1),
    ("mscale", "poisson", 0),
    ("mscale", "poisson", 1),
    ("mscale:activation=phi", "poisson", 0),
    ("mscale:activation=srelu", "poisson", 2),
    ("mscale:form=first-layer,activation=sin-srelu", "poisson", 0),
    ("pinn", "poisson", 0),
    ("pinn-gradient", "poisson", 0),
    (("pinn-gradient:gradient=0.1", "pinn-gradient:weights=gradient:0.1"), "poisson", 1),
    ("gauss-newton", "poisson", 0),
    ("gauss-newton:damping=1e-4", "poisson", 1),
    (("gauss-newton:loss=ritz", "gauss-newton:functional=ritz"), "poisson", 0),
    ("regression", "tones", 0),
    ("regression-gradient", "tones", 0),
    (("regression:exponent=4", "regression:misfit_exponent=4"), "tones", 0),
    ("deep-ritz:boundary=penalty,beta=100", "poisson", 0),
    (("deep-ritz:boundary=penalty,schedule=staged", "deep-ritz:boundary=penalty,staged=true"), "poisson", 0),
    ("pinn:boundary=penalty,balance_every=7", "poisson", 0),
    ("deep-ritz:points=sobol,resample_every=5", "poisson", 0),
    ("deep-ritz:points=uniform,number=300,batch=64", "poisson", 3),
    ("deep-ritz:batch=100", "poisson", 0),
    ("deep-ritz:optimizer=gd,half_life=null,learning_rate=0.01,number=200", "poisson", 0),
    ("deep-ritz:optimizer=sgd,half_life=null,learning_rate=0.001,momentum=0.8,number=200", "poisson", 0),
    ("pinn:optimizer=lbfgs,activation=sin", "poisson", 0),
    ("deep-ritz:keep=best,patience=10", "poisson", 0),
    (("deep-ritz:input=fourier,features=20,std=5", "deep-ritz:fourier=20,fourier_std=5"), "poisson", 0),
    (("deep-ritz:network=phase-shift,frequencies=[3,10]", "deep-ritz:frequencies=[3,10]"), "poisson", 0),
    ("deep-ritz:residual=true,bias=hidden,adaptive=5", "poisson", 0),
    ("deep-ritz:start=antisymmetric,initialization=ntk", "poisson", 0),
    ("regression:start=doubled", "tones", 0),
    ("regression:start=wide,initialization=normal(0.1)", "tones", 0),
    ("pinn:clip=1,decay=cosine", "poisson", 0),
    ("pinn:decay=inverse", "poisson", 0),
    ("mscale:number=900", "poisson-multilevel", 0),
    ("pinn:number=400", "perforated", 0),
    (
        ("mscale:number=400,boundary=penalty,boundary.points=80", "mscale:number=400,boundary=penalty,boundary_points=80"),
        "harmonic-holes",
        0,
    ),
    ("pinn:number=300,boundary=penalty", "robin", 0),
    ("deep-ritz:number=300,boundary=penalty", "neumann", 0),
    ("mscale:number=512", "five", 0),
    (
        (
            "deep-ritz:number=256,input=periodic,harmonics=2,boundary=penalty",
            "deep-ritz:number=256,periodic=2,boundary=penalty",
        ),
        "poisson",
        0,
    ),
    ("mscale", "p-laplacian", 0),
    ("gauss-newton:number=200", "p-laplacian", 0),
    ("deep-ritz", "sampled-1d", 0),
    ("pinn", "sampled-1d", 0),
    (("deep-ritz+jacobi:hand_over_step=10", "deep-ritz+jacobi:switch=10"), "poisson", 0),
    (
        (
            "mscale:widths=[12,12],residual=true+multigrid:hand_over_step=8",
            "mscale:widths=[12,12],residual=true+multigrid:switch=8",
            "mscale+multigrid:first.widths=[12,12],first.residual=true,switch=8",
        ),
        "poisson",
        0,
    ),
]
CLASSICAL = [
    ("jacobi:intervals=64,steps=500", "poisson", 0),
    ("damped-jacobi:intervals=32,steps=300", "poisson-multilevel", 0),
    ("gauss-seidel:intervals=64,steps=200", "poisson", 0),
    ("gauss-seidel:intervals=32,steps=200,ordering=red-black", "poisson-multilevel", 0),
    ("sor:intervals=64,steps=200", "poisson", 0),
    ("two-grid:intervals=64", "poisson", 0),
    ("cg:intervals=32", "poisson-multilevel", 0),
    ("multigrid:intervals=32", "poisson-multilevel", 0),
    ("sine:intervals=128", "poisson", 0),
    ("fem:cells=200", "poisson", 0),
    ("fem:cells=24,element=P2", "poisson-multilevel", 0),
    ("fem:cells=16", "perforated", 0),
    ("fem:cells=64", "p-laplacian", 0),
    ("fem:cells=16,refinement=adaptive,levels=3", "l-shape", 0),
    ("ritz-galerkin:number=24", "poisson", 0),
    ("ritz-galerkin:basis=hat,number=20", "poisson", 0),
    ("fem:cells=12", "robin", 0),
]


RENAMED = {"mode_own_rate": "mode_rayleigh_quotient", "mode_coupling": "mode_eigen_residual"}
"""Names of facts in older trees, and what they are compared with."""

FACTS = ("mode_predicted_curve", "mode_predicted_rate", *RENAMED, *RENAMED.values())


def own_points(domain) -> np.ndarray:
    """Up to 200 points of the domain, equal in all trees."""
    import torch

    lower, upper = (np.asarray(corner, dtype=float) for corner in domain.bounds)
    x = lower + (upper - lower) * np.random.default_rng(7).random((400, len(lower)))
    return x[domain.contains(torch.from_numpy(x)).numpy()][:200]


def run_case(methods, problem, seed, *, steps):
    """The numbers of one case by name, with the first spelling of the method that this tree accepts."""
    from pdefreq import Schedule, Stop, UserError, load_problem, solve

    subject = load_problem("poisson-chirp", dimension=5) if problem == "five" else load_problem(problem)
    refusals = []
    for method in (methods,) if isinstance(methods, str) else methods:
        try:
            solution = solve(subject, method, seed=seed, stop=Stop(steps=steps), schedule=Schedule(dense=1000))
            break
        except UserError as error:
            refusals.append(str(error))
    else:
        return {"refused": np.array("; ".join(refusals))}
    x = own_points(subject.domain)
    found = {"coefficients": solution.state.coefficients.numpy(), "u": solution(x).numpy()}
    history = solution.history
    found |= {name: history.column(name) for name in history.names if name.startswith("objective")}
    found |= {name: np.asarray(history.facts[name]) for name in FACTS if name in history.facts}
    if subject.exact is not None:
        import torch

        found["error"] = found["u"] - subject.exact(torch.from_numpy(x)).numpy()
    return found


def record(path: str, only: str = "") -> None:
    """Run the cases whose label contains `only`, and write their numbers to a file."""
    arrays = {}
    for kind, cases in (("network", NETWORK), ("classical", CLASSICAL)):
        for methods, problem, seed in cases:
            label = f"{methods if isinstance(methods, str) else methods[-1]} on {problem}, seed {seed}"
            if only and only not in label:
                continue
            began = time.perf_counter()
            found = run_case(methods, problem, seed, steps=STEPS if kind == "network" else None)
            print(f"{time.perf_counter() - began:6.1f} s  {label}  {found.get('refused', '')}", flush=True)
            arrays |= {f"{label}|{name}": value for name, value in found.items()}
    np.savez(path, **arrays)


def _loaded(path: str) -> dict[str, np.ndarray]:
    """The arrays of a file by case and name; names are those of this tree."""
    with np.load(path) as file:
        split = {key: key.partition("|") for key in file.files}
        return {f"{case}|{RENAMED.get(name, name)}": file[key] for key, (case, _, name) in split.items()}


def compare(first: str, second: str) -> int:
    """Print each array with a relative difference above 1e-12 of its largest entry; return the number of such cases."""
    a, b = _loaded(first), _loaded(second)
    cases: dict[str, dict[str, float]] = {}
    for key in sorted({*a, *b}):
        case, _, name = key.partition("|")
        differences = cases.setdefault(case, {})
        if key not in a or key not in b:
            differences[name] = np.inf
        elif a[key].dtype.kind == "U":
            differences[name] = 0.0 if str(a[key]) == str(b[key]) else np.inf
        elif a[key].shape != b[key].shape:
            differences[name] = np.inf
        elif np.array_equal(a[key], b[key], equal_nan=True):
            differences[name] = 0.0
        else:
            size = max(np.nanmax(np.abs(a[key])), 1e-300)
            gap = np.nanmax(np.abs(a[key] - b[key])) / size
            differences[name] = gap if np.array_equal(np.isnan(a[key]), np.isnan(b[key])) else np.inf
    equal = sum(all(gap == 0 for gap in case.values()) for case in cases.values())
    close = sum(all(gap <= 1e-12 for gap in case.values()) for case in cases.values())
    for case, differences in cases.items():
        for name, gap in differences.items():
            if gap > 1e-12:
                print(f"DIFFERS by {gap:.2g}: {case}, {name}")
    print(f"{len(cases)} cases: {equal} bit for bit equal, {close} equal to 1e-12 relative, {len(cases) - close} differ")
    return min(len(cases) - close, 100)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    sys.exit({"record": record, "compare": compare}[command](*arguments))

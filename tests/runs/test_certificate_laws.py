"""Certificates of runs: the inequality holds at every recorded step of generated problems, and is stored and printed."""

import numpy as np
import pytest
import torch

from pdefreq import Box, Problem, Stop, solve


def generated(seed):
    """Tones with random wavenumbers and amplitudes, in one or two dimensions, with a reaction and convection in some."""
    draw = np.random.default_rng(seed)
    d = 1 + seed % 2
    tones = " + ".join(
        f"{draw.normal():.3f}*" + "*".join(f"sin({draw.integers(1, 6 if d == 2 else 12)}*pi*{'xy'[k]})" for k in range(d))
        for _ in range(3)
    )
    options = {"reaction": float(draw.uniform(0, 5))} if seed % 3 == 0 else {}
    return Problem(domain=Box((0.0,) * d, (1.0,) * d), exact=tones, **options)


# all combinations of a dimension and a reaction, and further ones in the slow tests
@pytest.mark.parametrize("seed", [*range(6), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(6, 20))])
def test_the_inequality_holds_for_every_mode_and_recorded_step(seed):
    """In the eigenvectors' own terms: |v_k . r+| <= q_k |r| + R up to 1e-10 |r|, for each method."""
    problem = generated(seed)
    for method in (
        "gauss-newton:widths=[6],number=60,initialization=siren(10)",
        "random-features:number=80",
        "random-features:number=80,solve=sketched",
    ):
        solution = solve(problem, method, stop=Stop(steps=5), seed=seed, predict=False)
        history = solution.history
        remainder = history.column("certificate_remainder")
        known = np.isfinite(remainder)
        damped, residual = (history.column(f"certificate_{name}")[known] for name in ("damped", "residual"))
        assert known.any() and (residual <= damped + remainder[known, None] + 1e-10).all()
        assert ((damped >= 0) & (damped <= 1 + 1e-12)).all()
        assert solution.certificate == solution.summary()["certificate"] and solution.certificate["holds"]


def test_the_certificate_is_that_of_the_step_that_is_taken():
    """With constant damping the first trial is the step: r of the next state has the stated modes."""
    problem = generated(0)
    method = "gauss-newton:widths=[6],number=60,initialization=siren(10),damping=1e-3"
    solution = solve(problem, method, stop=Stop(steps=3), predict=False)
    objective, stated = solution.history.column("objective"), solution.history.column("certificate_residual")
    # sum_k |v_k . r+|^2 <= |r+|^2, and |r|^2 / 2 is the objective in the same units
    left = (stated[:3] ** 2).sum(axis=1) * objective[:3]
    assert (left <= objective[1:4] * (1 + 1e-9)).all()


def test_methods_without_damped_steps_have_no_certificate():
    for method in ("fem", "pinn:widths=[5],number=30", "jacobi"):
        assert solve("poisson", method, stop=Stop(steps=2), predict=False).certificate is None


def test_certificates_do_not_change_a_run():
    """They are measured at some steps only; coefficients with another schedule are the same."""
    from pdefreq import Schedule

    runs = [
        solve(generated(1), "gauss-newton:widths=[6],number=60", stop=Stop(steps=4), schedule=schedule).state.coefficients
        for schedule in (Schedule(), Schedule(dense=1, per_decade=1))
    ]
    assert torch.equal(*runs)

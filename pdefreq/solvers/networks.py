"""Methods that train networks: presets of one solver, each with the defaults of its literature that do well here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pdefreq.registry import preset
from pdefreq.solvers.network_solver import NetworkSolver
from pdefreq.solvers.unused import require_used

_PLAIN = {"scales": None, "form": "subnetworks"}
_SCALED = {"frequencies": None}
_FULL_STEPS = {"momentum": 0.9, "clip": None, "batch": None}
_EQUATION = {"misfit_exponent": 2.0}
_FIT = {"form": "subnetworks", "boundary": "hard", "beta": 500.0, "boundary_points": 400, "staged": False, "staged_steps": None}


def _method(name: str, doc: str, fixed: dict[str, Any], **defaults: Any) -> Callable[..., Any]:
    """A preset that keeps its name, and refuses options that would do nothing."""
    named = {"method": name.replace("_", "-"), **fixed}
    return preset(name, NetworkSolver, doc, fixed=named, check=require_used, **defaults)


deep_ritz = _method(
    "deep_ritz",
    """A plain network that minimises the energy: low frequencies converge first, high ones late or never.

    Source:
        E and Yu (2018), The Deep Ritz method, Commun. Math. Stat. 6.
    """,
    fixed={"functional": "ritz", "balance_every": None, **_PLAIN, **_EQUATION},
    widths=(75, 75, 75),
    half_life=1500.0,
)

mscale = _method(
    "mscale",
    """Sub-networks on scaled inputs (MscaleDNN) that minimise the energy: all frequencies converge at similar speed.

    Source:
        Liu, Cai, Xu (2020), Multi-scale deep neural network (MscaleDNN), arXiv 2007.11207.
    """,
    fixed={"functional": "ritz", "balance_every": None, **_SCALED, **_EQUATION},
    scales=(1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
    widths=(30, 30, 30),
    activation="sin",
    learning_rate=8e-3,
    half_life=800.0,
    steps=2000,
)

pinn = _method(
    "pinn",
    """A network that lowers the square of the equation's residual (physics-informed): high frequencies weigh most.

    Source:
        Raissi, Perdikaris, Karniadakis (2019), Physics-informed neural networks, J. Comput. Phys. 378.
    """,
    fixed={"functional": "residual", **_EQUATION},
    widths=(50, 50, 50),
    learning_rate=5e-3,
    half_life=500.0,
    steps=2500,
)

pinn_gradient = _method(
    "pinn_gradient",
    """A network that lowers the square of the residual and of its gradient (gradient-enhanced, p = 2).

    Source:
        Yu, Lu, Meng, Karniadakis (2022), Gradient-enhanced physics-informed neural networks, CMAME 393.
    """,
    fixed={"functional": "residual-gradient", **_EQUATION},
    widths=(50, 50, 50),
    weights={"gradient": 1e-3},  # else it outweighs the residual by the square of the highest frequency
    learning_rate=5e-3,
    half_life=300.0,
    steps=1000,
)

gauss_newton = _method(
    "gauss_newton",
    """A network whose steps solve the linearized problem, damped as Levenberg and Marquardt do: no frequency waits for another.

    Source:
        Mueller, Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural gradient descent, arXiv 2302.13163.
    """,
    fixed={"optimizer": "gauss-newton", "learning_rate": 1e-3, "half_life": None, "decay": "exponential", **_FULL_STEPS},
    functional="residual",
    widths=(20, 20),
    activation="sin",
    initialization="siren(10)",
    steps=200,
)

regression = _method(
    "regression",
    """A network fitted to a given function, or to its values at the problem's data: the frequency principle at its simplest.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 2.
    """,
    fixed={"functional": "misfit", "balance_every": None, **_FIT},
    widths=(200, 200, 200, 100),
    half_life=2000.0,
    steps=3000,
)

regression_gradient = _method(
    "regression_gradient",
    """A network fitted to a given function and its gradient: frequency xi weighs 1 + xi^2, so high ones come sooner.

    Source:
        Xu, Understanding deep learning (lecture notes), equation 1.23.
    """,
    fixed={"functional": "misfit-gradient", **_FIT},
    widths=(200, 200, 200, 100),
    half_life=2000.0,
    steps=3000,
)

"""Methods that train networks: compositions of parts with defaults from the literature."""

from __future__ import annotations

from typing import Any

from pdefreq.core.composition import as_part
from pdefreq.core.errors import OptionError
from pdefreq.parts.boundary import Automatic as AutomaticBoundary
from pdefreq.parts.boundary import Boundary
from pdefreq.parts.losses import Automatic as AutomaticLoss
from pdefreq.parts.losses import Loss, Misfit, Residual, Ritz
from pdefreq.parts.mscale import Mscale
from pdefreq.parts.networks import Mlp, Network
from pdefreq.parts.optimizers import Adam, GaussNewton, Optimizer
from pdefreq.parts.points import Automatic, Points
from pdefreq.parts.training import Training
from pdefreq.solvers.network_solver import NetworkSolver

_ENHANCED = Residual(
    gradient=1e-3
)  # with a factor of 1 the gradient outweighs the residual by the square of the highest frequency
_AUTOMATIC = AutomaticBoundary()
_AUTOMATIC_LOSS = AutomaticLoss()


def _required(loss: Loss, kind: type[Loss]) -> Loss:
    """The loss, if it is of the kind that gives the method its name."""
    loss = as_part(Loss, loss, "loss")
    if not isinstance(loss, kind) or isinstance(loss, AutomaticLoss):
        name = kind.registry.name_of(kind)
        raise OptionError(f"`loss` must be {name} here, got {loss.title}: use the method `network` for any loss")
    return loss


def deep_ritz(
    *,
    network: Network = Mlp(widths=(75, 75, 75)),
    loss: Ritz = Ritz(),
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(half_life=1500.0),
    training: Training = Training(steps=4000),
    **options: Any,
) -> NetworkSolver:
    """A plain network that minimizes the energy: low frequencies converge first, high frequencies late or never.

    Args:
        network: The architecture.
        loss: The energy.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        E and Yu (2018), The Deep Ritz method, Commun. Math. Stat. 6.
    """
    return NetworkSolver(
        network=network,
        loss=_required(loss, Ritz),
        boundary=boundary,
        points=points,
        optimizer=optimizer,
        training=training,
        label="deep-ritz",
    ).with_options(options)


def mscale(
    *,
    network: Network = Mscale(),
    loss: Ritz = Ritz(),
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(learning_rate=8e-3, half_life=800.0),
    training: Training = Training(steps=2000),
    **options: Any,
) -> NetworkSolver:
    """Sub-networks on scaled inputs (MscaleDNN) that minimize the energy: all frequencies converge at similar speed.

    Args:
        network: The architecture.
        loss: The energy.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Liu, Cai, Xu (2020), Multi-scale deep neural network (MscaleDNN), arXiv 2007.11207.
    """
    return NetworkSolver(
        network=network,
        loss=_required(loss, Ritz),
        boundary=boundary,
        points=points,
        optimizer=optimizer,
        training=training,
        label="mscale",
    ).with_options(options)


def pinn(
    *,
    network: Network = Mlp(),
    loss: Residual = Residual(),
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(learning_rate=5e-3, half_life=500.0),
    training: Training = Training(steps=2500),
    **options: Any,
) -> NetworkSolver:
    """A network that minimizes the squared residual of the equation (physics-informed): high frequencies have large weights.

    Args:
        network: The architecture.
        loss: The squared residual.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Raissi, Perdikaris, Karniadakis (2019), Physics-informed neural networks, J. Comput. Phys. 378.
    """
    return NetworkSolver(
        network=network,
        loss=_required(loss, Residual),
        boundary=boundary,
        points=points,
        optimizer=optimizer,
        training=training,
        label="pinn",
    ).with_options(options)


def pinn_gradient(
    *,
    network: Network = Mlp(),
    loss: Residual = _ENHANCED,
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(learning_rate=5e-3, half_life=300.0),
    training: Training = Training(steps=1000),
    **options: Any,
) -> NetworkSolver:
    """A network that minimizes the square of the residual and of its gradient (gradient-enhanced, p = 2).

    Args:
        network: The architecture.
        loss: The squared residual and its gradient.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Yu, Lu, Meng, Karniadakis (2022), Gradient-enhanced physics-informed neural networks, CMAME 393.
    """
    return NetworkSolver(
        network=network,
        loss=_required(loss, Residual),
        boundary=boundary,
        points=points,
        optimizer=optimizer,
        training=training,
        label="pinn-gradient",
    ).with_options(options)


def gauss_newton(
    *,
    network: Network = Mlp(widths=None, activation="sin", initialization="siren(10)"),
    loss: Loss = _AUTOMATIC_LOSS,
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: GaussNewton = GaussNewton(factorization="cholesky-qr"),
    training: Training = Training(steps=400),
    **options: Any,
) -> NetworkSolver:
    """A network trained by Gauss-Newton steps with Levenberg-Marquardt damping, each of which solves a linearized problem.

    Args:
        network: The architecture.
        loss: What is minimized: a residual, an energy or a misfit.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Mueller, Zeinhofer (2023), Achieving high accuracy with PINNs via energy natural gradient descent, arXiv 2302.13163.
    """
    return NetworkSolver(
        network=network,
        loss=loss,
        boundary=boundary,
        points=points,
        optimizer=optimizer,
        training=training,
        label="gauss-newton",
    ).with_options(options)


def regression(
    *,
    network: Network = Mlp(widths=(200, 200, 200, 100)),
    loss: Loss = Misfit(),
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(half_life=2000.0),
    training: Training = Training(steps=3000),
    **options: Any,
) -> NetworkSolver:
    """A network fitted to a given function, or to its values at the problem's data: the frequency principle at its simplest.

    Args:
        network: The architecture.
        loss: The distance to the function: a misfit, or another loss that is for regressions.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Xu, Zhang, Luo, Xiao, Ma (2020), arXiv 1901.06523, section 2.
    """
    return NetworkSolver(
        network=network,
        loss=loss,
        points=points,
        optimizer=optimizer,
        training=training,
        label="regression",
    ).with_options(options)


def regression_gradient(
    *,
    network: Network = Mlp(widths=(200, 200, 200, 100)),
    loss: Misfit = Misfit(gradient=1.0),
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(half_life=2000.0),
    training: Training = Training(steps=3000),
    **options: Any,
) -> NetworkSolver:
    """A network fitted to a given function and its gradient: frequency xi weighs 1 + xi^2, so high ones come sooner.

    Args:
        network: The architecture.
        loss: The distance to the function.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.

    Source:
        Xu, Understanding deep learning (lecture notes), equation 1.23.
    """
    return NetworkSolver(
        network=network,
        loss=_required(loss, Misfit),
        points=points,
        optimizer=optimizer,
        training=training,
        label="regression-gradient",
    ).with_options(options)


def network(
    *,
    network: Network = Mlp(),
    loss: Loss = Ritz(),
    boundary: Boundary = _AUTOMATIC,
    points: Points = Automatic(),
    optimizer: Optimizer = Adam(),
    training: Training = Training(),
    **options: Any,
) -> NetworkSolver:
    """A network of any architecture that minimizes any loss: the parts are chosen one by one.

    Args:
        network: The architecture.
        loss: The loss to minimize.
        boundary: How boundary conditions are imposed.
        points: Where the loss is sampled.
        optimizer: How steps are taken.
        training: Budget and bookkeeping.
        options: Options of the parts by their names, such as ``widths=(20, 20)``.
    """
    return NetworkSolver(
        network=network, loss=loss, boundary=boundary, points=points, optimizer=optimizer, training=training, label="network"
    ).with_options(options)

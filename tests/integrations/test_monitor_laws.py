"""Monitors in the training loops of other packages; the package of a test must be installed."""

import math
import time

import numpy as np
import pytest
import torch

from pdefreq import Monitor
from pdefreq.core.history import Schedule
from pdefreq.integrations.pytorch import watch
from pdefreq.spectrum.spectral_record import ERROR


def network(seed=0):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(1, 20), torch.nn.Tanh(), torch.nn.Linear(20, 1)).double()


def measured(function, points="numpy"):
    """The errors of the modes of one function, by a fresh monitor."""
    monitor = Monitor("poisson", points=points)
    monitor(0, function)
    return monitor.history.column(ERROR)[-1]


def test_a_loop_in_pytorch_is_measured_at_each_step():
    u, monitor = network(), Monitor("poisson", share=math.inf)
    optimizer = torch.optim.Adam(u.parameters(), lr=1e-2)
    handle = watch(optimizer, u, monitor)
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    for _ in range(5):
        optimizer.zero_grad()
        (u(x) - torch.sin(math.pi * x)).square().mean().backward()
        optimizer.step()
    assert monitor.history.column("step").tolist() == [0, 1, 2, 3, 4, 5]
    np.testing.assert_allclose(monitor.history.column(ERROR)[-1], measured(lambda x: u(x)[:, 0], "torch"), rtol=1e-12)
    handle.remove()
    optimizer.step()
    assert len(monitor.history) == 6


def test_measurements_take_a_tenth_of_the_time_of_a_loop():
    """The loop waits 2 ms a step for 300 steps; a tenth, the free 0.1 s and one measurement are allowed."""
    u, monitor = network(), Monitor("poisson")
    spent = 0.0
    for step in range(300):
        time.sleep(2e-3)
        before = time.perf_counter()
        monitor(step, u)
        spent += time.perf_counter() - before
    own = monitor.history.column("seconds")[-1]
    assert spent < 0.1 * (own + 1) + 0.1 + 2.0  # the first measurement prepares the modes, which is allowed to take 2 s


def test_deepxde_calls_a_monitor(monkeypatch):
    monkeypatch.setenv("DDE_BACKEND", "pytorch")
    dde = pytest.importorskip("deepxde")
    from pdefreq.integrations.deepxde import MonitorCallback

    dde.config.set_default_float("float64")
    geometry = dde.geometry.Interval(-1, 1)
    residual = lambda x, u: dde.grad.hessian(u, x) + math.pi**2 * torch.sin(math.pi * x)  # noqa: E731
    zero = dde.icbc.DirichletBC(geometry, lambda _: 0, lambda _, on: on)
    data = dde.data.PDE(geometry, residual, zero, 20, 2)
    model = dde.Model(data, dde.nn.FNN([1, 10, 1], "tanh", "Glorot normal"))
    model.compile("adam", lr=1e-3)
    monitor = Monitor("poisson", label="DeepXDE", share=math.inf)
    model.train(iterations=4, display_every=100, callbacks=[MonitorCallback(monitor)], verbose=0)
    assert monitor.history.column("step").tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(monitor.history.column(ERROR)[-1], measured(lambda x: model.predict(x)[:, 0]), rtol=1e-12)
    dde.config.set_default_float("float32")


def fitted(tmp_path, monitor, epochs, **options):
    """The trainer, module and batches of a network that Lightning trains on two batches in each epoch."""
    lightning = pytest.importorskip("lightning")
    from pdefreq.integrations.lightning import MonitorCallback

    class Fit(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = network()

        def training_step(self, batch, _):
            return (self.net(batch[0]) - torch.sin(math.pi * batch[0])).square().mean()

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters(), lr=1e-2)

    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=20)
    module = Fit()
    trainer = lightning.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        callbacks=[MonitorCallback(monitor, lambda module: module.net)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
        **options,
    )
    trainer.fit(module, loader)
    return trainer, module, loader


@pytest.mark.filterwarnings("ignore")
def test_lightning_calls_a_monitor(tmp_path):
    monitor = Monitor("poisson", share=math.inf)
    _, module, _ = fitted(tmp_path, monitor, 2)
    assert monitor.history.column("step").tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_allclose(monitor.history.column(ERROR)[-1], measured(lambda x: module.net(x)[:, 0], "torch"), rtol=1e-12)


@pytest.mark.filterwarnings("ignore")
def test_lightning_measures_each_step_once_if_gradients_of_batches_are_accumulated_and_training_continues(tmp_path):
    """A step takes two batches; the schedule contains the steps 0, 1, 2, 4, and the last step of each fit is recorded."""
    monitor = Monitor("poisson", share=math.inf, schedule=Schedule(dense=1, per_decade=1 / math.log10(2) * (1 - 1e-12)))
    trainer, module, loader = fitted(tmp_path, monitor, 6, accumulate_grad_batches=2)
    assert monitor.history.column("step").tolist() == [0, 1, 2, 4, 6]
    trainer.fit_loop.max_epochs = 7
    trainer.fit(module, loader)
    assert monitor.history.column("step").tolist() == [0, 1, 2, 4, 6, 7]

"""Any torch module as a network."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pdefreq import Problem, Stop, gauss_newton, network, resume, solve
from pdefreq.core.errors import IncompatibleError, OptionError, UntrustedCodeError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.domains.frame import Frame
from pdefreq.parts import ModuleNetwork
from pdefreq.solvers.names import make_solver
from pdefreq.spaces.networks.mlp import MlpSpace

OWN = Path(__file__).parents[2] / "parts" / "own.py"


class Tanh(nn.Module):
    """The architecture of `mlp` with widths 7-5."""

    def __init__(self, dimension):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(dimension, 7), nn.Linear(7, 5), nn.Linear(5, 1)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


class Attention(nn.Module):
    """One block of a transformer over the coordinates, each of which is a token."""

    def __init__(self, dimension):
        super().__init__()
        self.token, self.place = nn.Linear(1, 8), nn.Parameter(0.1 * torch.randn(dimension + 1, 8))
        self.key, self.query, self.value = (nn.Linear(8, 8) for _ in range(3))
        self.norm, self.last = nn.LayerNorm(8), nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.token(nn.functional.pad(x, (0, 1))[..., None])) + self.place
        weights = torch.softmax(self.query(h) @ self.key(h).mT / 8**0.5, dim=-1)
        return self.last(self.norm(h + weights @ self.value(h)).mean(dim=1))[:, 0]


class Encoder(nn.Module):
    """The layer of a transformer of PyTorch, whose attention is a fused kernel without second derivatives by default."""

    def __init__(self, dimension):
        super().__init__()
        self.token, self.place = nn.Linear(1, 8), nn.Parameter(0.1 * torch.randn(dimension + 1, 8))
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True, activation="gelu")
        self.last = nn.Linear(8, 1)

    def forward(self, x):
        h = torch.tanh(self.token(nn.functional.pad(x, (0, 1))[..., None])) + self.place
        return self.last(self.layer(h).mean(dim=1))


def same_network(d):
    """A module and the built-in network with the same parameters, and points."""
    built_in = MlpSpace(Box((-1.0,) * d, (1.0,) * d), (7, 5), "tanh")
    space = ModuleNetwork(make=Tanh).on(built_in.domain)
    c = built_in.initialize(stream(0, "test"))
    x = torch.rand(30, d, generator=stream(1, "test"), dtype=torch.float64) * 2 - 1
    return built_in.at(x), space.at(x), c


@pytest.mark.parametrize("d", [1, 2, 3])
def test_values_and_derivatives_are_those_of_the_built_in_network(d):
    """The order of parameters is the same, weight and bias of each layer; differences are rounding errors."""
    expected, found, c = same_network(d)
    for name in ("value", "gradient", "second", "hessian", "jacobian", "third_derivatives"):
        torch.testing.assert_close(getattr(found, name)(c), getattr(expected, name)(c), rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"loss": "ritz", "optimizer": "adam"}, {"loss": "residual", "optimizer": "gauss-newton"}])
@pytest.mark.parametrize("problem", ["poisson", "perforated"])
def test_training_gives_the_results_of_the_built_in_network(problem, options):
    """Both start from the same weights. Coefficients of Adam may differ where a gradient is zero up to rounding: compare u."""
    domain_dimension = {"poisson": 1, "perforated": 2}[problem]
    module = Tanh(domain_dimension).double()
    builtin = make_solver("network", options | {"widths": (7, 5), "activation": "tanh", "initialization": "torch", "number": 300})
    frame_free = builtin.with_options(scaling="none")
    start = frame_free.network.on(Box((0.0,) * domain_dimension, (1.0,) * domain_dimension)).initialize(
        stream(0, "initialization")
    )
    nn.utils.vector_to_parameters(start, module.parameters())
    own = network(network=module, loss=frame_free.loss, optimizer=frame_free.optimizer).with_options(number=300, scaling="none")
    unmeasured = {"probes": (), "reference": 0.0}  # only u is compared: errors need a reference solution on a fine mesh
    pair = [solve(problem, method, stop=Stop(steps=6), seed=0, **unmeasured) for method in (frame_free, own)]
    x = pair[0].problem.domain.interior(50, stream(2, "test")).x.numpy()
    size = np.abs(np.asarray(pair[0](x))).max()
    np.testing.assert_allclose(np.asarray(pair[1](x)), np.asarray(pair[0](x)), rtol=0, atol=1e-10 * size)


@pytest.mark.parametrize(
    "make", [Tanh, Attention, Encoder, lambda dimension: nn.Sequential(nn.Linear(dimension, 8), nn.GELU(), nn.Linear(8, 1))]
)
@pytest.mark.parametrize("loss", ["ritz", "residual"])
def test_modules_of_any_kind_are_trained(make, loss):
    method = network(network=make, loss=loss, optimizer="gauss-newton").with_options(number=60)
    solution = solve("poisson", method, stop=Stop(steps=4))
    objective = solution.history.column("objective")
    assert objective[-1] < objective[0] and np.isfinite(solution.error())
    assert any("automatic differentiation" in note for note in solution.all_notes)


def test_a_class_gives_another_network_for_each_seed_and_an_object_the_same():
    starts = [ModuleNetwork(make=Tanh).on(Box((0.0,), (1.0,))).initialize(stream(seed, "start")) for seed in (0, 1, 0)]
    assert torch.equal(starts[0], starts[2]) and not torch.equal(starts[0], starts[1])
    module = Tanh(1)
    state = torch.get_rng_state()
    space = ModuleNetwork(make=module).on(Box((0.0,), (1.0,)))
    assert torch.equal(torch.get_rng_state(), state)  # the caller's random numbers are not used
    for seed in (0, 1):
        own = torch.cat([p.detach().double().flatten() for p in module.parameters()])
        assert torch.equal(space.initialize(stream(seed, "start")), own)


@pytest.mark.parametrize("parameters", ["", "dimension", "generator", "dimension, width=6", "generator, width=6.0"])
def test_a_function_of_a_file_makes_a_module_for_each_seed(parameters, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        f"from torch import nn\n\ndef make({parameters}):\n    return nn.Sequential(nn.Linear(1, 6), nn.Tanh(), nn.Linear(6, 1))\n"
    )
    found = make_solver("deep-ritz", {"network": f"{file}:make"}).network
    assert isinstance(found, ModuleNetwork)
    one, two = (found.on(Box((0.0,), (1.0,))).initialize(stream(seed, "start")) for seed in (0, 1))
    assert not torch.equal(one, two)


@pytest.mark.parametrize("width", ["width=6", "width: int = 6"])
def test_a_function_of_options_that_makes_a_module_is_refused(width, tmp_path):
    """It would be called once, so that all seeds had the same random start, which no seed determines."""
    file = tmp_path / "mine.py"
    file.write_text(f"from torch import nn\n\ndef make({width}):\n    return nn.Linear(1, width)\n")
    with pytest.raises(
        OptionError, match=r"'make' must return a part of the kind network, got Linear; .*`def waves\(dimension\)`"
    ):
        make_solver("deep-ritz", {"network": f"{file}:make", "width": "5"})


def test_frozen_parameters_and_buffers_are_constants():
    module = Tanh(1)
    module.layers[0].requires_grad_(False)
    module.register_buffer("unused", torch.ones(3))
    assert ModuleNetwork(make=module).on(Box((0.0,), (1.0,))).num_coefficients == 7 * 5 + 5 + 5 + 1


def test_the_frame_is_applied_to_the_coordinates():
    frame = Frame((3.0,), (0.5,))
    spaces = [ModuleNetwork(make=Tanh).on(Box((0.0,), (1.0,)), each) for each in (None, frame)]
    c, x = spaces[0].initialize(stream(0, "test")), torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
    torch.testing.assert_close(spaces[1].at(3 + x / 2).value(c), spaces[0].at(x).value(c), rtol=0, atol=1e-14)


def sequential(*layers):
    return lambda dimension: nn.Sequential(nn.Linear(dimension, 8), *layers, nn.Linear(8, 1))


class Broken(nn.Linear):
    """A module with a mistake that raises an exception of the given class."""

    def __init__(self, dimension, error):
        super().__init__(dimension, 1)
        self.error = error

    def forward(self, x):
        raise self.error("told\nat length")


class Detached(nn.Linear):
    def forward(self, x):
        return super().forward(x).detach()


REFUSED = {
    "unknown shape": lambda: nn.Sequential(nn.LazyLinear(8), nn.Tanh(), nn.Linear(8, 1)),
    "second derivatives": lambda dimension: Detached(dimension, 1),
    "other points": sequential(nn.BatchNorm1d(8), nn.Tanh()),
    "called again": sequential(nn.Tanh(), nn.Dropout(0.5)),
    "shape": lambda dimension: nn.Linear(dimension, 2),
    "can't be evaluated": lambda dimension: nn.Linear(dimension + 1, 1),
    "must be a torch.nn.Module": lambda dimension: dimension,
    "can't be made": nn.Linear,
    "can't be made: KeyError": lambda dimension: {}[dimension],
    "can't be evaluated at points of shape .*: AttributeError: told$": lambda dimension: Broken(dimension, AttributeError),
    "can't be evaluated at points of shape .*: ZeroDivisionError: told$": lambda dimension: Broken(dimension, ZeroDivisionError),
    "no trainable": lambda dimension: nn.Sequential(nn.Linear(dimension, 1)).requires_grad_(False),
    "not finite": lambda dimension: nn.Sequential(nn.Linear(dimension, 1), nn.Threshold(1e9, float("inf"))),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_other_modules_are_refused_in_one_sentence(reason):
    with pytest.raises(OptionError, match=reason) as refusal:
        solve("poisson", network(network=REFUSED[reason]), stop=Stop(steps=1))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("kinked", [sequential(nn.ReLU()), lambda dimension: Functional(dimension)])
def test_a_residual_needs_a_smooth_module(kinked):
    with pytest.raises(IncompatibleError, match="takes derivatives of order 2 and the module has 1"):
        solve("poisson", network(network=kinked, loss="residual"), stop=Stop(steps=1))


class Functional(nn.Module):
    """ReLU as a function: only the second derivatives, which are zero, tell."""

    def __init__(self, dimension):
        super().__init__()
        self.first, self.last = nn.Linear(dimension, 8), nn.Linear(8, 1)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))


def test_a_run_with_a_module_of_a_file_is_resumed_bit_for_bit_if_the_file_is_trusted(tmp_path):
    method = make_solver("gauss-newton", {"network": f"{OWN}:Waves", "number": 60})
    whole = solve("poisson", method, stop=Stop(steps=6))
    solve("poisson", method, stop=Stop(steps=3), folder=tmp_path / "run")
    with pytest.raises(UntrustedCodeError, match="executed only if you trust it"):
        resume(tmp_path / "run", stop=Stop(steps=6))
    again = resume(tmp_path / "run", stop=Stop(steps=6), trust=True)
    assert torch.equal(again.state.coefficients, whole.state.coefficients)


def test_a_run_with_a_module_as_an_object_is_resumed_with_the_method(tmp_path):
    method = gauss_newton(network=Tanh).with_options(number=60)
    whole = solve("poisson", method, stop=Stop(steps=6))
    solve("poisson", method, stop=Stop(steps=3), folder=tmp_path / "run")
    again = resume(tmp_path / "run", stop=Stop(steps=6), solver=method)
    assert torch.equal(again.state.coefficients, whole.state.coefficients)


def test_tied_parameters_are_one_coefficient():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(1, 4)
            self.again = self.first

        def forward(self, x):
            return (torch.tanh(self.first(x)) * torch.sin(self.again(x))).sum(dim=1)

    assert ModuleNetwork(make=Tied()).on(Box((0.0,), (1.0,))).num_coefficients == 8
    assert pickle.loads(pickle.dumps(ModuleNetwork(make=Tanh(1)))).derivatives is None


class OnlyInside(nn.Module):
    """A network of log(x - 3), which is finite on the interval (3.5, 4) only."""

    def __init__(self):
        super().__init__()
        self.inner = Tanh(1)

    def forward(self, x):
        return self.inner(torch.log(x - 3))


@pytest.mark.parametrize("scaling", ["none", "auto"])
def test_a_module_is_tested_at_points_of_the_domain_in_its_coordinates(scaling):
    """With scaling=auto the coordinates of the module are not those of the domain, so that log(x - 3) is not finite there."""
    problem = Problem(domain=Box(3.5, 4), exact="sin(pi*x)")
    method = network(network=OnlyInside()).with_options(number=40, scaling=scaling)
    if scaling == "none":
        assert np.isfinite(solve(problem, method, steps=2).error())
    else:
        with pytest.raises(OptionError, match="not finite at points of the domain"):
            solve(problem, method, steps=2)

import math

import pytest
import torch
from scipy.stats import ks_2samp

from pdefreq.core.errors import OptionError, UnknownNameError
from pdefreq.core.streams import stream
from pdefreq.domains.box import Box
from pdefreq.spaces.networks.activations import activation_named
from pdefreq.spaces.networks.initializations import initialization_named
from pdefreq.spaces.networks.initializations.initialization import Initialization, Layer
from pdefreq.spaces.networks.mlp import MlpSpace
from pdefreq.spaces.networks.mscale import MscaleSpace
from tests.spaces.registered import ACTIVATION_NAMES, COMPACT, INITIALIZATION_NAMES

BOX = Box((0.0, 0.0), (2.0, 3.0))
SCALES = (1.0, 4.0, 32.0)


@pytest.mark.parametrize("name", INITIALIZATION_NAMES)
def test_equal_streams_give_equal_weights(name):
    space = MscaleSpace(BOX, SCALES, (5, 4), "phi", name)
    assert torch.equal(space.initialize(stream(3, "initialization")), space.initialize(stream(3, "initialization")))
    assert not torch.equal(space.initialize(stream(3, "initialization")), space.initialize(stream(4, "initialization")))


VARIANCES = {  # of weights, from fan-in and fan-out; whether biases have the same distribution or are zero
    "glorot": (lambda fan_in, fan_out: 2 / (fan_in + fan_out), False),
    "mscale": (lambda fan_in, fan_out: 4 / (fan_in + (fan_out if fan_out > 1 else fan_in)), True),  # as if the last were square
    "he": (lambda fan_in, _: 2 / fan_in, False),
    "lecun": (lambda fan_in, _: 1 / fan_in, False),
    "torch": (lambda fan_in, _: 1 / (3 * fan_in), True),
    "normal(0.3)": (lambda *_: 0.09, True),
}


@pytest.mark.parametrize("name", list(VARIANCES))
def test_standard_deviations_agree_with_the_stated_formulas(name):
    space = MlpSpace(BOX, (300, 200), "tanh", name)
    p = space.unflatten(space.initialize(stream(0, "test")))
    variance, biased = VARIANCES[name]
    for layer, fans in enumerate(((2, 300), (300, 200), (200, 1)), start=1):
        check_deviation(p[f"weight{layer}"], math.sqrt(variance(*fans)))
        if not biased:
            assert not p[f"bias{layer}"].any()
        elif layer < 3:
            check_deviation(p[f"bias{layer}"], math.sqrt(variance(*fans)))


def check_deviation(samples, std):
    # the sample standard deviation of N normal numbers has an error of 1 / sqrt(2 N): five times that
    assert float(samples.square().mean().sqrt()) == pytest.approx(std, rel=5 / math.sqrt(2 * samples.numel()))


def test_torch_initialization_agrees_with_the_layers_of_pytorch():
    """Weights and biases of torch.nn.Linear have the same bounds and, up to sampling, the same distribution."""
    space = MlpSpace(BOX, (300, 200), "tanh", "torch")
    p = space.unflatten(space.initialize(stream(0, "test")))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = [torch.nn.Linear(a, b, dtype=torch.float64) for a, b in ((2, 300), (300, 200), (200, 1))]
    for number, layer in enumerate(theirs, start=1):
        for ours, other in ((p[f"weight{number}"], layer.weight), (p[f"bias{number}"], layer.bias)):
            n, bound = ours.numel(), 1 / math.sqrt(layer.in_features)
            assert n == other.numel()
            assert max(float(ours.abs().max()), float(other.detach().abs().max())) <= bound
            if n > 1:  # two samples of size n: Kolmogorov's distance exceeds 1.95 sqrt(2 / n) with probability 0.001
                found = ks_2samp(ours.flatten().numpy(), other.detach().flatten().numpy())
                assert found.statistic < 1.95 * math.sqrt(2 / n)  # pyright: ignore[reportAttributeAccessIssue]  # untyped
                # the largest of n uniform numbers differs from the bound by 1 / n of it on average: ten times that
                assert float(ours.abs().max()) > (1 - 10 / n) * bound


M = 400


@pytest.mark.parametrize(("gamma", "gamma_prime"), [(0.5, 0.0), (1.0, 0.0), (1.75, 0.0), (1.0, 0.5), (0.5, -0.5)])
def test_the_phase_family_has_its_two_exponents(gamma, gamma_prime):
    """kappa = beta_1 beta_2 / alpha = m^-gamma and kappa' = beta_1 / beta_2 = m^-gamma', by the definitions of the paper."""
    space = MlpSpace(BOX, (M,), "relu", f"phase({gamma},{gamma_prime})")
    p = space.unflatten(space.initialize(stream(0, "test")))
    (_, _), (alpha_inverse, _) = space.weight_scales()
    beta_1, beta_2 = M**-gamma_prime, 1.0
    check_deviation(p["weight2"], beta_1)
    check_deviation(p["weight1"], beta_2)
    check_deviation(p["bias1"], beta_2)
    assert float(alpha_inverse) * beta_1 * beta_2 == pytest.approx(M**-gamma)
    assert (space.weight_scales()[0][0] == 1).all() and not p["bias2"].any()


@pytest.mark.parametrize(("name", "same"), [("ntk", "phase(0.5, 0)"), ("mean-field", "phase(1, 0)"), ("siren", "siren(30)")])
def test_names_of_families_with_numbers(name, same):
    spaces = [MlpSpace(BOX, (6, 5), "tanh", text) for text in (name, same)]
    first, second = (space.initialize(stream(0, "test")) for space in spaces)
    assert torch.equal(first, second)
    for (w, b), (v, d) in zip(*(space.weight_scales() for space in spaces), strict=True):
        assert torch.equal(w, v) and b == d


def test_the_ntk_parametrization_has_kernels_of_size_one():
    """Jacot et al. (2018): for weights N(0, 1) and factors 1 / sqrt(fan_in), values and tangent kernels have limits of size 1.

    With one hidden layer the kernel is the mean of sigma sigma + a^2 sigma' sigma' (x.x' + 1), plus 1 for the last bias.
    """
    x = BOX.interior(4, stream(1, "test")).x
    space = MlpSpace(BOX, (20_000,), "relu", "ntk")
    c = space.initialize(stream(0, "test"))
    jacobian = space.at(x).jacobian(c)
    p = space.unflatten(c)
    a = x @ p["weight1"][0].T + p["bias1"][0].T
    on, out = (a > 0).double(), p["weight2"][0]
    expected = (a * on) @ (a * on).T / 20_000 + (out * on) @ (out * on).T / 20_000 * (x @ x.T + 1) + 1
    torch.testing.assert_close(jacobian @ jacobian.T, expected, rtol=1e-12, atol=0)
    # on the diagonal the limit is |x~|^2 / 2 + |x~|^2 / 2 + 1 with x~ = (x, 1); 20000 samples: 1 % times a factor of size 1
    torch.testing.assert_close((jacobian @ jacobian.T).diagonal(), x.square().sum(dim=1) + 2, rtol=0.05, atol=0)
    deep = MlpSpace(BOX, (1000, 1000), "relu", "ntk")
    weights = [float(w.mean()) for w, _ in deep.weight_scales()]
    assert weights == pytest.approx([1, 1000**-0.5, 1000**-0.5])


def test_sine_networks_have_standard_normal_inputs_after_the_first_layer():
    """Theorem 1.8 of Sitzmann et al. (2020), for any depth. The bias contributes 30^2 / (3 m) = 0.6."""
    space = MlpSpace(Box((-1.0,), (1.0,)), (500, 500, 500), "sin", "siren")
    p = space.unflatten(space.initialize(stream(0, "test")))
    h = torch.linspace(-1, 1, 401, dtype=torch.float64)[None]
    for layer in (1, 2, 3):
        bound = 1 if layer == 1 else math.sqrt(6 / 500) / 30
        assert 0.99 * bound < float(p[f"weight{layer}"].abs().max()) <= bound
        a = 30 * (p[f"weight{layer}"][0] @ h)
        if layer > 1:  # 500 units and a few independent points: 1 / sqrt(2 * 500) = 3 %, five times that
            assert float(a.std()) == pytest.approx(1, rel=0.15)
        h = torch.sin(a + 30 * p[f"bias{layer}"][0])
    assert [(float(w.mean()), b) for w, b in space.weight_scales()] == [(30, 30), (30, 30), (30, 30), (1, 1)]


@pytest.mark.parametrize("text", ["normal(0)", "normal(-1)", "normal(inf)", "siren(0)", "phase(nan, 0)", "normal", "phase(1)"])
def test_parameters_out_of_range_are_refused(text):
    with pytest.raises(OptionError, match=text.split("(")[0]):
        initialization_named(text)


def preactivations(space, x):
    """Inputs of the units of each hidden layer, ``(S, width, n)``."""
    p = space.unflatten(space.initialize(stream(0, "test")))
    h, found = x.T, []
    for layer in range(1, len(space.widths) + 1):
        weight = p[f"weight{layer}"] * (space.unit_scales if layer == 1 else 1)
        a = weight @ h + p[f"bias{layer}"]
        found.append(a)
        h = activation_named(space.activation)(a)
    return found


@pytest.mark.parametrize("activation", COMPACT)
def test_few_units_of_compact_support_are_dead(activation):
    """Units of all scales and layers have their support in the domain; Glorot initialization leaves more than a tenth dead."""
    left, right = activation_named(activation).support
    x = BOX.quadrature(10_000).x
    dead = {}
    for name in ("tiled", "glorot"):
        space = MscaleSpace(BOX, SCALES, (20, 20, 20), activation, name)
        inside = [((a > left) & (a < right)).any(dim=2) for a in preactivations(space, x)]
        dead[name] = 1 - float(torch.stack(inside).double().mean())
    assert dead["tiled"] < 0.03  # the support of a hidden unit whose bias lies at its edge may miss the domain
    assert dead["glorot"] > 0.1


@pytest.mark.parametrize("activation", ACTIVATION_NAMES)
def test_units_of_every_scale_are_centered_in_the_domain(activation):
    """The line on which the input of a first-layer unit is the midpoint of the support intersects the domain."""
    left, right = activation_named(activation).support or (0.0, 0.0)
    space = MscaleSpace(BOX, SCALES, (50,), activation, "tiled")
    corners = torch.tensor([[0.0, 0.0], [2.0, 0.0], [0.0, 3.0], [2.0, 3.0]], dtype=torch.float64)
    (a,) = preactivations(space, corners)
    middle = (left + right) / 2
    assert ((a.amin(dim=2) <= middle) & (a.amax(dim=2) >= middle)).all()  # a change of sign between two corners


def test_unknown_names_are_refused_with_the_nearest_name():
    with pytest.raises(UnknownNameError, match="unknown initialization 'gloriot': did you mean 'glorot'"):
        initialization_named("gloriot")


@pytest.mark.parametrize(
    "drawn", [torch.zeros(1, 4, 3), (torch.zeros(1, 3, 4), torch.zeros(1, 4, 1)), (torch.zeros(1, 4, 3),), None]
)
def test_weights_of_the_wrong_shape_are_refused(drawn):
    mine = Initialization(lambda *_: drawn)
    with pytest.raises(
        OptionError, match=r"must return weights and biases of the shapes \[\(1, 4, 3\), \(1, 4, 1\)\], got"
    ) as refusal:
        mine.parameters(Layer(3, 4, 1, None, None), stream(0, "test"))
    assert "\n" not in str(refusal.value)


def test_waves_of_the_data_are_represented_exactly_by_the_first_units():
    waves, n = ((3.0, 5.0), (3.0, -5.0)), 9
    space = MlpSpace(Box((0.0, 0.0), (1.0, 1.0)), (n,), "sin", "spectrum", waves=waves)
    c = space.initialize(stream(0, "test"))
    x = torch.rand(50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert not space.at(x).value(c).any()  # the last layer is zero
    weight, bias = c[: 2 * n].reshape(n, 2), c[2 * n : 3 * n]
    units = torch.sin(x @ weight.T + bias)[:, :4]  # a cosine and a sine of each wave
    f = (torch.sin(3 * x[:, 0]) * torch.sin(5 * x[:, 1]))[:, None]
    assert float((units @ torch.linalg.lstsq(units, f).solution - f).abs().max()) < 1e-12
    further = weight[4:] - torch.tensor(waves, dtype=torch.float64)[torch.arange(4, n) % 2]
    assert bool(further.any(dim=1).all())  # perturbed
    assert float(further.std()) == pytest.approx(2.5, rel=0.5)  # half of the largest component; ten samples


def test_further_layers_of_waves_are_nearly_linear():
    space = MlpSpace(Box((0.0,), (1.0,)), (200, 200), "sin", "spectrum", waves=((4.0,),))
    c = space.initialize(stream(0, "test"))
    weight = c[400 : 400 + 200**2].reshape(200, 200)
    bias = c[400 + 200**2 : 600 + 200**2]
    a = weight @ torch.sin(4 * torch.linspace(0, 6, 200, dtype=torch.float64)[:, None] + bias) + bias[:, None]
    assert float(a.std()) == pytest.approx(0.1 * math.sqrt(2), rel=0.2)  # of the weights and of the biases, both 0.1
    assert float((torch.sin(a) - a).abs().max()) < 0.1

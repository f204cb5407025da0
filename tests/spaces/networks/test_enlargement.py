"""Networks with more sub-networks or features have the function of the smaller network."""

import itertools
from dataclasses import replace

import pytest
import torch

from pdefreq import Box
from pdefreq.core.streams import stream
from pdefreq.domains.frame import Frame
from pdefreq.parts.inputs import Fourier
from pdefreq.parts.mscale import Mscale
from pdefreq.parts.networks import Mlp
from pdefreq.parts.starts import Antisymmetric, Doubled, Wide
from pdefreq.spaces.networks.enlargement import enlarged

BOX = Box((0.0, 0.0), (1.0, 1.0))
FRAME = Frame((0.5, 0.5), (2.0, 1.0))
NETWORKS = {
    "mscale": Mscale(scales=(1.0, 2.0), widths=(5, 4)),
    "fourier": Mlp(input=Fourier(features=3, std=2.0), widths=(5, 4), activation="sin"),
    "fourier in sub-networks": Mscale(scales=(1.0, 2.0), widths=(5, 4), input=Fourier(features=3, std=2.0)),
}
OPTIONS = [
    *({"start": start} for start in (None, Antisymmetric(), Doubled(), Wide())),
    *({"initialization": name} for name in ("glorot", "ntk", "mean-field", "siren", "phase(0.7, 0.1)")),
    {"adaptive": 5.0},
    {"bias": "none"},
    {"bias": "hidden"},
]


@pytest.mark.parametrize(("name", "options"), list(itertools.product(NETWORKS, OPTIONS)))
def test_the_function_is_that_of_the_smaller_network_and_new_weights_have_gradients(name, options):
    part = replace(NETWORKS[name], **options)
    in_input = name == "fourier in sub-networks"
    grown = replace(part, input=part.input.with_bands((4, 3))) if in_input else part.with_bands((4, 3))
    small, large = part.on(BOX, FRAME), grown.on(BOX, FRAME)
    c = small.initialize(stream(0, "small"))
    c = c + 0.1 * torch.randn(len(c), generator=stream(0, "trained"), dtype=c.dtype)
    found = enlarged(c, small, large, stream(0, "large"))
    x = BOX.interior(6, stream(0, "points")).x
    for one, other in zip(small.at(x).second_order(c), large.at(x).second_order(found), strict=True):
        torch.testing.assert_close(other, one, rtol=1e-12, atol=1e-12 * float(one.abs().max()))  # sums in another order
    gradient = large.at(x).jacobian(found).abs().sum(dim=0)
    assert int((gradient > 0).sum()) > len(c)

"""Networks as they may come from another project: a SIREN, a Kolmogorov-Arnold network and a transformer.

Each class maps points ``(n, d)`` to values. This file does not import pdefreq. For example::

    pdefreq solve poisson --method pinn --set network=docs/examples/modules.py:Siren
    pdefreq solve poisson-chirp --method gauss-newton --set network=docs/examples/modules.py:Transformer --steps 50
"""

import torch
from torch import nn


class Siren(nn.Module):
    """Layers sin(omega (W h + b)) and a linear last layer.

    Source:
        Sitzmann et al. (2020), Implicit neural representations with periodic activation functions, arXiv 2006.09661.
    """

    def __init__(self, dimension, widths=(50, 50, 50), omega=10.0):
        super().__init__()
        sizes = (dimension, *widths)
        self.hidden = nn.ModuleList([nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:], strict=True)])
        self.last = nn.Linear(sizes[-1], 1)
        self.omega: float = omega
        with torch.no_grad():
            for layer in self.hidden:
                bound = 1 / dimension if layer is self.hidden[0] else (6 / layer.in_features) ** 0.5 / omega
                layer.weight.uniform_(-bound, bound)

    def forward(self, x):
        for layer in self.hidden:
            x = torch.sin(self.omega * layer(x))
        return self.last(x)


class ChebyshevKan(nn.Module):
    """Layers h_o = sum over i and k of c_oik T_k(tanh h_i), with Chebyshev polynomials T_k.

    Source:
        Sidharth, Gokul (2024), Chebyshev polynomial-based Kolmogorov-Arnold networks, arXiv 2405.07200.
    """

    def __init__(self, dimension, widths=(8, 8), degree=6):
        super().__init__()
        sizes = (dimension, *widths, 1)
        self.degree = degree
        shapes = [(b, a, degree + 1) for a, b in zip(sizes[:-1], sizes[1:], strict=True)]
        self.layers = nn.ParameterList([torch.randn(shape) / (shape[1] * shape[2]) ** 0.5 for shape in shapes])

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(x)
            polynomials = [torch.ones_like(x), x]
            while len(polynomials) <= self.degree:
                polynomials.append(2 * x * polynomials[-1] - polynomials[-2])
            x = torch.einsum("nik,oik->no", torch.stack(polynomials, dim=-1), layer)
        return x


class Transformer(nn.Module):
    """One block of attention over waves of the coordinates, each of which is a token."""

    def __init__(self, dimension, tokens=6, size=12):
        super().__init__()
        self.waves = nn.Linear(dimension, tokens)
        self.embed, self.place = nn.Linear(1, size), nn.Parameter(0.3 * torch.randn(tokens, size))
        self.key, self.query, self.value = (nn.Linear(size, size) for _ in range(3))
        self.norm, self.inner, self.outer = nn.LayerNorm(size), nn.Linear(size, 2 * size), nn.Linear(2 * size, size)
        self.last = nn.Linear(size, 1)

    def forward(self, x):
        h = self.embed(torch.sin(4 * self.waves(x))[..., None]) + self.place
        weights = torch.softmax(self.query(h) @ self.key(h).mT / h.shape[-1] ** 0.5, dim=-1)
        h = self.norm(h + weights @ self.value(h))
        return self.last(h + self.outer(torch.tanh(self.inner(h)))).mean(dim=1)

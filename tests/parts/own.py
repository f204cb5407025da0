"""A module and a loss of a user, which tests name by their file."""

import torch
from torch import nn


class Waves(nn.Module):
    def __init__(self, dimension=1):
        super().__init__()
        self.first, self.last = nn.Linear(dimension, 6), nn.Linear(6, 1)

    def forward(self, x):
        return self.last(torch.tanh(3 * self.first(x)))


def residual(u, second, x):
    return u - second - x[:, 0]


def bump(a):
    return torch.exp(-a.square() / 2)

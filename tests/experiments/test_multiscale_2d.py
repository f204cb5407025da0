import numpy as np
import pytest
import scipy.sparse as sp
import skfem
import torch
from scipy.sparse.linalg import spsolve

from pdefreq.experiments.multiscale_2d import PUBLISHED, linear, nonlinear
from pdefreq.problem.files import load_problem


@pytest.mark.parametrize("name", [name for name in PUBLISHED if name != "E5"])
def test_e1_and_e2_agree_to_the_published_digits(name):
    u = linear(name[:2], int(name[-1]))
    assert u.shape == (2 ** int(name[-1]),) * 2
    assert np.abs(np.array([u.max(), u.mean(), np.sqrt((u**2).mean())]) - PUBLISHED[name]).max() < 1e-10


def test_e5_agrees_to_the_tolerance_of_the_published_solver():
    """That solver left a relative error of 9e-7, most of it at the node of the maximum."""
    u = nonlinear()
    assert u.shape == (63, 63)
    _, mean, rms = PUBLISHED["E5"]
    assert abs(u.mean() - mean) < 1e-7 and abs(np.sqrt((u**2).mean()) - rms) < 1e-7
    points = {(32, 32): 0.1299292373, (16, 32): 0.0874239777, (32, 16): 0.0843750098, (48, 16): 0.0675365990}
    for (i, j), value in points.items():  # indices 64 x and 64 y
        assert abs(u[i - 1, j - 1] - value) < 2e-6


class Minimum:
    """An independent implementation of E5: gradients G of hat functions, cells T, diffusion at the centroids."""

    def __init__(self):
        mesh = skfem.MeshTri.init_tensor(*[np.linspace(0, 1, 65)] * 2)
        self.cells, (x, y) = mesh.t.T, mesh.p
        edges = mesh.p[:, mesh.t[1:]] - mesh.p[:, mesh.t[:1]]  # (2, 2, cells): coordinate, edge
        slopes = np.linalg.inv(edges.transpose(2, 1, 0))
        self.slopes = np.concatenate([-slopes.sum(axis=2, keepdims=True), slopes], axis=2)  # (cells, 2, 3)
        centroids = torch.from_numpy(mesh.p[:, mesh.t].mean(axis=1).T.copy())
        self.diffusion = load_problem("multiscale-2d:E5").diffusion(centroids).numpy()
        self.area = 0.5 / 64**2
        self.load = np.bincount(mesh.t.ravel(), minlength=len(x)) * self.area / 3
        self.inner = np.nonzero((x > 0) & (x < 1) & (y > 0) & (y < 1))[0]
        self.inner = self.inner[np.lexsort((y[self.inner].round(9), x[self.inner].round(9)))]

    def all_nodes(self, u):
        values = np.zeros(len(self.load))
        values[self.inner] = u
        return values

    def size(self, u):
        """|grad u| in each cell."""
        return np.linalg.norm(np.einsum("cdk,ck->cd", self.slopes, self.all_nodes(u)[self.cells]), axis=1)

    def energy(self, u):
        return (self.diffusion * self.size(u) ** 3 / 3 * self.area).sum() - self.load @ self.all_nodes(u)

    def matrix(self, weight):
        local = np.einsum("cdi,cdj,c->cij", self.slopes, self.slopes, weight * self.area)
        i, j = np.repeat(self.cells, 3, axis=1).ravel(), np.tile(self.cells, 3).ravel()
        return sp.coo_array((local.ravel(), (i, j))).tocsr()[self.inner][:, self.inner]

    def residual(self, u):
        """Residual relative to the load."""
        load = self.load[self.inner]
        return np.linalg.norm(self.matrix(self.diffusion * self.size(u)) @ u - load) / np.linalg.norm(load)

    def solved(self):
        """Solution by half fixed-point steps with frozen diffusion (Kacanov), which shares no code with Newton's method."""
        load = self.load[self.inner]
        u = spsolve(self.matrix(self.diffusion), load)
        for _ in range(30):
            u = (u + spsolve(self.matrix(self.diffusion * self.size(u)), load)) / 2
        return u


def test_the_published_maximum_of_e5_differs_by_more_than_required_because_it_is_not_converged():
    """The required accuracy of the maximum is 2e-6 and the difference is 2.2e-6: the stored value does not solve the equations.

    Our value solves them up to rounding, and so does the value of another method with another assembly. Where the gradient, and
    with it the diffusion, vanishes, the energy hardly depends on the node: the stored value raises it by a relative 4e-11 and
    has a residual of 1e-4.
    """
    discrete, u = Minimum(), nonlinear().ravel()
    assert discrete.residual(u) < 1e-12  # unknowns x rounding x condition; measured 7e-14
    assert np.abs(discrete.solved() - u).max() < 1e-11  # each step removes at least half of the error
    excess = PUBLISHED["E5"][0] - u.max()
    assert 2.15e-6 < excess < 2.25e-6
    stored = u.copy()
    stored[u.argmax()] += excess
    assert 0 < discrete.energy(stored) - discrete.energy(u) < 1e-10 * abs(discrete.energy(u))
    assert 0.5e-4 < discrete.residual(stored) < 2e-4

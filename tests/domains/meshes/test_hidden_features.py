"""Meshes that are refined toward interfaces and places which lie between all vertices."""

import math

import numpy as np
import pytest
import skfem
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pdefreq.core.fields import CallableField
from pdefreq.domains.box import Box
from pdefreq.domains.meshes.hidden_features import with_fine_places, with_visible_interfaces
from pdefreq.domains.meshes.meshing import mesh_for

BOXES = {d: Box((0.0,) * d, (1.0,) * d) for d in (1, 2, 3)}
INNER = st.floats(0.05, 0.95)


def ball(center, radius):
    return CallableField(lambda x: sum((x[:, k] - c) ** 2 for k, c in enumerate(center)) - radius**2)


def volumes(mesh):
    corners = mesh.p.T[mesh.t.T]
    return np.abs(np.linalg.det(corners[:, 1:] - corners[:, :1])) / math.factorial(mesh.dim())


@settings(max_examples=8)
@pytest.mark.parametrize(("dimension", "least"), [(1, -7), (2, -7), (3, -2.5)])
@given(st.data())
def test_small_balls_are_seen(dimension, least, data):
    """A vertex lies inside, and the mesh still covers the box."""
    exponent = data.draw(st.floats(least, -1.5))
    center = data.draw(st.tuples(*[INNER] * dimension))
    mesh = with_visible_interfaces(mesh_for(BOXES[dimension], 4), [ball(center, 10**exponent)], BOXES[dimension])
    distance = np.linalg.norm(mesh.p.T - np.array(center), axis=1)
    assert distance.min() <= 10**exponent * (1 + 1e-9)
    assert abs(volumes(mesh).sum() - 1) < 1e-12
    assert set(mesh.boundaries or ()) == set(mesh_for(BOXES[dimension], 4).boundaries or ())


@pytest.mark.parametrize(
    "level_set",
    [
        ball((0.5, 0.5), 0.3),  # seen, although its arcs enter some cells through one edge
        ball((0.43, 0.61), 0.2),
        CallableField(lambda x: x[:, 0] + x[:, 1] - 0.7),
        CallableField(lambda x: x[:, 0] + 1e-9),  # just outside
        CallableField(lambda x: (x[:, 0] - 0.3) ** 2),  # touches zero, without a change of the sign
    ],
)
def test_meshes_that_see_the_interface_stay_as_they_are(level_set):
    mesh = mesh_for(BOXES[2], 10)
    assert with_visible_interfaces(mesh, [level_set], BOXES[2]) is mesh


def test_too_many_interfaces_end_the_refinement():
    stripes = CallableField(lambda x: torch.sin(1e5 * x[:, 0]) - 0.9)
    assert with_visible_interfaces(mesh_for(BOXES[2], 8), [stripes], BOXES[2]).nelements < 100_000


@settings(max_examples=8)
@pytest.mark.parametrize(("dimension", "least"), [(1, -7), (2, -7), (3, -2)])
@given(st.data())
def test_cells_at_places_are_not_longer_than_asked(dimension, least, data):
    exponent = data.draw(st.floats(least, -1))
    place = data.draw(st.tuples(*[st.floats(0.0, 1.0)] * dimension))
    mesh = with_fine_places(mesh_for(BOXES[dimension], 4), [(place, 10**exponent)], BOXES[dimension])
    low, high = mesh.p[:, mesh.t].min(axis=1), mesh.p[:, mesh.t].max(axis=1)
    near = ((low <= np.array(place)[:, None] + 1e-9) & (high >= np.array(place)[:, None] - 1e-9)).all(axis=0)
    assert (high - low)[:, near].max(axis=0).min() <= 10**exponent
    assert abs(volumes(mesh).sum() - 1) < 1e-12


def test_places_outside_the_mesh_change_nothing():
    mesh = skfem.MeshTri.init_tensor(np.linspace(0, 1, 5), np.linspace(0, 1, 5))
    assert with_fine_places(mesh, [((2.0, 0.5), 1e-6)], BOXES[2]) is mesh

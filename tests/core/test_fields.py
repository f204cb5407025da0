"""Derivatives of fields against closed forms."""

import pytest
import torch

from pdefreq.core.fields import CallableField, as_field
from pdefreq.domains.box import Box
from pdefreq.domains.ellipse import Ellipse
from pdefreq.domains.holes import WithHoles

X = torch.rand(9, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_derivatives_of_a_cubic():
    cubic = as_field(lambda x: x[:, 0] ** 3 + x[:, 0] * x[:, 1] ** 2 + x[:, 2])
    x, y, _ = X.T
    zero = torch.zeros_like(x)
    rows = [[6 * x, 2 * y, zero], [2 * y, 2 * x, zero], [zero, zero, zero]]
    # products of a few numbers below 6
    torch.testing.assert_close(cubic.hessian(X), torch.stack([torch.stack(r, dim=1) for r in rows], dim=1), rtol=0, atol=1e-14)
    torch.testing.assert_close(cubic.laplacian(X), 8 * x, rtol=0, atol=1e-14)
    torch.testing.assert_close(
        cubic.gradient_of_laplacian(X), torch.tensor([8.0, 0, 0], dtype=X.dtype).expand(9, -1), rtol=0, atol=1e-14
    )


@pytest.mark.parametrize("field", [as_field(3.0), CallableField(lambda x: 2 * x[:, 1]), CallableField(lambda x: x.new_ones(9))])
def test_linear_fields_have_zero_second_derivatives(field):
    assert not field.laplacian(X).any() and not field.hessian(X).any() and not field.gradient_of_laplacian(X).any()
    assert field.hessian(X).shape == (9, 3, 3) and field.gradient_of_laplacian(X).shape == (9, 3)


def test_a_wave_is_an_eigenfunction_of_the_laplacian():
    wave = as_field(lambda x: torch.sin(x @ x.new_tensor([1.0, 2.0, 3.0])))
    torch.testing.assert_close(wave.laplacian(X), -14 * wave(X), rtol=0, atol=1e-13)
    torch.testing.assert_close(wave.gradient_of_laplacian(X), -14 * wave.gradient(X), rtol=0, atol=1e-12)


SQUARE = Box((0.0, 0.0), (1.0, 1.0))
HOLE = WithHoles(Box((-1.0, -1.0), (2.0, 2.0)), (SQUARE,))


def second_derivatives_towards(field, corner, direction):
    """Ratio of the largest second derivatives at distances 1e-4 and 1e-5 from a corner: 10 if they grow like 1 / r."""
    near = [
        torch.tensor([[a + r * b for a, b in zip(corner, direction, strict=True)]], dtype=torch.float64) for r in (1e-4, 1e-5)
    ]
    sizes = [float(field.hessian(x).abs().max()) for x in near]
    return sizes[1] / sizes[0]


def test_the_stated_smoothness_of_distances_matches_their_second_derivatives():
    """Second derivatives like 1 / r are not square integrable in the plane; bounded ones are."""
    mesh_distance = mesh_of_square().distance()
    assert mesh_distance.smoothness == 1
    assert second_derivatives_towards(mesh_distance, (0.0, 0.0), (1.0, 0.5)) == pytest.approx(10, rel=0.1)
    assert HOLE.distance().smoothness == 1
    assert second_derivatives_towards(HOLE.distance(), (1.0, 1.0), (1.0, 0.5)) == pytest.approx(10, rel=0.1)
    assert SQUARE.distance().smoothness == float("inf")
    assert second_derivatives_towards(SQUARE.distance(), (0.0, 0.0), (1.0, 0.5)) == pytest.approx(1, rel=0.1)
    round_hole = WithHoles(Box((-1.0, -1.0), (2.0, 2.0)), (Ellipse((0.5, 0.5), (0.2, 0.1)),))
    assert round_hole.distance().smoothness == float("inf")


def test_the_stated_smoothness_of_liftings_accounts_for_midpoints_and_kinks():
    g = as_field(lambda x: x[:, 0] ** 2 * x[:, 1])
    assert (
        Ellipse((0.0, 0.0), (2.0, 1.0)).lifting(g).smoothness == 2
    )  # r^2 times a function of the direction: third derivatives like 1 / r
    assert HOLE.lifting(g).smoothness == 1 and mesh_of_square().lifting(g).smoothness == 1
    assert SQUARE.lifting(g).smoothness == float("inf")


def mesh_of_square():
    import skfem

    from pdefreq.domains.mesh_domain import MeshDomain

    return MeshDomain(skfem.MeshTri().refined(2))

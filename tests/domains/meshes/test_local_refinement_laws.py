import numpy as np
import pytest
import skfem

from pdefreq.domains.meshes.meshing import locally_refined

MESHES = {
    "line": skfem.MeshLine(np.array([0.0, 0.2, 1.0])).with_boundaries({"left": lambda x: x[0] == 0}),
    "triangles": skfem.MeshTri.init_lshaped().refined(2).with_boundaries({
        "left": lambda x: x[0] == -1, "corner": lambda x: np.isclose(x[0], 0) & (x[1] > 0),
    }),
    "tetrahedra": skfem.MeshTet.init_tensor(*[np.linspace(0, 1, 3)] * 3).with_boundaries({
        "left": lambda x: x[0] == 0, "top": lambda x: x[2] == 1,
    }),
}  # fmt: skip


@pytest.mark.parametrize("mesh", MESHES.values(), ids=MESHES)
def test_boundary_names_are_preserved_by_local_refinement(mesh):
    """Three refinements at one corner: each part keeps its measure and its position, and the mesh its volume."""
    fine = mesh
    for _ in range(3):
        fine = locally_refined(fine, np.array([0]))
    assert fine.nelements > mesh.nelements
    assert set(fine.boundaries) == set(mesh.boundaries)
    for name in mesh.boundaries:
        old, new = (m.p[:, m.facets[:, m.boundaries[name]]] for m in (mesh, fine))  # (d, corners, facets)
        assert np.isclose(measure(old), measure(new), rtol=1e-13)
        same = np.ptp(old.reshape(len(old), -1), axis=1) == 0
        assert (np.ptp(new.reshape(len(new), -1), axis=1)[same] == 0).all()


def measure(corners):
    edges = corners[:, 1:] - corners[:, :1]
    gram = np.einsum("dif,djf->fij", edges, edges)
    return np.sqrt(np.linalg.det(gram)).sum()

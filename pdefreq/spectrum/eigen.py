"""Eigenfunctions of the Laplacian on any domain, which generalize the sine and cosine modes of a box."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from pdefreq.core.announcements import announce
from pdefreq.core.cache import Cache
from pdefreq.core.scaling import power_of_two_near
from pdefreq.spectrum.family import Expansion, Modes

if TYPE_CHECKING:  # finite elements are loaded with the first mesh, since other families do not need them
    from numpy.typing import ArrayLike

    from pdefreq.core.shapes import Points
    from pdefreq.domains.domain import Domain
    from pdefreq.problem.problem import Problem
    from pdefreq.spaces.elements.lagrange import Lagrange
    from pdefreq.spaces.trial_space import TrialSpace
    from pdefreq.spectrum.eigenpairs import Slice

_CELLS = {1: 2048, 2: 44, 3: 9}  # cells along each axis of a cube of the same measure
_MOST_NODES = {1: 5000, 2: 19_000, 3: 12_000}
MOST_MODES = {1: 512, 2: 512, 3: 96}
"""Largest number of modes by dimension. The last wavenumbers are accurate to one percent, in three dimensions to three."""
_QUADRATURE = 6  # exact for the mass matrix of P2 on cells with curved sides
_VERSION = 1  # version of cached slices, to be increased with every change of `Slice` or its computation
_ZERO = 1e-9  # relative to the largest: the eigenvalue of the constant up to rounding, 1e-11 against 1e3
_TELLABLE = 1e-3  # a smaller part of u without its boundary values may be the error of the mesh near a corner


class EigenModes(Modes):
    """Eigenfunctions of -Laplace with zero Dirichlet values, and natural conditions elsewhere, by P2 elements.

    A mode is an eigenspace, and the coefficient of u is the norm of its projection, since the eigenvectors of a multiple
    eigenvalue are not unique. The mean square of an eigenfunction is 2^-d, that of a product of sines, so that coefficients on a
    box are those of sine modes.

    The harmonic extension of the boundary values, a linear function in one dimension, is subtracted first.
    The wavenumber is the square root of the eigenvalue. `indices` counts eigenvalues from 1 with their multiplicity.

    All methods on a domain use the same mesh and modes, which are computed once and stored in the cache of the user by the digest
    of the mesh (`pdefreq.core.cache`).

    Args:
        basis: The eigenfunctions.
        indices: Numbers of the modes; by default all modes of the basis so far.
    """

    kind = "eigen"
    complete = True
    linear = False
    _natural: ClassVar[bool] = False

    def __init__(self, basis: EigenBasis, indices: ArrayLike | None = None) -> None:
        self._basis = basis
        numbers = basis.starts + 1 if indices is None else np.asarray(indices, dtype=int).reshape(-1)
        multiplet = np.searchsorted(basis.starts, numbers - 1)
        self._sizes = np.diff(basis.starts, append=len(basis.values))[multiplet]
        self._first = np.cumsum(self._sizes) - self._sizes  # the first column of each mode
        self._columns = np.repeat(numbers - 1 - self._first, self._sizes) + np.arange(self._sizes.sum())
        self.indices = numbers[:, None]
        values = np.where(basis.values > _ZERO * basis.values[-1], basis.values, 0.0)
        self.wavenumber = np.sqrt(self._by_mode(values[self._columns]) / self._sizes)

    @classmethod
    def of(cls, problem: Problem, indices: ArrayLike | None = None) -> Self:
        """The modes of a problem; without `indices` the first modes, which `strongest` extends as far as a function requires.

        Raises:
            IncompatibleError: If the domain needs a mesh generator that is not installed.
        """
        domain, periodic = problem.domain, problem.periodic_axes
        space = eigen_space(domain, periodic)
        fixed = np.empty(0, int) if cls._natural or not problem.boundary else space.dirichlet_nodes(problem)
        basis = _basis(domain, periodic, fixed.tobytes())
        basis.reach(1 if indices is None else int(np.max(indices)))
        return cls(basis, indices)

    def points(self, space: TrialSpace | None = None) -> Points:
        """The nodes of the mesh, for every trial space."""
        return self._basis.space.nodes

    def decompose(self, values: ArrayLike, space: TrialSpace | None = None) -> tuple[np.ndarray, float]:
        """See `Modes`; coefficients are norms of projections."""
        basis = self._basis
        inner = basis.without_boundary(np.asarray(values, dtype=float))
        unit = power_of_two_near(inner)
        parts = self._vectors.T @ (basis.mass @ (inner / unit))
        rest = inner / unit - self._vectors @ parts
        length = math.sqrt(max(0.0, float(rest @ (basis.mass @ rest))))
        return unit * np.sqrt(self._by_mode(parts**2)) / basis.norm, unit * length

    def analysis(self, space: TrialSpace | None = None) -> np.ndarray:
        """See `Modes`; a part is the projection on one eigenvector of a mode, in units of a coefficient."""
        return self._basis.of_inner(self._basis.mass @ self._vectors).T / self._basis.norm

    @property
    def mode_of_part(self) -> np.ndarray:
        return np.repeat(np.arange(len(self)), self._sizes)

    def of_parts(self, parts: np.ndarray) -> np.ndarray:
        """The norm of the parts of each mode."""
        if not len(self):
            return parts
        return np.sqrt(np.add.reduceat(np.abs(parts) ** 2, self._first, axis=-1))

    def take(self, places: np.ndarray) -> Self:
        return type(self)(self._basis, self.indices[places])

    def wavenumber_range(self, space: TrialSpace | None = None) -> tuple[float, float]:
        """See `Modes`; the larger wavenumber is that of the last eigenfunction that was computed."""
        values = self._basis.values
        return math.sqrt(values[values > _ZERO * values[-1]][0]), math.sqrt(values[-1])

    @functools.cached_property
    def straight(self) -> Lagrange:
        """P2 elements with the same nodes on straight cells, for evaluation at points; coefficients are the values at `points`.

        Between nodes they differ from the curved elements by O(h^2), and only next to the boundary.
        """
        from skfem import MeshLine1, MeshTet1, MeshTri1

        from pdefreq.spaces.elements.lagrange import Lagrange

        mesh = self._basis.space.mesh
        kind = {1: MeshLine1, 2: MeshTri1, 3: MeshTet1}[mesh.dim()]
        straight = kind(np.ascontiguousarray(mesh.p[:, : mesh.nvertices]), mesh.t)
        return Lagrange(straight, _QUADRATURE, degree=2, periodic=self._basis.space.periodic)

    def expand(self, values: np.ndarray) -> Expansion:
        """The expansion of a function, given at `points`, in the eigenvectors of these modes."""
        parts = self._vectors.T @ (self._basis.mass @ self._basis.without_boundary(values))
        wavenumber = np.sqrt(self._basis.values[self._columns].clip(0))
        return Expansion(parts, wavenumber, lambda parts: self._vectors @ parts)

    def boundary_part(self, values: np.ndarray) -> np.ndarray:
        """The harmonic extension of the boundary values, which is subtracted first; zero without prescribed values."""
        return values - self._basis.without_boundary(values)

    def strongest(
        self,
        values: np.ndarray,
        space: TrialSpace | None = None,
        *,
        threshold: float,
        max_modes: int,
        wavenumbers: Iterable[float] = (),
    ) -> tuple[Self, int]:
        """See `Modes`.

        Modes are computed until the remainder is too small to contain a further watched mode, and up to the largest of the named
        wavenumbers if that is possible.
        """
        basis = self._basis
        none = self.take(np.empty(0, int))
        if none.decompose(values)[1] <= _TELLABLE * np.abs(values).max(initial=0.0) * basis.norm:
            return none, 0
        named = tuple(wavenumbers)
        while basis.values[-1] < max(named, default=0.0) ** 2 and basis.grow():
            pass
        every = type(self)(basis)
        amplitude, rest = every.decompose(values)
        while rest > threshold * amplitude.max(initial=0.0) * basis.norm and basis.grow():
            every = type(self)(basis)
            amplitude, rest = every.decompose(values)
        return super(EigenModes, every).strongest(values, space, threshold=threshold, max_modes=max_modes, wavenumbers=named)

    @functools.cached_property
    def _vectors(self) -> np.ndarray:
        """Eigenvectors of these modes, orthonormal in the mass matrix, shape ``(n, number of columns)``."""
        return np.asfortranarray(self._basis.vectors[:, self._columns])

    def _by_mode(self, parts: np.ndarray) -> np.ndarray:
        """Sums over the columns of each mode, of numbers that are nonnegative up to rounding."""
        return np.add.reduceat(parts, self._first).clip(0) if len(self) else np.empty(0)


class NeumannModes(EigenModes):
    """Eigenfunctions of the Neumann Laplacian, for any boundary conditions and without subtraction of boundary values.

    They suit functions that are determined by their boundary values, such as harmonic functions.
    """

    kind = "neumann"
    _natural = True


class EigenBasis:
    """Eigenfunctions on a mesh, computed on request.

    Args:
        space: The space of P2 elements.
        fixed: Nodes at which eigenfunctions are zero.
    """

    def __init__(self, space: Lagrange, fixed: np.ndarray) -> None:
        from scipy.sparse import csc_array

        from pdefreq.spaces.elements.densities import Slopes
        from pdefreq.spectrum.eigenpairs import EigenSolver, factorized

        self.space = space
        rule, n, d = space.inside(), space.num_coefficients, space.mesh.dim()
        stiffness, self.mass = (csc_array(rule.matrix(form)) for form in (Slopes(isotropic=1.0), Slopes(value_u=1.0)))
        measure = float(self.mass.sum())
        self.norm = math.sqrt(measure / 2**d)
        """The L2 norm of a mode with coefficient 1."""
        self._fixed, self._free = fixed, np.setdiff1d(np.arange(n), fixed)
        rows = stiffness[self._free]
        self._coupling, inner = rows[:, fixed], csc_array(rows[:, self._free])
        self._factors = factorized(inner) if len(fixed) else None
        ball = math.pi ** (d / 2) / math.gamma(d / 2 + 1)
        tenth = 4 * math.pi**2 * (10 / (ball * measure)) ** (2 / d)  # Weyl's law
        inner_mass = csc_array(self.mass[self._free][:, self._free])
        self._pairs = EigenSolver(
            inner, inner_mass, first=tenth, kept=functools.partial(_kept, _digest(space, fixed), len(self._free))
        )
        self.starts = np.empty(0, int)

    @property
    def values(self) -> np.ndarray:
        """Eigenvalues, ascending."""
        return self._pairs.values

    @property
    def vectors(self) -> np.ndarray:
        """Values of the eigenfunctions at the nodes, shape ``(n, m)``."""
        vectors = np.zeros((self.space.num_coefficients, len(self.values)))
        vectors[self._free] = self._pairs.vectors
        return vectors

    def grow(self) -> bool:
        """Compute the next eigenfunctions; False if the largest number is reached."""
        if len(self.values) >= min(MOST_MODES[self.space.mesh.dim()], len(self._free) // 2):
            return False
        from pdefreq.spectrum.eigenpairs import multiplets

        self._pairs.extend()
        self.starts = multiplets(self.values)
        return True

    def reach(self, number: int) -> None:
        """Compute eigenfunctions until there are at least `number`."""
        while len(self.values) < number and self.grow():
            pass

    def without_boundary(self, values: np.ndarray) -> np.ndarray:
        """Values at the nodes minus the harmonic extension of the values at the fixed nodes."""
        if self._factors is None:
            return values
        inner = np.zeros_like(values)
        inner[self._free] = values[self._free] + self._factors.solve(self._coupling @ values[self._fixed])
        return inner

    def of_inner(self, functionals: np.ndarray) -> np.ndarray:
        """Linear functionals of `without_boundary`, as columns ``(n, q)``, as functionals of the values themselves."""
        if self._factors is None:
            return functionals
        found = np.zeros_like(functionals)
        inner = found[self._free] = functionals[self._free]
        lifted = np.stack([self._factors.solve(column) for column in inner.T], axis=1)  # the matrix is symmetric
        found[self._fixed] = self._coupling.T @ lifted
        return found


@functools.lru_cache(maxsize=8)
def eigen_space(domain: Domain, periodic: tuple[int, ...] = ()) -> Lagrange:
    """P2 elements with curved boundary sides, on a mesh that takes seconds, or on the mesh of a mesh domain."""
    from skfem import Mesh, MeshQuad

    from pdefreq.domains.meshes.meshing import curved, mesh_for
    from pdefreq.spaces.elements.lagrange import Lagrange

    d = domain.dimension
    cells, coarsest = _CELLS[d], _CELLS[d] / 4
    while True:
        mesh = mesh_for(domain, round(cells))
        if isinstance(mesh, MeshQuad):
            mesh = mesh.to_meshtri()
        assert isinstance(mesh, Mesh)  # the types of scikit-fem are wider than its values
        space = Lagrange(curved(mesh, domain), _QUADRATURE, degree=2, periodic=periodic)
        if space.num_coefficients <= _MOST_NODES[d] or cells <= coarsest:
            return space
        cells *= 0.8


def _digest(space: Lagrange, fixed: np.ndarray) -> str:
    """The digest of the data on which eigenfunctions depend: nodes, cells, Dirichlet and periodic nodes."""
    content = hashlib.sha256(f"{_VERSION} {type(space.mesh).__name__}".encode())
    for array in (space.mesh.doflocs, space.mesh.t, fixed, *([np.array(space.periodic)] if space.periodic else [])):
        content.update(f"{array.dtype} {array.shape}".encode())
        content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()[:32]


def _kept(digest: str, nodes: int, number: int, compute: Callable[[], Slice]) -> Slice:
    """A slice of the eigenfunctions at the free nodes, from the cache, or computed and stored there."""
    from pdefreq.spectrum.eigenpairs import Slice

    cache, name = Cache.of_user(), f"eigen-{digest}-{number:02d}"
    arrays = cache.read(name)
    found = None if arrays is None else Slice.from_arrays(arrays, nodes)
    if found is None:
        announce("computing eigenfunctions of the domain")
        found = compute()
        cache.write(name, found.arrays())
    return found


@functools.lru_cache(maxsize=8)
def _basis(domain: Domain, periodic: tuple[int, ...], fixed: bytes) -> EigenBasis:
    return EigenBasis(eigen_space(domain, periodic), np.frombuffer(fixed, dtype=int))

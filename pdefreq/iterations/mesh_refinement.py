"""Finite elements on a sequence of refined meshes, one level per step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from skfem import MeshTri1

from pdefreq.domains.meshes.fitting import fitted
from pdefreq.domains.meshes.hidden_features import with_fine_places, with_visible_interfaces
from pdefreq.domains.meshes.interface_mesh import with_interfaces
from pdefreq.domains.meshes.meshing import cut_cells, locally_refined, refined
from pdefreq.iterations.iteration import Iteration, State
from pdefreq.iterations.linear.galerkin_system import GalerkinSystem
from pdefreq.iterations.protocols import ObjectiveKind
from pdefreq.spaces.elements.estimator import estimate, marked
from pdefreq.spaces.elements.lagrange import Lagrange
from pdefreq.spaces.elements.weak_form import WeakForm

if TYPE_CHECKING:
    from skfem import Mesh
    from torch import Tensor

    from pdefreq.core.shapes import Coefficients
    from pdefreq.problem.problem import Problem


class Refinement(Iteration):
    """Solves on the first mesh; each further step refines the mesh and solves again.

    The objective is the residual estimator, ``sqrt(sum_T eta_T^2)``: see `estimate`.

    Args:
        space: The first trial space.
        problem: A linear problem.
        levels: Number of refinements after the first solution.
        adaptive: Whether only the cells with half of the squared estimator are refined, and those that an interface of the
            equation cuts (`Problem.level_sets`), instead of all cells. Edges of triangles then follow the interfaces. The first
            mesh is refined near interfaces and layers that lie inside a cell, which the estimator would not detect.
        condense: A function from a weak form to the solver of its equations.
        like: A tensor with the dtype and device of the coefficients.
        remarks: A function that returns notes on a solution in a space.
    """

    objective_kind = ObjectiveKind.RESIDUAL
    refines_space = True

    def __init__(
        self,
        space: Lagrange,
        problem: Problem,
        *,
        levels: int,
        adaptive: bool,
        condense: Callable[[WeakForm], GalerkinSystem],
        like: Tensor,
        remarks: Callable[[Lagrange], list[str]],
    ) -> None:
        self._problem, self._levels, self._adaptive = problem, levels, adaptive
        self._first = space
        if adaptive:
            layers = [(feature.x, feature.length) for feature in problem.features if feature.kind == "layer"]
            mesh = with_fine_places(space.mesh, layers, problem.domain)
            mesh = with_visible_interfaces(mesh, problem.level_sets, problem.domain)
            self._first = replace(space, mesh=self._following(mesh))
        self._condense, self._like, self._remarks = condense, like, remarks

    def init(self) -> State:
        return self._state(self._first, np.zeros(self._first.num_coefficients), level=0)

    def step(self, state: State) -> State:
        space, level = state.space, int(state.memory["level"])
        assert isinstance(space, Lagrange)
        if level > 0:
            space = replace(space, mesh=self._refined(state))
        return self._state(space, self._condense(WeakForm(space, self._problem)).solve(), level=level + 1)

    def objective(self, state: State) -> dict[str, Tensor]:
        return {"estimate": torch.tensor(self._indicators(state).sum()).sqrt()}

    def notes(self, state: State) -> list[str]:
        assert isinstance(state.space, Lagrange)
        return self._remarks(state.space)

    def restore(self, coefficients: Coefficients, memory: Mapping[str, Tensor]) -> State:
        vertices, cells, parts = (memory[name].numpy(force=True) for name in ("vertices", "cells", "parts"))
        first, names = self._first.mesh, self._problem.domain.part_names
        mesh = replace(first, doflocs=vertices, t=cells.astype(np.int32), _boundaries=None)
        if first.boundaries:
            edge = mesh.boundary_facets()
            mesh = mesh.with_boundaries({name: edge[parts == names.index(name)] for name in first.boundaries})
        space = replace(self._first, mesh=mesh)
        return self._state(space, coefficients.double().numpy(force=True), level=int(memory["level"]))

    def _refined(self, state: State) -> Mesh:
        mesh = state.space.mesh  # type: ignore[attr-defined]
        if self._adaptive:
            chosen = np.union1d(marked(self._indicators(state)), cut_cells(mesh, self._problem.level_sets))
            return self._following(fitted(locally_refined(mesh, chosen), self._problem.domain))
        return refined(mesh, self._problem.domain)

    def _following(self, mesh: Mesh) -> Mesh:
        """The mesh, with edges along the interfaces of the equation if it consists of triangles."""
        return with_interfaces(mesh, self._problem.level_sets) if isinstance(mesh, MeshTri1) else mesh

    def _indicators(self, state: State) -> np.ndarray:
        assert isinstance(state.space, Lagrange)
        return estimate(state.space, self._problem, state.coefficients.double().numpy(force=True))

    def _state(self, space: Lagrange, c: np.ndarray, *, level: int) -> State:
        mesh = space.mesh
        memory = {
            "level": torch.tensor(level),
            "vertices": torch.from_numpy(mesh.p.copy()),
            "cells": torch.from_numpy(mesh.t.astype(np.int64)),
            "parts": torch.from_numpy(space.built_in_parts(self._problem.domain)),
        }
        return State(space, torch.from_numpy(c).to(self._like), memory, done=level > self._levels)

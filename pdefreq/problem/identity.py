"""The identity of a problem: its representation in a run folder, and the comparison of two problems."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pdefreq.core.content import beside, code_files, decode, digest, moved, opaque_parts, pack, unpack
from pdefreq.core.errors import ProblemFileError, RunFolderError, UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from torch import Tensor

    from pdefreq.problem.problem import Problem

_SAMPLES = 64
_TRIALS = 4  # number of points at which a problem from a folder is evaluated for the first time
_ROUNDING = 1e-9  # relative tolerance: machines may round differently


@dataclass(frozen=True)
class WrittenProblem:
    """A problem as plain data.

    Args:
        name: The short name of the problem.
        digest: The digest of its content.
        content: The content, as returned by `Problem.content`.
        samples: The values at 64 fixed points of each part that is a Python function, by its place in the content.
        title: One line for display.
        citation: Source of the problem.
        parameters: Values of the parameters of the problem file, for display.
        text: The text of the problem file if it still describes the problem, otherwise empty.
    """

    name: str
    digest: str
    content: Mapping[str, Any] = field(compare=False, repr=False)  # the digest represents it
    samples: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    title: str = ""
    citation: str = ""
    parameters: Mapping[str, float] = field(default_factory=dict)
    text: str = field(default="", repr=False)

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """A problem as plain data."""
        content = problem.content()
        return cls(
            name=problem.name,
            digest=problem.digest,
            content=content,
            samples={place: _sampled(problem, place, value) for place, value in opaque_parts(content)},
            title=problem.title,
            citation=problem.citation,
            parameters=dict(problem.parameters),
            text=problem.text,
        )

    @property
    def is_given(self) -> bool:
        """Whether parts of the problem are Python functions, so that plain data do not suffice to rebuild it."""
        return bool(self.samples)

    @property
    def code_files(self) -> list[Path]:
        """The Python files that define types of the content, such as a user-defined domain."""
        return list(dict.fromkeys(code_files(self.content)))

    def read(self, folder: Path | None = None, *, trust: bool = False) -> Problem:
        """The problem.

        Args:
            folder: A run folder that contains copies of the Python files that define types of the content.
            trust: Whether these files may be loaded.

        Raises:
            RunFolderError: If parts of the problem are Python functions, the content is damaged, or a file is not trusted.
        """
        from pdefreq.problem.problem import Problem

        if self.is_given:
            raise RunFolderError(
                f"the problem '{self.name}' was built in Python with functions ({', '.join(self.samples)}), which can't be "
                "stored in a folder: pass the problem as well, as in resume(folder, problem=...)"
            )
        if digest(self.content) != self.digest:
            raise RunFolderError(f"the problem '{self.name}' of the run is damaged: its content does not have the stored digest")
        people = {"name": self.name, "title": self.title, "citation": self.citation, "parameters": dict(self.parameters)}
        try:
            content = self.content if folder is None else beside(self.content, folder)
            problem = Problem(**decode(content, trust=trust), **people)
        except (TypeError, ValueError, LookupError, AttributeError, RuntimeError, ArithmeticError, ProblemFileError) as error:
            raise RunFolderError(f"the problem '{self.name}' of the run can't be read: {error}") from None
        _require_functions(problem)
        return problem.read_from(self.text, {}) if self.text else problem

    def require_same(self, other: WrittenProblem) -> None:
        """Check that another problem equals this one.

        Raises:
            RunFolderError: If the contents differ, or a Python function has other values.
        """
        if other.digest != self.digest:
            parts = _differences(self.content, other.content)
        else:
            parts = [place for place, values in self.samples.items() if not _agree(values, other.samples.get(place, ()))]
        if parts:
            raise RunFolderError(
                f"the run solves the problem '{self.name}' ({self.digest[:12]}), but the problem passed is '{other.name}' "
                f"({other.digest[:12]}), which differs in its {', '.join(parts)}: pass the problem of the run, or start a new run"
            )

    def to_json(self) -> dict[str, Any]:
        """The problem as a JSON object, which refers to the arrays in `arrays`."""
        kept = {name: getattr(self, name) for name in ("name", "digest", "title", "citation", "text")}
        kept |= {"parameters": dict(self.parameters), "samples": {place: list(v) for place, v in self.samples.items()}}
        return kept | {"content": pack(self.content)[0]}

    def beside(self, folder: Path) -> Self:
        """A copy that refers to the copies in a run folder instead of the user's Python files."""
        return self.moved(lambda path: folder / path.name)

    def moved(self, place: Callable[[Path], Path]) -> Self:
        """A copy that refers to copies of the user's Python files, whose paths are a function of the paths of the files."""
        return replace(self, content=moved(self.content, place))

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The arrays of the content, such as those of meshes, data and pictures."""
        return pack(self.content)[1]

    @classmethod
    def from_json(cls, data: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> Self:
        """The inverse of `to_json`.

        Raises:
            RunFolderError: If an array is missing or damaged.
            KeyError, TypeError: If keys are missing or unknown.
        """
        samples = {place: tuple(values) for place, values in data["samples"].items()}
        return cls(**{**data, "content": unpack(data["content"], arrays), "samples": samples})


def _differences(content: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The keys at which two contents differ; for the left-hand side, the terms that differ."""
    mine, others = ({**each, **_terms(each)} for each in (content, other))
    keys = dict.fromkeys([*mine, *others])
    return [key for key in keys if key != "terms" and digest(mine.get(key)) != digest(others.get(key))]


def _terms(content: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of the left-hand side by their display names."""
    return {f"{term.get('type', 'own')} term": term for term in content.get("terms", []) if isinstance(term, Mapping)}


def _sampled(problem: Problem, place: str, value: Any) -> tuple[float | None, ...]:
    """The values of a Python object at fixed points, which identify it. Values that are not finite become None.

    For a domain the result consists of the points, and for a coefficient of a term of the values of the whole term.
    """
    from pdefreq.core.streams import stream

    if place.startswith("terms."):
        return _finite(_sampled_term(problem, int(place.split(".")[1])))
    points = problem.domain.boundary if place.startswith("boundary") else problem.domain.interior
    x = points(_SAMPLES, stream(0, "identity")).x
    function: Callable[[Tensor], Tensor] = value
    values = x if place == "domain" else function(x) if callable(value) else x[:0]
    return _finite(values)


def _require_functions(problem: Problem) -> None:
    """Check that the fields, the conditions and the terms of a problem from a folder are functions of its points.

    Content of a known type may be none: a formula with more coordinates than the domain, or a condition in place of a field.

    Raises:
        RunFolderError: If one can't be evaluated, or its values have another type or shape.
    """
    import torch

    from pdefreq.core.streams import stream

    at = "domain"
    try:
        inside, boundary = (of(_TRIALS, stream(0, "trial")).x for of in (problem.domain.interior, problem.domain.boundary))
        functions: list[tuple[str, Any, Tensor]] = [("source", problem.source, inside), ("exact", problem.exact, inside)]
        for number, part in enumerate(problem.boundary):
            names = ("value", "alpha", "flux", "where")
            functions += [(f"boundary.{number}.{name}", getattr(part, name), boundary) for name in names]
        for place, function, x in functions:
            at = place
            if function is None:
                continue
            values = function(x)
            if values.shape != x.shape[:1] or (values.dtype == torch.bool) is not place.endswith("where"):
                raise TypeError("its values have another type or shape")
        for number in range(len(problem.terms)):
            at = f"terms.{number}"
            _sampled_term(problem, number)
    except UserError:
        raise
    except Exception as error:  # the classes that content names evaluate in many ways
        reason = str(error).partition("\n")[0][:160]
        raise RunFolderError(
            f"the problem '{problem.name}' of the run can't be evaluated, because of its {at}: {reason}"
        ) from error


def _sampled_term(problem: Problem, index: int) -> Tensor:
    """The weak form of a term at fixed points, for fixed values of u and grad u."""
    import torch

    from pdefreq.core.streams import stream

    chance = stream(0, "identity of a term")
    x = problem.domain.interior(_SAMPLES, chance).x
    u, q = (torch.rand(size, generator=chance, dtype=torch.float64) for size in (x.shape[:1], x.shape))
    densities = problem.terms[index].weak(x).densities(u, q)
    return torch.cat([part.flatten() for part in densities if part is not None])


def _finite(values: Tensor) -> tuple[float | None, ...]:
    return tuple(float(v) if math.isfinite(v) else None for v in values.detach().double().flatten().tolist())


def _agree(values: tuple[float | None, ...], others: tuple[float | None, ...]) -> bool:
    if len(values) != len(others):
        return False
    scale = max((abs(v) for v in values if v is not None), default=0.0)
    return all(a is b if a is None or b is None else abs(a - b) <= _ROUNDING * scale for a, b in zip(values, others, strict=True))

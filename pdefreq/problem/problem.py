"""Problems as they are stated: by numbers, formulas, arrays and functions, with a name, a citation and an identity.

The mathematics of a problem is in `pdefreq.problem.boundary_value_problem`.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pdefreq.core.content import digest, encode
from pdefreq.core.conversion import shown
from pdefreq.core.errors import DomainError, ProblemFileError
from pdefreq.core.printable import printable
from pdefreq.domains.domain import Domain
from pdefreq.problem.boundary_value_problem import BoundaryValueProblem
from pdefreq.problem.coefficient_reader import CoefficientReader
from pdefreq.problem.consistency import require_consistent
from pdefreq.problem.data import Data
from pdefreq.problem.derived_data import boundary_of, source_of
from pdefreq.problem.origin import Origin
from pdefreq.problem.spectrum import Spectrum

if TYPE_CHECKING:
    from pdefreq.problem.needs import Need
    from pdefreq.problem.terms.term import Term

_LONGEST_TITLE = 160  # characters: two lines of a terminal
_CONTENT = ("domain", "source", "boundary", "terms", "exact", "data", "spectrum", "singular")
_SHOWN = 80  # characters of each part of the representation of a problem


@dataclass(frozen=True, kw_only=True, init=False, repr=False)
class Problem(BoundaryValueProblem):
    """A boundary value problem.

    Fields and coefficients may be given as numbers, formulas such as ``"sin(pi*x)"``, arrays of values on equal cells
    (`pdefreq.GridField.on_box`), `Field` objects, or functions of points ``(n, d)`` that return ``(n,)``. A coefficient replaces
    the coefficient of the same term in `terms`, so that ``dataclasses.replace(problem, reaction=5)`` changes one term and keeps
    the others.

    Args:
        domain: The domain Omega.
        source: The source f. It may be omitted if `exact` is a formula, from which it is derived, or if `data` contain values.
        boundary: The boundary conditions. A field or a number prescribes Dirichlet data on the whole boundary. May be omitted if
            `exact` is given.
        diffusion: The coefficient A: a field, or a symmetric matrix as a list of rows. The default is 1 unless `terms` are given.
            The value 0 defines a regression.
        exponent: The exponent p > 1.
        convection: The velocity b: a list with one coefficient for each axis, or a function of points that returns ``(n, d)``.
        reaction: The coefficient c, of either sign.
        nonlinear: The term N: a formula in the coordinates and u, or a function of points ``(n, d)`` and u ``(n,)``.
        terms: Terms of the left-hand side as objects of `pdefreq.problem.terms`, in addition to the coefficients above.
        exact: The exact solution, if it is known. It is used for errors and spectra only and is never passed to solvers.
        title: One line for display. Control characters are removed, and more than 160 characters are cut.
        name: Short name for folders and tables.
        citation: Source of the problem.
        data: Points at which the source is known, if it is not known everywhere.
        spectrum: Modes and wavenumbers to watch.
        parameters: Values of the names used in the expressions of the problem file, for display only; the fields already contain
            these values.
        singular: Points at which fields may be infinite or undefined. Point sets leave them out (`regular`).
        origin: The file from which the problem was read, if any; see `text`.

    Raises:
        ProblemFileError: If a coefficient lies outside its range, a boundary part is unknown, the source is missing, or the data
            do not fit the domain.
    """

    title: str = ""
    name: str = "problem"
    citation: str = ""
    spectrum: Spectrum = field(default_factory=Spectrum)
    parameters: Mapping[str, float] = field(default_factory=dict)
    origin: Origin | None = field(default=None, compare=False, repr=False)

    def __init__(
        self,
        *,
        domain: Domain,
        source: Any = None,
        boundary: Any = (),
        diffusion: Any = None,
        exponent: Any = None,
        convection: Any = None,
        reaction: Any = None,
        nonlinear: Any = None,
        terms: Sequence[Term] | None = None,
        exact: Any = None,
        title: str = "",
        name: str = "problem",
        citation: str = "",
        data: Data | None = None,
        spectrum: Spectrum | None = None,
        parameters: Mapping[str, float] | None = None,
        singular: Sequence[Sequence[float]] = (),
        origin: Origin | None = None,
    ) -> None:
        from pdefreq.problem.terms.equation import read_terms

        if not isinstance(domain, Domain):
            raise DomainError(f"`domain` must be a domain, such as Box(0, 1), got {shown(domain)}")
        parameters = dict(parameters or {})
        read = CoefficientReader(domain.dimension, parameters, domain.bounds)
        keywords = {
            "diffusion": 1.0 if diffusion is None and exponent is None and terms is None else diffusion,
            "exponent": exponent,
            "convection": convection,
            "reaction": reaction,
            "nonlinear": nonlinear,
        }
        given = {key: value for key, value in keywords.items() if value is not None}
        values = {
            "domain": domain,
            "terms": read_terms(given, domain.dimension, read, tuple(terms or ())),
            "exact": None if exact is None else read(exact, "exact"),
            "title": printable(title, _LONGEST_TITLE),
            "name": name,
            "citation": printable(citation),
            "data": data,
            "spectrum": spectrum or Spectrum(),
            "parameters": parameters,
            "singular": tuple(tuple(map(float, point)) for point in singular),
            "origin": origin,
        }
        for key, value in values.items():
            object.__setattr__(self, key, value)
        equation = self.equation
        object.__setattr__(self, "source", source_of(source, equation, self.exact, data, read))
        object.__setattr__(self, "boundary", boundary_of(boundary, equation, self.exact, read))
        require_consistent(
            domain, self.boundary, self.spectrum.direction, self.singular, data, is_regression=equation.is_regression
        )

    def __repr__(self) -> str:
        terms = " + ".join(term.text for term in self.terms)
        parts = [f"terms {terms}", f"source {self.source.text}", f"exact solution {self.exact.text if self.exact else 'unknown'}"]
        return f"<problem {self.name} on the {self.domain.title}: {', '.join(printable(part, _SHOWN) for part in parts)}>"

    def content(self) -> dict[str, Any]:
        """Everything that determines the solution and its measured quantities, as a tree of `pdefreq.core.content`."""
        return {name: encode(getattr(self, name)) for name in _CONTENT}

    @cached_property
    def digest(self) -> str:
        """The digest of the content. Python functions do not enter the digest, because they have no plain data."""
        return digest(self.content())

    @property
    def text(self) -> str:
        """The text of the problem file if it still describes the problem, otherwise empty."""
        return self.origin.text if self.origin is not None and self.origin.digest == self.digest else ""

    @property
    def files(self) -> Mapping[str, Path]:
        """The files that the text names: name as written -> path."""
        return self.origin.files if self.origin is not None and self.text else {}

    def read_from(self, text: str, files: Mapping[str, Path]) -> Problem:
        """A copy of the problem that records the file it was read from as its origin."""
        found = copy.copy(self)
        object.__setattr__(found, "origin", Origin(text, dict(files), found.digest))
        return found

    def blind(self) -> Problem:
        """A copy of the problem without the exact solution, for solvers."""
        return replace(self, exact=None)

    def require_conditions(self) -> None:
        """Refuse a differential equation without boundary conditions, which networks would solve without any.

        Raises:
            ProblemFileError: If there are none.
        """
        if not self.boundary and not self.is_regression:
            raise ProblemFileError("the problem has no boundary conditions: give boundary=..., such as boundary=0, or exact=...")

    def lacks(self, needs: Sequence[Need]) -> tuple[Need, str] | None:
        """The first requirement that the problem violates, with the reason; None if it meets all of them."""
        for need in needs:
            if (why := need.lacking(getattr(self, need.of))) is not None:
                return need, why
        return None

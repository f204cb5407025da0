"""The place of an experiment in the literature: source, page or figure, published numbers, and what it shows.

Importing this module does not load torch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])
_ATTRIBUTE = "__entry__"


class Document(StrEnum):
    """The documents whose experiments are repeated as a whole. `LINEAR` exists in two copies with the same text."""

    LINEAR = "Xu (2023), Understanding deep learning (lecture notes), chapter on the implicit bias of the linear regime"
    THEORY = "Xu (2023), Understanding deep learning (lecture notes), chapter on the simple theory of the frequency principle"
    PHENOMENA = "Xu (2023), Understanding deep learning (lecture notes), chapter on interesting phenomena"
    SLIDES = "Xu (2021), Understanding the training process of neural networks (slides of April 17, 2021)"

    @property
    def short(self) -> str:
        """The name in tables."""
        return {"LINEAR": "notes, linear regime", "THEORY": "notes, theory", "PHENOMENA": "notes, phenomena"}.get(
            self.name, "slides"
        )


@dataclass(frozen=True)
class Place:
    """A place in a document.

    Args:
        document: The document.
        where: Section, page, figure and equation, or the title of a slide.
    """

    document: Document
    where: str

    @property
    def short(self) -> str:
        """The place in tables."""
        return self.where if self.document is Document.SLIDES else f"{self.document.short}: {self.where}"


@dataclass(frozen=True)
class Entry:
    """What is known about an experiment before it runs.

    Args:
        places: Where the documents show the experiment; empty for experiments from other publications.
        publication: The publication with the figure or equation, if there is one besides the documents.
        shows: One paragraph on what the experiment is expected to show, which is printed as an expectation beside the findings.
        published: The published numbers, one phrase each; empty if the source prints no numbers.
        lacks: The parameters that the source does not state, as a sentence; empty if it states all of them.
        seconds: Processor seconds of the experiment with its default options, measured on one core.
        full: The command of the full size and its processor time, if the default is smaller than the published experiment.
        full_pictures: Whether pictures in ``docs/figures`` show a larger run than the default, if there is a full size.
        pictures: The names of its figures; by default one with the name of the experiment.
        extras: Optional dependencies that the experiment needs, by their names in ``pip install pdefreq[NAME]``.
    """

    places: tuple[Place, ...] = ()
    publication: str = ""
    shows: str = ""
    published: tuple[str, ...] = ()
    lacks: str = ""
    seconds: float | None = None
    full: str = ""
    full_pictures: bool = True
    pictures: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()

    def __call__(self, experiment: F) -> F:
        """Attach the entry to the function of an experiment: the entry is used as a decorator."""
        setattr(experiment, _ATTRIBUTE, self)
        return experiment

    @property
    def source(self) -> str:
        """The places in documents; the publication if no document contains the experiment."""
        return "; ".join(place.short for place in self.places) or self.publication

    def sentences(self) -> list[str]:
        """The paragraphs of a report: the expectation, the places, the published numbers, and what is not stated."""
        places = "; ".join(f"{place.document}: {place.where}" for place in self.places)
        numbers = "; ".join(self.published) if self.published else "none are printed"
        return [
            *([f"Expected before the run: {self.shows}"] if self.shows else []),
            *([f"Documents: {places}."] if places else []),
            f"Published numbers: {numbers}.",
            *([self.lacks] if self.lacks else []),
            *([f"Full size: {self.full}"] if self.full else []),
        ]


def entry_of(experiment: Callable[..., Any]) -> Entry:
    """The entry of an experiment; an empty one for a function without an entry, such as one from a user's file."""
    return getattr(experiment, _ATTRIBUTE, Entry())

"""Reading of the [spectrum] table of a problem file."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from pdefreq.core.number_kinds import Number, Numbers
from pdefreq.core.table_keys import Key
from pdefreq.core.text_kinds import Choice
from pdefreq.problem.spectrum import ModeFamily, Spectrum
from pdefreq.problem.toml_tables import TomlTable

SPECTRUM_KEYS = (
    Key(
        "modes",
        Choice(get_args(ModeFamily)),
        "the mode family: sine, cosine, fourier on a box; eigen, neumann on any domain; ray, tones along a direction",
        examples=("eigen",),
        otherwise='on a box "sine" (or "cosine", "fourier" according to the conditions), else "eigen"; "ray" above 3-D',
    ),
    Key(
        "wavenumbers",
        Numbers(Number(least=0)),
        "angular wavenumbers to print",
        default=(),
        examples=(["pi", "k1*pi"],),
    ),
    Key(
        "direction",
        Numbers(),
        "the direction of the waves of `ray` and `tones`, one number for each coordinate",
        otherwise="the diagonal of the box",
        examples=([1, 1],),
    ),
)


def read_spectrum(table: TomlTable) -> Spectrum:
    """The modes described by a [spectrum] table.

    Raises:
        ProblemFileError: If a value is malformed.
    """
    table = replace(table, keys=SPECTRUM_KEYS)
    modes = table.read("modes") if table.has("modes") else None
    return Spectrum(modes, table.read("wavenumbers"), table.read("direction"))

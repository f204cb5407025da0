"""`pdefreq measure`: the errors and modes of snapshots that another program wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pdefreq.commands import shared_options as o

SnapshotFile = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="An .npz file with the arrays points (n, d), steps (T,), values (T, n) and, optionally, seconds (T,).",
        show_default=False,
    ),
]


def measure(
    file: SnapshotFile,
    problem: o.ProblemName,
    params: o.Params = None,
    trust: o.Trust = False,
    modes: o.Modes = None,
    label: Annotated[str, typer.Option(metavar="NAME", help="Name of the solver; by default the name of the file.")] = "",
    out: o.Out = None,
    json_output: o.Json = False,
) -> None:
    """Measure the errors and the order of frequencies of another program, from a file of its snapshots."""
    o.use_threads(1)
    subject = o.load_problem(problem, params, trust=trust)

    from pdefreq.commands.console import make_console
    from pdefreq.commands.figures import draw_modes
    from pdefreq.commands.result import print_recorded
    from pdefreq.runs.snapshot_file import measure as measured

    folder = o.new_folder(out, subject.name, label or file.stem)
    record = measured(file, subject, modes=modes.value if modes else None, label=label)
    record.save(folder)
    draw_modes(record)
    print_recorded(make_console(json_output=json_output), record, json_output=json_output)

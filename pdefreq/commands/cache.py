"""`pdefreq cache`: eigenfunctions that earlier runs stored on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from pdefreq.commands import shared_options as o


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all entries; they are recomputed when needed.")] = False,
    json_output: o.Json = False,
) -> None:
    """Show or remove the eigenfunctions of domains that earlier runs stored on disk."""
    from pdefreq.commands.console import make_console, plain_table, print_json, say
    from pdefreq.core.cache import FOLDER_VARIABLE, LIMIT_VARIABLE, Cache

    kept = Cache.of_user()
    entries = kept.entries()
    if clear:
        for entry in entries:
            kept.remove(entry.name)
    size = sum(entry.size for entry in entries)
    if json_output:
        found = [{"name": entry.name, "bytes": entry.size, "used": entry.used} for entry in entries]
        folder = None if kept.folder is None else str(kept.folder)
        print_json({"folder": folder, "max_bytes": kept.max_bytes, "bytes": size, "cleared": clear, "entries": found})
        return
    console = make_console()
    if kept.folder is None:
        say(console, f"The cache is switched off by {FOLDER_VARIABLE}=off.")
        return
    if clear:
        say(console, f"Removed {_files(len(entries))}, {_megabytes(size)}, from {kept.folder}.")
        return
    if entries:
        table = plain_table("entry", "size", "last used")
        for entry in sorted(entries, key=lambda entry: -entry.used):
            table.add_row(entry.name, _megabytes(entry.size), _date(entry.used))
        console.print(table)
    say(console, f"{_files(len(entries))}, {_megabytes(size)} of at most {_megabytes(kept.max_bytes)}, in {kept.folder}.")
    say(
        console,
        f"To remove all entries, run pdefreq cache --clear. To change the folder, set {FOLDER_VARIABLE}=PATH; to disable "
        f"the cache, set {FOLDER_VARIABLE}=off. To change the size limit in MB, set {LIMIT_VARIABLE}.",
    )


def _files(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _megabytes(size: int) -> str:
    return f"{size / 10**6:,.1f} MB"


def _date(seconds: float) -> str:
    from datetime import datetime

    return datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M")

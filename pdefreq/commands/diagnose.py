"""`pdefreq diagnose`: why a run fails, and what to try next."""

from __future__ import annotations

from dataclasses import asdict

from pdefreq.commands import shared_options as o
from pdefreq.commands.runs import Trust


def diagnose(run: o.RunPath, trust: Trust = False, json_output: o.Json = False) -> None:
    """Test a run, or a folder of seeds, for known reasons of failure, and print what to try next."""
    o.use_threads(1)
    from pdefreq.commands.console import make_console, print_json, say
    from pdefreq.commands.result import run_argument
    from pdefreq.studies.diagnose import diagnose as tested

    found = tested(run, trust=trust)
    if json_output:
        print_json(asdict(found))
        return
    console = make_console()
    for each in found.severe:
        say(console, f"{each.check} (severity {each.severity:.2g}): {each.evidence}.", "bold")
        say(console, f"  try: {each.remedy}")
    if any("--set" in each.remedy for each in found.severe):
        say(
            console,
            "Add an option after `--set` to the command `pdefreq solve` of the run. If the name of the method already contains "
            "this option, as in deep-ritz:learning_rate=5, change it there.",
        )
    if not found.severe:
        argument = run_argument(run, trust=trust)
        say(console, f"No severe finding. `pdefreq show {argument}` prints the status of the run with its advice.", "green")
    harmless = [f"{each.check} ({each.severity:.2g})" for each in found.findings if not each.is_severe]
    if harmless:
        say(console, f"not severe (a finding is severe from 1 on): {', '.join(harmless)}")
    for name, reason in found.failed.items():
        say(console, f"{name} could not be tested: {reason}", "yellow")
    if found.inapplicable:
        say(console, "these checks do not apply to the run:", "dim")
    for name, tested_for in found.inapplicable.items():
        say(console, f"  {name}: {tested_for}", "dim")

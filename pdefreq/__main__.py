"""``python -m pdefreq``, and the entry point of ``pdefreq``: little is imported before Ctrl-C is handled."""

from pdefreq.core.interrupts import exiting_at_once


def main() -> None:
    """Run the command line. Ctrl-C while it is imported ends the process without a traceback."""
    with exiting_at_once():
        from pdefreq.cli import main as run_command
    run_command()


if __name__ == "__main__":
    main()

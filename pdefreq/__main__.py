"""``python -m pdefreq``, and the entry point of ``pdefreq``; nothing is imported here before Ctrl-C is handled."""

import _signal as signal  # type: ignore  # loaded with the interpreter: Ctrl-C may come while `signal` itself imports enum and re
import os


def main() -> None:
    """Run the command line. While it is imported and built, Ctrl-C ends the process without a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:
        signal.signal(signal.SIGINT, lambda *_: os._exit(128 + signal.SIGINT))
    from pdefreq.cli import command_line
    from pdefreq.cli import main as run_command

    command = command_line()
    signal.signal(signal.SIGINT, before)
    run_command(command)


if __name__ == "__main__":
    main()

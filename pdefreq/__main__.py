"""``python -m pdefreq``."""

from pdefreq.cli import main

if __name__ == "__main__":
    main()

"""Run the command line from a clone: ``python cli.py solve poisson``."""

from pdefreq.__main__ import main

if __name__ == "__main__":
    main()

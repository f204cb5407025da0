"""Run the command line from a clone: ``python cli.py solve poisson``."""

from pdefreq.cli import main

if __name__ == "__main__":
    main()

"""What only names things must start at once: no numerical library is loaded."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
from pdefreq.cli import main
sys.argv = ["pdefreq", *{arguments}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", sorted({{"torch", "numpy", "scipy", "sympy", "skfem", "matplotlib", "meshio"}} & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["solve", "--help"], ["methods"], ["methods", "mscale"], ["problems"]],
    ids=" ".join,
)
def test_no_numerical_library_is_loaded(arguments):
    code = SCRIPT.format(arguments=arguments)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "loaded: []"

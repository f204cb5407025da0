"""Commands without computation import no numerical library, and computations import only the libraries that they need."""

import gc
import subprocess
import sys

import pytest

from pdefreq.commands.shared_options import importing

SCRIPT = """
import sys
from pdefreq.cli import main
sys.argv = ["pdefreq", *{arguments}]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", sorted({heavy} & set(sys.modules)))
"""
NUMERICAL = {"torch", "numpy", "scipy", "sympy", "skfem", "matplotlib", "meshio"}


def loaded(arguments: list[str], heavy: set[str]) -> str:
    code = SCRIPT.format(arguments=arguments, heavy=heavy)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["solve", "--help"], ["methods"], ["methods", "mscale"], ["problems"]],
    ids=" ".join,
)
def test_no_numerical_library_is_loaded(arguments):
    assert loaded(arguments, NUMERICAL) == "loaded: []"


def test_sine_modes_on_an_interval_load_no_finite_elements(tmp_path):
    heavy = {"skfem", "scipy.optimize", "scipy.interpolate", "pdefreq.spaces.elements.lagrange", "matplotlib.pyplot", "pandas"}
    arguments = ["solve", "poisson", "--method", "sine", "--quiet", "--out", str(tmp_path / "run")]
    assert loaded(arguments, heavy) == "loaded: []"
    assert (tmp_path / "run" / "solution.vtu").exists() and (tmp_path / "run" / "heatmap.png").exists()


def test_imports_restore_the_state_of_the_garbage_collector():
    """Also if an import fails; the imported objects are excluded from collection."""
    before = gc.get_freeze_count()
    try:
        with pytest.raises(ImportError), importing():
            assert not gc.isenabled()
            raise ImportError("none")
        assert gc.isenabled() and gc.get_freeze_count() > before
        gc.disable()
        with importing():
            pass
        assert not gc.isenabled()
    finally:
        gc.unfreeze()
        gc.enable()

"""Settings of every test: one torch thread, set before torch is imported, a matplotlib that opens no window, a cache of its own."""

import atexit
import os
import shutil
import tempfile

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers take the folder of the process that started them
    os.environ["PDEFREQ_CACHE"] = tempfile.mkdtemp(prefix="pdefreq-cache-")
    atexit.register(shutil.rmtree, os.environ["PDEFREQ_CACHE"], ignore_errors=True)

from hypothesis import HealthCheck, settings

from pdefreq.solvers import SOLVERS

# Machines are slow at times: a deadline would test the machine.
settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("default")

# The methods of the tests are announced as those of an installed package would be, so that run folders may name them.
SOLVERS._unlisted |= {"geometric": "tests.toys:Geometric", "geometric-residual": "tests.toys:GeometricResidual"}

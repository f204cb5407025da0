"""The module that the server of `killed_runs` imports before it forks: it loads what runs load at their first use.

No gradient is computed here, because a process that is forked after one can't compute any.
"""

import gc
import importlib
import pkgutil

import pdefreq
from pdefreq.core.history import Stop
from tests.runs.killed_runs import KINDS

_NOT_USED = ("commands", "experiments", "figures", "integrations", "studies", "cli", "__main__")

for _module in pkgutil.walk_packages(pdefreq.__path__, "pdefreq."):
    if not any(f".{name}" in _module.name for name in _NOT_USED):
        importlib.import_module(_module.name)
for _kind in ("jacobi", "fem"):
    _problem, _method = KINDS[_kind]
    pdefreq.solve(_problem, _method, stop=Stop(steps=1))
gc.collect()
gc.freeze()

"""Options of commands with many runs."""

import pytest

from pdefreq.commands.many import require_batch
from pdefreq.core.errors import OptionError


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"seeds": 1}, "add --seeds 8"),
        ({"workers": "2"}, "leave --workers and --dask out"),
        ({"dask": "tcp://host:8786"}, "leave --workers and --dask out"),
    ],
)
def test_a_batch_has_several_seeds_and_one_process(given, words):
    require_batch(seeds=2, workers="auto", dask=None)
    require_batch(seeds=2, workers="1", dask=None)
    with pytest.raises(OptionError, match=words):
        require_batch(**{"seeds": 2, "workers": "auto", "dask": None, **given})


def test_a_number_of_workers_in_the_environment_is_no_refusal(monkeypatch):
    monkeypatch.setenv("PDEFREQ_WORKERS", "2")
    require_batch(seeds=2, workers="2", dask=None)
    with pytest.raises(OptionError, match="leave --workers and --dask out"):
        require_batch(seeds=2, workers="3", dask=None)

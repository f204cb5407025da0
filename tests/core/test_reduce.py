"""Sums over processes: what each process receives, and what one process does."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pdefreq.core.errors import NotConvergedError
from pdefreq.core.reduce import Reduce, block_size, current, is_loss, joined, processes, telling_of_lost_processes, together
from pdefreq.core.streams import stream


@given(st.integers(1, 10_000), st.sampled_from([512, 1024, 2048]), st.integers(2, 9))
def test_all_processes_receive_equal_numbers_of_points_up_to_one_block_that_is_smaller(number, usual, size):
    with joined(Reduce(0, size)):
        block = block_size(number, usual)
    blocks = math.ceil(number / block)
    own = [len(range(rank, blocks, size)) * block for rank in range(size)]
    assert block <= usual
    assert blocks <= size * math.ceil(number / (size * usual))
    # rounding up the size of each block can leave fewer points, or none, for the last blocks
    assert max(own) - number / size <= math.ceil(number / (size * usual))


@given(st.integers(1, 10_000), st.sampled_from([512, 2048, 2**16]))
def test_one_process_has_the_usual_blocks(number, usual):
    assert block_size(number, usual) == usual


def test_one_process_returns_its_own_sums_and_reduces_only_in_steps():
    values = torch.randn(5, generator=stream(0, "test"))
    assert current().sum(values) is values
    many = Reduce(1, 3)
    with joined(many):
        assert processes() is many
        assert current().size == 1  # a measurement of one process
        with together():
            assert current() is many
        assert current().size == 1
    assert processes().size == 1


def test_a_failed_collective_operation_becomes_one_sentence():
    sentence = r"another one of the 3 processes .* `pdefreq resume`"
    with pytest.raises(NotConvergedError, match=sentence) as caught, telling_of_lost_processes(3):
        raise RuntimeError("[gloo/transport/tcp/pair.cc:538] Connection closed by peer [127.0.0.1]:1234")
    assert is_loss(caught.value)
    assert not is_loss(NotConvergedError("the iteration diverged"))


def test_random_numbers_do_not_depend_on_the_number_of_processes():
    alone = torch.rand(100, generator=stream(3, "interior", 7))
    for rank in range(3):
        with joined(Reduce(rank, 3)), together():
            assert torch.equal(torch.rand(100, generator=stream(3, "interior", 7)), alone)

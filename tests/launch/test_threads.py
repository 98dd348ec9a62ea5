"""Threads of this process, for a while."""

from __future__ import annotations

import contextlib

import numba
import torch

from parsl_sa.launch.threads import fixed_threads


def test_they_are_given_back_whatever_happens() -> None:
    before = torch.get_num_threads(), numba.get_num_threads()
    with contextlib.suppress(RuntimeError), fixed_threads(1):
        assert (torch.get_num_threads(), numba.get_num_threads()) == (1, 1)
        raise RuntimeError
    assert (torch.get_num_threads(), numba.get_num_threads()) == before


def test_numba_gets_no_more_than_it_has() -> None:
    with fixed_threads(numba.config.NUMBA_NUM_THREADS + 1):
        assert numba.get_num_threads() == numba.config.NUMBA_NUM_THREADS

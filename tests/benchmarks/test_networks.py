"""Whole networks: every contender computes what its own network gives in plain torch and float64."""

import numpy as np
import pytest
import torch

from benchmarks import networks
from benchmarks.network_cases import INFERENCE, TRAINING, cases
from benchmarks.peers import EAGER, OURS
from nnbridge import GlobalLayer, NormSequence


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    for work, count in ((TRAINING, 6), (INFERENCE, 5)):
        monkeypatch.setitem(networks.IMAGES, work, count)


@pytest.fixture
def double():
    """In single precision rounding moves numbers over the kinks of a ReLU, which changes gradients by a per mille."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("channels_last", [False, True])
@pytest.mark.parametrize("work", [TRAINING, INFERENCE])
@pytest.mark.parametrize("contender", cases()[0].contenders)
def test_a_contender_computes_its_network(work, contender, channels_last, double):
    prepared = networks.prepare(work, contender, channels_last)
    (found,), (wanted,) = prepared.arrays(prepared.run()), prepared.exact()
    assert found.shape == wanted.shape
    assert np.linalg.norm(found - wanted) < 1e-9 * np.linalg.norm(wanted)


@pytest.mark.parametrize("contender", cases()[0].contenders)
def test_only_the_twin_has_plain_norms(contender):
    network = networks.build(contender, TRAINING).network
    assert {part.plain for part in network.modules() if isinstance(part, NormSequence)} == {contender == EAGER}


def test_the_twin_runs_in_plain_torch_and_has_the_same_weights():
    ours, twin = (networks.build(contender, TRAINING).network for contender in cases()[0].contenders[:2])
    backends = [{part.backend for part in net.modules() if isinstance(part, GlobalLayer)} for net in (ours, twin)]
    assert backends == [{"auto"}, {"torch"}]
    assert all((a == b).all() for a, b in zip(ours.parameters(), twin.parameters(), strict=True))
    assert cases()[0].contenders[0] == OURS

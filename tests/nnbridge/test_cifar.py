"""CIFAR's binary files: read, checked, found, downloaded from a server on this machine."""

import hashlib
import io
import tarfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch

from nnbridge import data
from nnbridge.data.cifar import CIFAR10, CIFAR100, load_cifar

PIXELS = 3072


def records(rng, count, labels, classes):
    found = rng.integers(0, 256, (count, labels + PIXELS), dtype=np.uint8)
    found[:, :labels] = rng.integers(0, classes, (count, labels))
    return found


@pytest.fixture
def small(rng, tmp_path):
    """Both sets with a few images, their files, and the folder above theirs."""
    made = {}
    for cifar in (CIFAR10, CIFAR100):
        folder = tmp_path / "root" / cifar.archive.folder
        folder.mkdir(parents=True)
        files = {name: records(rng, 4, cifar.labels, cifar.classes) for name in (*cifar.train, *cifar.test)}
        for name, content in files.items():
            (folder / name).write_bytes(content.tobytes())
        digests = {name: hashlib.sha256(content.tobytes()).hexdigest() for name, content in files.items()}
        made[cifar.name] = replace(cifar, archive=replace(cifar.archive, sha256=digests)), files
    return made, tmp_path / "root"


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_images_and_labels_are_where_the_format_has_them(name, small):
    made, root = small
    cifar, files = made[name]
    found = load_cifar(cifar, root)
    for split, names in ((found.train, cifar.train), (found.test, cifar.test)):
        rows = np.concatenate([files[n] for n in names])
        assert split.images.dtype == torch.uint8
        assert split.images.shape == (len(rows), 3, 32, 32)
        np.testing.assert_array_equal(split.labels.numpy(), rows[:, cifar.labels - 1])
        # The second row of the first image's green.
        np.testing.assert_array_equal(split.images[0, 1, 1].numpy(), rows[0, cifar.labels + 1024 + 32 :][:32])
    assert (found.name, found.classes) == (name, cifar.classes)


def test_a_file_of_others_is_refused(small):
    made, root = small
    cifar, _ = made["cifar10"]
    path = root / cifar.archive.folder / "data_batch_2.bin"
    path.write_bytes(path.read_bytes()[::-1])
    with pytest.raises(ValueError, match=r"data_batch_2.bin is not the published file of CIFAR-10: its SHA-256"):
        load_cifar(cifar, root)


def unchecked(cifar):
    return replace(cifar, archive=replace(cifar.archive, sha256=dict.fromkeys(cifar.archive.sha256)))


@pytest.mark.parametrize("content", [b"", b"\0" * (PIXELS + 2)])
def test_a_file_that_is_cut_off_is_refused(content, small):
    made, root = small
    cifar = unchecked(made["cifar10"][0])
    (root / cifar.archive.folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match=rf"test_batch.bin has {len(content)} bytes, which are no records of 3073"):
        load_cifar(cifar, root)


def test_a_class_that_there_is_not_is_refused(small):
    made, root = small
    cifar = unchecked(made["cifar10"][0])
    (root / cifar.archive.folder / "test_batch.bin").write_bytes(bytes([10]) + b"\0" * PIXELS)
    with pytest.raises(ValueError, match="holds the class 10, but CIFAR-10 has 0 to 9"):
        load_cifar(cifar, root)


def test_a_folder_without_the_files_is_not_replaced(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"`data_dir` does not hold CIFAR-100. Unpack .*-100-binary.tar.gz"):
        data.load("cifar100", tmp_path)


@pytest.fixture
def server(tmp_path):
    (tmp_path / "served").mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    handler.log_message = lambda *_: None
    running = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=running.serve_forever, daemon=True).start()
    yield tmp_path / "served", f"http://127.0.0.1:{running.server_port}/"
    running.shutdown()


def test_a_download_is_checked_unpacked_and_kept(small, server, monkeypatch, tmp_path):
    (made, root), (served, url) = small, server
    cifar, _ = made["cifar10"]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.add(root / cifar.archive.folder, cifar.archive.folder)
    (served / "cifar.tar.gz").write_bytes(packed.getvalue())
    monkeypatch.delenv("PDEBRIDGE_DATA", raising=False)
    monkeypatch.setattr("nnbridge.data.archive.cache", lambda: tmp_path / "cache")
    wrong = replace(cifar, archive=replace(cifar.archive, url=url + "cifar.tar.gz", md5="0" * 32))
    with pytest.raises(FileNotFoundError, match=r"CIFAR-10 is not on this machine .* ValueError: MD5 hash"):
        load_cifar(wrong)
    right = replace(wrong, archive=replace(wrong.archive, md5=hashlib.md5(packed.getvalue()).hexdigest()))
    assert len(load_cifar(right).train) == 20
    (served / "cifar.tar.gz").unlink()
    assert len(load_cifar(right).test) == 4  # from the cache

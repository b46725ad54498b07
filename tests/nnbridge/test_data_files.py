"""Where the files of MNIST are looked for, and how they are downloaded; no test here leaves the machine."""

import gzip
import hashlib
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from nnbridge.data import files
from nnbridge.data.files import Source, find
from nnbridge.data.mnist import MNIST, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, load_idx_dataset


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    """Keep the cache in ``tmp_path``, the environment empty, and the network out of reach."""
    monkeypatch.delenv(files.ENVIRONMENT, raising=False)
    monkeypatch.setattr(files, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr("pooch.retrieve", offline)


def offline(url, *arguments, **keywords):
    raise ConnectionError(f"no route to {url}")


def idx_bytes(array):
    return struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes()


def put_mnist(folder, shade=0, *, packed=True, size=28, labels=(3, 5), test_labels=(1, 9)):
    """Write a data set of two training and two test images of one grey."""
    folder.mkdir(parents=True, exist_ok=True)
    images = np.full((2, size, size), shade, np.uint8)
    for name, array in {
        TRAIN_IMAGES: images,
        TRAIN_LABELS: np.array(labels, np.uint8),
        TEST_IMAGES: images,
        TEST_LABELS: np.array(test_labels, np.uint8),
    }.items():
        if packed:
            (folder / name).write_bytes(gzip.compress(idx_bytes(array)))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(idx_bytes(array))
    return folder


def shade_found(data_dir=None):
    """Tell by its grey which of the data sets was loaded."""
    images = load_idx_dataset(MNIST, data_dir).train.images
    return round(float(images[0, 0, 0, 0]) * MNIST.std * 255 + MNIST.mean * 255)


def test_a_folder_given_comes_before_the_environment_before_the_cache(tmp_path, monkeypatch):
    put_mnist(tmp_path / "cache" / "MNIST" / "raw", shade=3)
    assert shade_found() == 3
    put_mnist(tmp_path / "named" / "MNIST" / "raw", shade=2)
    monkeypatch.setenv(files.ENVIRONMENT, str(tmp_path / "named"))
    assert shade_found() == 2
    put_mnist(tmp_path / "given" / "MNIST" / "raw", shade=1)
    assert shade_found(tmp_path / "given") == 1


def test_the_files_may_lie_in_the_folder_itself_and_be_unpacked(tmp_path):
    assert shade_found(put_mnist(tmp_path / "flat", shade=4)) == 4
    assert shade_found(put_mnist(tmp_path / "unpacked", shade=5, packed=False)) == 5


def test_a_folder_given_without_the_files_is_not_silently_replaced(tmp_path):
    put_mnist(tmp_path / "cache" / "MNIST" / "raw")
    (put_mnist(tmp_path / "given") / TEST_LABELS).unlink()
    with pytest.raises(FileNotFoundError, match="`data_dir` does not hold MNIST") as caught:
        find(MNIST.source, tmp_path / "given")
    assert TEST_LABELS in str(caught.value)


def test_offline_the_error_says_which_files_to_put_where(tmp_path):
    with pytest.raises(FileNotFoundError, match="could not be downloaded") as caught:
        find(MNIST.source)
    message = str(caught.value)
    for part in (*MNIST.source.md5, str(tmp_path / "cache" / "MNIST" / "raw"), "--data-dir", "PDEBRIDGE_DATA"):
        assert part in message
    assert "ConnectionError: no route to https://ossci-datasets" in message


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ({"size": 8}, "images of 8 x 8, not 28 x 28"),
        ({"labels": (1, 2, 3)}, "2 images, but .* 3 labels"),
        ({"test_labels": (1, 10)}, "label 10, but labels are 0 to 9"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, damage, message):
    put_mnist(tmp_path, **damage)
    with pytest.raises(ValueError, match=message):
        load_idx_dataset(MNIST, tmp_path)


@pytest.fixture
def published(tmp_path):
    """Serve one file on this machine, as a source to download."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "numbers.gz").write_bytes(b"the published bytes")
    handler = partial(QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        digest = hashlib.md5(b"the published bytes").hexdigest()
        yield Source("Numbers", "Numbers/raw", f"http://127.0.0.1:{server.server_port}/", {"numbers.gz": digest})
        server.shutdown()


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture
def online(monkeypatch):
    from pooch.core import retrieve

    monkeypatch.setattr("pooch.retrieve", retrieve)


@pytest.mark.usefixtures("online")
def test_a_download_lands_in_the_cache_and_is_found_there_next_time(tmp_path, published, monkeypatch):
    path = tmp_path / "cache" / "Numbers" / "raw" / "numbers.gz"
    assert find(published) == {"numbers.gz": path}
    assert path.read_bytes() == b"the published bytes"
    monkeypatch.setattr("pooch.retrieve", offline)
    assert find(published) == {"numbers.gz": path}


@pytest.mark.usefixtures("online")
def test_a_download_with_another_checksum_is_refused_and_not_kept(tmp_path, published):
    (tmp_path / "site" / "numbers.gz").write_bytes(b"tampered")
    with pytest.raises(FileNotFoundError, match="does not match the known hash"):
        find(published)
    assert not (tmp_path / "cache" / "Numbers" / "raw" / "numbers.gz").exists()

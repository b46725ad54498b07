"""A picture file becomes the image that the network was trained on, to the last bit, and its prediction with it."""

import json
import struct

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from nnbridge import data
from nnbridge.cli import app
from nnbridge.data.mnist import MNIST, _split
from nnbridge.data.pictures import read_picture
from nnbridge.training import Classifier, RunFolder, TrainingConfig, train
from nnbridge.training.assembly import make_model
from nnbridge.training.folder import save_checkpoint
from nnbridge.training.machine import use_threads


@pytest.fixture(autouse=True, scope="module")
def _one_thread():
    """Single images gain nothing from a second thread, and wait for it where another process has the core."""
    with use_threads(1):
        yield


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def runs(digits, photographs, tmp_path_factory):
    """Folders of a run on the digits and of one on photographs, an epoch each."""
    folder = tmp_path_factory.mktemp("runs")
    on_digits = TrainingConfig.for_data("digits", backbone="pde", epochs=1, device="cpu")
    on_photographs = TrainingConfig(data="cifar10", backbone="resnet-tiny-global", epochs=1, batch_size=8, device="cpu")
    train(on_digits, digits, folder / "digits")
    train(on_photographs, photographs, folder / "photographs")
    return folder


def save(pixels, path, mode=None):
    """Save an array (rows, columns) or (rows, columns, colours)."""
    picture = Image.fromarray(np.asarray(pixels, np.uint8))
    (picture.convert(mode) if mode else picture).save(path)
    return path


def by_label(guesses):
    return torch.tensor([guess.confidence for guess in sorted(guesses, key=lambda guess: guess.label)])


def test_a_photograph_predicts_what_its_tensor_predicts(runs, photographs, tmp_path):
    classifier = Classifier.load(runs / "photographs")
    normalise = data.Normalisation(photographs.mean, photographs.std)
    for number, image in enumerate(photographs.test.images):
        path = save(image.permute(1, 2, 0), tmp_path / f"{number}.png")
        with torch.no_grad():
            expected = classifier.model(normalise(image[None])).softmax(1)[0]
        assert torch.equal(by_label(classifier.guesses(path, 10)), expected)


def test_a_digit_predicts_what_its_tensor_predicts(runs, digits, tmp_path):
    classifier = Classifier.load(runs / "digits")
    agree = []
    for number, image in enumerate(digits.test.images[:40]):
        pixels = (255 * (image * digits.std + digits.mean)).round().to(torch.uint8)  # the digits have other levels
        path = save(pixels[0], tmp_path / f"{number}.png")
        with torch.no_grad():
            in_bytes, unrounded = (
                classifier.model(one[None]).softmax(1)[0]
                for one in ((pixels.float() / 255 - digits.mean) / digits.std, image)
            )
        found = by_label(classifier.guesses(path, 10))
        assert torch.equal(found, in_bytes)
        assert (found - unrounded).abs().max() < 0.01
        agree.append(bool(found.argmax() == unrounded.argmax()))
    assert np.mean(agree) >= 0.95


def test_bytes_are_normalised_as_the_loaded_images_are(tmp_path, rng, photographs, digits):
    pixels = rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)
    images, labels = tmp_path / "images", tmp_path / "labels"
    images.write_bytes(struct.pack(">HBB3I", 0, 8, 3, 5, 28, 28) + pixels.tobytes())
    labels.write_bytes(struct.pack(">HBBI", 0, 8, 1, 5) + bytes(5))
    loaded = _split(images, labels, MNIST).images
    one_by_one = [data.KINDS["mnist"].normalise(image[None, None]) for image in torch.from_numpy(pixels)]
    assert torch.equal(torch.cat(one_by_one), loaded)

    black = data.KINDS["digits"].normalise(torch.zeros(1, 1, 28, 28, dtype=torch.uint8))
    assert float(black[0, 0, 0, 0]) == float(digits.train.images.min())

    normalise = data.Normalisation(photographs.mean, photographs.std)
    assert torch.equal(data.KINDS["cifar10"].normalise(photographs.test.images), normalise(photographs.test.images))


def test_one_image_does_not_depend_on_the_others(runs, photographs):
    classifier = Classifier.load(runs / "photographs")
    together = classifier.confidences(photographs.test.images)
    alone = [classifier.confidences(image[None]) for image in photographs.test.images]
    assert torch.equal(together, torch.cat(alone))
    torch.testing.assert_close(together.sum(1), torch.ones(len(together)))


def test_the_likeliest_classes_come_first_with_their_names(runs, photographs, tmp_path):
    path = save(photographs.test.images[0].permute(1, 2, 0), tmp_path / "a.png")
    guesses = Classifier.load(runs / "photographs").guesses(path)
    assert len(guesses) == 5
    assert [guess.name for guess in guesses] == [data.class_names("cifar10")[guess.label] for guess in guesses]
    confidences = [guess.confidence for guess in guesses]
    assert confidences == sorted(confidences, reverse=True)


def test_a_folder_is_its_last_checkpoint(runs, photographs):
    folder = RunFolder(runs / "photographs")
    images = photographs.test.images[:2]
    expected = Classifier.load(folder.path).confidences(images)
    assert torch.equal(Classifier.load(folder.last).confidences(images), expected)
    assert Classifier.load(str(folder.best)).names == data.class_names("cifar10")


def test_a_network_trained_by_the_gpus_kernel_runs_here(tmp_path, photographs):
    config = TrainingConfig(data="cifar10", backbone="resnet-tiny-global", kernel="cuda")
    checkpoint = {"config": config.as_dict(), "model": make_model(config).state_dict()}
    save_checkpoint(tmp_path / "last.ckpt", checkpoint)
    assert Classifier.load(tmp_path / "last.ckpt").confidences(photographs.test.images[:1]).shape == (1, 10)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", "tensor"], ids=["empty", "text", "tensor"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    path = tmp_path / "a.ckpt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(torch.zeros(2), path)
    with pytest.raises(ValueError, match=r"a\.ckpt is not a checkpoint of a run: name a run's folder"):
        Classifier.load(path)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"is not the folder of a run: it has no config\.json"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize("size", [(40, 30), (30, 40), (41, 30)])
def test_the_central_square_is_taken(tmp_path, rng, size):
    rows, columns = size
    pixels = rng.integers(0, 256, (rows, columns, 3))
    top, left = (rows - 30) // 2, (columns - 30) // 2
    found = read_picture(save(pixels, tmp_path / "a.png"), 3, 30)
    np.testing.assert_array_equal(found.permute(1, 2, 0).numpy(), pixels[top : top + 30, left : left + 30])


def test_a_finer_pattern_than_the_size_carries_becomes_its_mean(tmp_path):
    checks = np.indices((128, 128)).sum(0) % 2 * 200
    found = read_picture(save(checks, tmp_path / "a.png"), 1, 32)
    assert found.shape == (1, 32, 32)
    assert (found.int() - 100).abs().max() <= 2


def test_grey_weighs_the_colours_and_keeps_grey(tmp_path, rng):
    colours = np.zeros((4, 4, 3))
    colours[0, :3] = 255 * np.eye(3)
    found = read_picture(save(colours, tmp_path / "colours.png"), 1, 4)
    assert found[0, 0].tolist() == [76, 150, 29, 0]
    grey = rng.integers(0, 256, (16, 16))
    for name, mode in (("l", None), ("rgb", "RGB"), ("la", "LA")):
        path = save(grey, tmp_path / f"{name}.png", mode)
        np.testing.assert_array_equal(read_picture(path, 1, 16)[0].numpy(), grey)
        np.testing.assert_array_equal(read_picture(path, 3, 16)[2].numpy(), grey)


def test_what_is_transparent_shows_black(tmp_path):
    pixels = np.full((2, 2, 4), 200)
    pixels[..., 3] = [[255, 0], [128, 255]]
    assert read_picture(save(pixels, tmp_path / "a.png"), 1, 2)[0].tolist() == [[200, 0], [100, 200]]
    palette = Image.fromarray(np.array([[0, 1], [1, 0]], np.uint8), "P")
    palette.putpalette([250, 250, 250, 40, 40, 40])
    palette.save(tmp_path / "p.png", transparency=0)
    assert read_picture(tmp_path / "p.png", 1, 2)[0].tolist() == [[0, 40], [40, 0]]


def test_a_camera_that_was_held_sideways_is_put_right(tmp_path):
    picture = Image.fromarray(np.array([[10, 20], [30, 40]], np.uint8))
    exif = picture.getexif()
    exif[0x0112] = 6  # orientation: to be turned clockwise by a quarter
    picture.save(tmp_path / "a.png", exif=exif)
    assert read_picture(tmp_path / "a.png", 1, 2)[0].tolist() == [[30, 10], [40, 20]]


def unreadable(kind, folder):
    path = folder / "picture.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "text":
        path.write_text("no picture")
    elif kind == "cut off":
        save(np.random.default_rng(0).integers(0, 256, (64, 64)), path)
        path.write_bytes(path.read_bytes()[:2000])
    elif kind == "16 bits":
        Image.fromarray(np.zeros((4, 4), np.uint16)).save(path)
    return path


@pytest.mark.parametrize(
    ("kind", "error", "message"),
    [
        ("absent", FileNotFoundError, "picture.png does not exist: name a picture file"),
        ("folder", ValueError, "picture.png cannot be read as a picture: .*directory"),
        ("text", ValueError, "picture.png cannot be read as a picture: cannot identify"),
        ("cut off", ValueError, "picture.png cannot be read as a picture: .*truncated"),
        ("16 bits", ValueError, "has pixels of Pillow's kind 'I;16', .* save it with 8 bits a colour"),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path, kind, error, message):
    with pytest.raises(error, match=message):
        read_picture(unreadable(kind, tmp_path), 1, 28)


def test_a_picture_beyond_pillows_limit_is_refused(tmp_path, monkeypatch):
    path = save(np.zeros((64, 64)), tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(ValueError, match=r"cannot be read as a picture: Image size .* exceeds limit"):
        read_picture(path, 1, 28)


def call(*arguments, code=0):
    result = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output if code else result.stdout


def test_the_command_prints_a_table_or_json(runs, photographs, tmp_path):
    paths = [save(photographs.test.images[n].permute(1, 2, 0), tmp_path / f"{n}.png") for n in (3, 8)]
    classifier = Classifier.load(runs / "photographs")
    found = json.loads(call(*paths, "--checkpoint", runs / "photographs", "--json"))
    table = call(*paths, "--checkpoint", runs / "photographs" / "last.ckpt")
    assert [entry["picture"] for entry in found] == [str(path) for path in paths]
    for path, entry in zip(paths, found, strict=True):
        expected = classifier.guesses(path)
        assert [guess["confidence"] for guess in entry["guesses"]] == [guess.confidence for guess in expected]
        assert [(guess["label"], guess["name"]) for guess in entry["guesses"]] == [(g.label, g.name) for g in expected]
        for guess in expected:
            assert f"{100 * guess.confidence:.1f} %" in table
            assert guess.name in table


@pytest.mark.parametrize(
    ("picture", "run", "message"),
    [
        ("absent.png", "photographs", "error: absent.png does not exist"),
        ("absent.png", "nothing", "is not the folder of a run"),
        ("photographs/config.json", "photographs", "config.json cannot be read as a picture"),
        ("absent.png", "photographs/config.json", "config.json is not a checkpoint of a run"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(runs, picture, run, message):
    picture = runs / picture if "/" in picture else picture
    printed = call(picture, "--checkpoint", runs / run, code=1)
    assert message in printed
    assert "Traceback" not in printed

"""Training: it learns, stops and goes on in the same bits, and keeps what a run is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from nnbridge import data, models
from nnbridge.data import Dataset, Split
from nnbridge.training import DivergenceError, Observer, RunFolder, TrainingConfig, load_model, resume, train
from nnbridge.training.evaluation import accuracy, confusion_matrix, predict
from nnbridge.training.folder import load_checkpoint, save_checkpoint

CONFIG = TrainingConfig.for_data("digits", backbone="pde", epochs=3, device="cpu")


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def few(digits):
    """150 images to train on: five steps an epoch."""
    return replace(digits, train=Split(digits.train.images[:150], digits.train.labels[:150]))


@pytest.fixture(scope="module")
def whole_run(few, tmp_path_factory):
    """A run of three epochs that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    train(CONFIG, few, folder)
    return folder


class StopAt(Observer):
    """Raises in the middle of an epoch (``step``), or between two (``step`` None)."""

    def __init__(self, epoch: int, step: int | None, error: type[BaseException] = KeyboardInterrupt) -> None:
        self.place = (epoch, step)
        self.error = error

    def on_step(self, epoch, step, steps):
        if (epoch, step) == self.place:
            raise self.error

    def on_epoch(self, record):
        if (record.epoch, None) == self.place:
            raise self.error


def assert_same_bits(one: object, other: object) -> None:
    """Compare two checkpoints or parts of them, times apart."""
    assert type(one) is type(other)
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one.keys() - {"seconds", "images_per_second"}:
            assert_same_bits(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            assert_same_bits(a, b)
    else:
        assert one == other


@pytest.mark.parametrize("backbone", ["convolution", "residual", "pde"])
def test_networks_learn_the_digits(digits, tmp_path, backbone):
    # After 8 epochs with seeds 0 to 4 the test accuracy was 92.2 to 96.1 %; guessing gives 10 %.
    config = TrainingConfig.for_data("digits", backbone=backbone, epochs=8, device="cpu")
    metrics = train(config, digits, tmp_path)
    assert metrics.test_accuracy >= 88.0


@pytest.mark.parametrize(
    "stop",
    [
        StopAt(1, 2),
        StopAt(2, None),
        StopAt(3, 4),
        StopAt(3, 1, RuntimeError),
    ],
    ids=["in the first epoch", "between epochs", "in the last epoch", "by an exception"],
)
def test_a_run_that_was_stopped_ends_in_the_same_bits(few, whole_run, tmp_path, stop):
    with pytest.raises(stop.error):
        train(CONFIG, few, tmp_path, observers=[stop])
    torch.rand(3)  # the process has gone on with other things since
    resume(tmp_path, few)
    for name in ("last.ckpt", "best.ckpt"):
        assert_same_bits(load_checkpoint(tmp_path / name), load_checkpoint(whole_run / name))
    ours, whole = RunFolder(tmp_path), RunFolder(whole_run)
    assert ours.read_metrics().confusion == whole.read_metrics().confusion
    assert [row.train_loss for row in ours.read_log()] == [row.train_loss for row in whole.read_log()]
    assert len(json.loads((tmp_path / "environment.json").read_text())) == 2


def test_the_seed_decides_the_run_and_another_seed_changes_it(few, whole_run, tmp_path):
    train(CONFIG, few, tmp_path / "same")
    train(replace(CONFIG, seed=1), few, tmp_path / "other")
    same, other = (load_checkpoint(tmp_path / name / "last.ckpt")["model"] for name in ("same", "other"))
    assert_same_bits(same, load_checkpoint(whole_run / "last.ckpt")["model"])
    assert not torch.equal(same["head.3.weight"], other["head.3.weight"])


def test_a_step_is_the_published_optimiser(few, tmp_path):
    """One epoch of one batch equals Nesterov's step with weight decay and clipping, written out."""
    config = replace(CONFIG, epochs=1, batch_size=150, clip_norm=0.05, backbone="residual")
    train(config, few, tmp_path)
    torch.manual_seed(config.seed)
    network = models.create("mnist-residual")
    loss = torch.nn.functional.cross_entropy(network(few.train.images), few.train.labels)
    gradients = torch.autograd.grad(loss, tuple(network.parameters()))
    norm = torch.sqrt(sum(g.square().sum() for g in gradients))
    assert norm > config.clip_norm
    trained = load_model(tmp_path)
    for before, gradient, after in zip(network.parameters(), gradients, trained.parameters(), strict=True):
        step = gradient * config.clip_norm / norm + config.weight_decay * before
        expected = before - config.learning_rate * (1 + config.momentum) * step
        torch.testing.assert_close(after, expected, rtol=1e-5, atol=1e-6)


def test_a_diverging_run_stops_and_its_last_good_checkpoint_goes_on(few, whole_run, tmp_path):
    images = few.train.images.clone()
    spoiled = replace(few, train=Split(images, few.train.labels))

    class Spoil(Observer):
        def on_epoch(self, record):
            if record.epoch == 2:
                images[7] = torch.nan

    with pytest.raises(DivergenceError, match=r"not finite in epoch 3, .*after epoch 2, the last good one"):
        train(CONFIG, spoiled, tmp_path, observers=[Spoil()])
    checkpoint = load_checkpoint(tmp_path / "last.ckpt")
    assert len(checkpoint["history"]) == 2
    assert all(torch.isfinite(value).all() for value in checkpoint["model"].values())
    assert not RunFolder(tmp_path).finished
    resume(tmp_path, few)
    assert_same_bits(load_checkpoint(tmp_path / "last.ckpt"), load_checkpoint(whole_run / "last.ckpt"))


def test_too_large_a_learning_rate_is_named_as_the_remedy(few, tmp_path):
    with pytest.raises(DivergenceError, match=r"learning rate below 1e\+30"):
        train(replace(CONFIG, learning_rate=1e30), few, tmp_path)


def test_the_folder_holds_what_the_run_is(whole_run):
    run = RunFolder(whole_run)
    assert run.config() == CONFIG
    log, metrics = run.read_log(), run.read_metrics()
    assert [record.epoch for record in log] == [1, 2, 3]
    assert log[-1].test_accuracy == pytest.approx(metrics.test_accuracy, rel=1e-5)
    assert metrics.best_accuracy == pytest.approx(max(record.test_accuracy for record in log), rel=1e-5)
    assert metrics.best_accuracy == pytest.approx(log[metrics.best_epoch - 1].test_accuracy, rel=1e-5)
    assert metrics.parameters == 524
    (environment,) = json.loads((whole_run / "environment.json").read_text())
    assert environment["packages"]["torch"] == torch.__version__
    assert environment["torch_threads"] == CONFIG.threads
    assert not list(whole_run.glob("*.tmp"))


def test_the_best_checkpoint_is_of_the_best_epoch(whole_run):
    best = load_checkpoint(whole_run / "best.ckpt")
    assert len(best["history"]) == RunFolder(whole_run).read_metrics().best_epoch


def test_the_result_is_that_of_the_network_kept(few, whole_run):
    network = load_model(whole_run).eval()
    with torch.no_grad():
        predicted = network(few.test.images).argmax(dim=1).numpy()
    labels = few.test.labels.numpy()
    metrics = RunFolder(whole_run).read_metrics()
    expected = np.zeros((10, 10), int)
    np.add.at(expected, (labels, predicted), 1)
    assert metrics.confusion == expected.tolist()
    assert metrics.test_accuracy == pytest.approx(100 * np.mean(predicted == labels), rel=1e-6)


def test_a_run_uses_its_own_thread_count_and_leaves_that_of_the_process(few, tmp_path):
    seen = []

    class Look(Observer):
        def on_step(self, epoch, step, steps):
            seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        train(replace(CONFIG, epochs=1, threads=1), few, tmp_path, observers=[Look()])
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_second_run_in_the_same_folder_is_refused(few, whole_run):
    with pytest.raises(FileExistsError, match="holds a run already: resume it"):
        train(CONFIG, few, whole_run)


def test_resuming_a_finished_run_only_reads_it(few, whole_run):
    before = (whole_run / "last.ckpt").stat().st_mtime_ns
    assert resume(whole_run, few) == RunFolder(whole_run).read_metrics()
    assert (whole_run / "last.ckpt").stat().st_mtime_ns == before


def test_resuming_nothing_is_refused(few, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not the folder of a run"):
        resume(tmp_path, few)


def test_another_data_set_than_the_runs_is_refused(few, tmp_path):
    other = Dataset("mnist", few.train, few.test, 0.0, 1.0)
    with pytest.raises(ValueError, match="`dataset` is 'mnist', but the run is on 'digits'"):
        train(CONFIG, other, tmp_path)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_missing_gpu_is_reported(few, tmp_path):
    with pytest.raises(ValueError, match="`device` is 'cuda', but torch sees no CUDA GPU here: choose 'cpu' or 'auto'"):
        train(replace(CONFIG, device="cuda"), few, tmp_path)


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "last.ckpt"
    save_checkpoint(path, {"epoch": 1})

    def crash(self, target):
        raise OSError("the machine stopped")

    monkeypatch.setattr(Path, "replace", crash)
    with pytest.raises(OSError, match="the machine stopped"):
        save_checkpoint(path, {"epoch": 2})
    assert load_checkpoint(path) == {"epoch": 1}


def test_a_checkpoint_that_would_run_code_is_not_loaded(tmp_path):
    class Malice:
        def __reduce__(self):
            return (print, ("executed",))

    torch.save({"model": Malice()}, tmp_path / "last.ckpt")
    with pytest.raises(Exception, match=r"[Ww]eights.only"):
        load_checkpoint(tmp_path / "last.ckpt")


def test_evaluation_counts_by_true_and_predicted_class():
    labels = torch.tensor([3, 3, 5, 9])
    predicted = torch.tensor([3, 5, 5, 0])
    matrix = confusion_matrix(predicted, labels)
    assert (matrix[3][3], matrix[3][5], matrix[5][3], matrix[9][0]) == (1, 1, 0, 1)
    assert accuracy(predicted, labels) == 50.0


def test_predictions_do_not_depend_on_their_chunks(digits):
    torch.manual_seed(0)
    network = models.create("mnist-residual").eval()
    with torch.no_grad():
        expected = network(digits.train.images).argmax(dim=1)
    assert torch.equal(predict(network, digits.train), expected)


def test_tensorboard_gets_the_log(few, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is optional and not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    train(replace(CONFIG, epochs=2), few, tmp_path)
    events = EventAccumulator(str(tmp_path)).Reload()
    assert [event.step for event in events.Scalars("test_accuracy")] == [1, 2]


def test_a_folder_in_which_another_process_trains_is_left_alone(few, tmp_path):
    pytest.importorskip("fcntl")
    run = tmp_path / "run"

    class Interfere(Observer):
        """Another process would open the file anew, as this does: the lock belongs to the open file."""

        def on_epoch(self, record):
            with pytest.raises(ValueError, match=r"another process trains in .*run: wait until it has finished"):
                resume(run, few)

    train(replace(CONFIG, epochs=1), few, run, observers=[Interfere()])
    assert resume(run, few).best_epoch == 1

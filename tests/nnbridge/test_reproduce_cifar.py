"""The studies on CIFAR: rows and recipes, tables against counts made independently, pictures, and how they go on."""

import csv
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from nnbridge import GlobalLayer, models
from nnbridge.cli import app
from nnbridge.data import Dataset, Split
from nnbridge.data.cifar import MEAN, STD
from nnbridge.reproduce import Diverged, Run, execute
from nnbridge.reproduce.cifar import RECIPES, STUDIES, Row, Study, plan, report, table
from nnbridge.reproduce.cifar.activations import activation_maps
from nnbridge.reproduce.cifar.animation import levels
from nnbridge.reproduce.cifar.fields import fields_page
from nnbridge.reproduce.cifar.lines import describe, networks_of
from nnbridge.reproduce.cifar.rows import Published
from nnbridge.training import TrainingConfig
from nnbridge.training.config_files import read_choices
from nnbridge.variants import Variant

CONFIGS = Path(__file__).parents[2] / "configs"
SMALL = Study(
    "Two small networks",
    "cifar10",
    (
        Row("tiny", "tiny", "resnet-tiny", published=Published("14K", paper=35.2)),
        Row("tiny-global", "tiny Global", "resnet-tiny-global"),
        Row("tiny-constant", "constant", "resnet-tiny-global", Variant(diffusivity=1.0)),
    ),
)
SAID = "what stands below the table"
QUICK = {"epochs": 2, "batch_size": 32, "learning_rate": 0.05, "threads": 1, "device": "cpu"}


@contextmanager
def unwatched(planned):
    yield []


@pytest.fixture(scope="module")
def photographs():
    """Images that are told apart by their mean colour, 96 to train on and 40 to test on."""
    generator = torch.Generator().manual_seed(0)

    def split(count):
        labels = torch.arange(count) % 10
        noise = torch.randint(0, 60, (count, 3, 32, 32), generator=generator)
        return Split((noise + 18 * labels[:, None, None, None]).to(torch.uint8), labels)

    return Dataset("cifar10", split(96), split(40), MEAN, STD, 10)


@pytest.fixture(scope="module")
def study(photographs, tmp_path_factory):
    """The small study after two seeds: its folder, plan, runs and lines."""
    out = tmp_path_factory.mktemp("cifar-study")
    planned = plan(SMALL, "short", 2, QUICK)
    runs = list(execute(planned, photographs, out, unwatched))
    lines = describe(SMALL, planned, runs, photographs)
    report.write(SMALL, lines, runs, networks_of(SMALL, runs), photographs, SAID, (0, 3), out / "small")
    return out, planned, runs, lines


@pytest.mark.parametrize(("recipe", "suffix"), [("short", "-short"), ("published", "")])
@pytest.mark.parametrize("name", STUDIES)
def test_every_row_has_a_file_with_its_recipe(name, recipe, suffix):
    for planned in plan(STUDIES[name], recipe, 1):
        choices = read_choices(CONFIGS / f"{STUDIES[name].data}-{planned.row}{suffix}.yaml")
        assert TrainingConfig.for_data(**choices) == planned.config


def test_the_published_recipe_is_the_same_beside_every_condensed_network():
    planned = {p.row: p.config for p in plan(STUDIES["cifar10"], "published", 1)}
    same = ("epochs", "batch_size", "learning_rate", "weight_decay", "schedule", "milestones")
    for row in ("layer-removed", "matched"):
        assert all(getattr(planned[row], choice) == getattr(planned["global"], choice) for choice in same)


def test_the_rows_stand_for_what_they_say():
    """Beside Global: the same network without its layers, and one without layers but with as many parameters."""
    config = {p.row: p.config for p in plan(STUDIES["cifar10"], "short", 1)}
    network = {row: models.create(c.backbone) for row, c in config.items()}
    count = {row: models.count_parameters(n) for row, n in network.items()}
    layers = sum(models.count_parameters(part) for part in network["global"].modules() if isinstance(part, GlobalLayer))
    assert count["layer-removed"] == count["global"] - layers
    assert count["matched"] == pytest.approx(count["global"], rel=2e-3)
    assert not any(isinstance(part, GlobalLayer) for part in network["matched"].modules())


def test_published_numbers():
    rows = {row.name: row.published for row in STUDIES["ablation"].rows}
    assert [rows[n].port for n in ("resnet32", "global", "constant-diffusivity", "no-advection", "no-diffusion")] == [
        90.90, 88.64, 88.60, 87.86, 88.03,
    ]  # fmt: skip
    assert (rows["resnet32"].paper, rows["global"].paper) == (92.53, 91.93)
    assert [row.published.paper for row in STUDIES["tiny"].rows] == [35.2, 43.6, None]
    assert [row.published.paper for row in STUDIES["cifar100"].rows] == [68.6, 68.1, None, None]


def test_seeds_and_choices_of_a_plan():
    planned = plan(STUDIES["tiny"], "short", 2, {"epochs": 3, "precision": "bfloat16"})
    assert [(p.row, p.config.seed) for p in planned] == [
        (row.name, seed) for seed in (0, 1) for row in STUDIES["tiny"].rows
    ]
    assert all((p.config.epochs, p.config.precision, p.config.data) == (3, "bfloat16", "cifar100") for p in planned)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("slow", 1), "`recipe` is 'slow', but the recipes are short, published"),
        (("short", 0), "`seeds` is 0, but a study needs at least 1"),
        (("short", 1, {"seed": 3, "backbone": "resnet56"}), "`choices` has backbone, seed, which the rows"),
    ],
)
def test_bad_plans(arguments, message):
    with pytest.raises(ValueError, match=message):
        plan(STUDIES["cifar10"], *arguments)


def test_the_table_agrees_with_counts_made_independently(study):
    _, _, runs, lines = study
    for line in lines:
        own = [np.array(run.metrics.confusion) for run in runs if run.row == line.row.name]
        accuracies = [100 * np.trace(matrix) / matrix.sum() for matrix in own]
        assert len(own) == 2
        assert line.accuracy.mean == pytest.approx(np.mean(accuracies), rel=1e-5)
        assert line.accuracy.deviation == pytest.approx(np.std(accuracies, ddof=1), rel=1e-3, abs=1e-3)
        model = models.create(line.row.backbone, variant=line.row.variant if "global" in line.row.backbone else None)
        assert line.cost.parameters == models.count_parameters(model)
        assert line.seconds > 0
        assert bool(line.cost.pde_macs) == ("global" in line.row.backbone)


def test_the_files_say_the_same_as_the_table(study):
    out, _, runs, lines = study
    with (out / "small" / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, run in zip(rows, runs, strict=True):
        assert (row["row"], int(row["seed"])) == (run.row, run.config.seed)
        assert float(row["test_accuracy"]) == pytest.approx(run.metrics.test_accuracy, abs=1e-4)
    content = json.loads((out / "small" / "results.json").read_text())
    assert [entry["accuracy"]["mean"] for entry in content["rows"]] == [line.accuracy.mean for line in lines]
    assert all(run["environments"][0]["packages"]["torch"] for run in content["runs"])
    markdown = (out / "small" / "results.md").read_text()
    for cells in table.columns_and_rows(lines)[1]:
        assert f"| {' | '.join(cells)} |" in markdown
    assert "(n = 2)" in markdown
    assert SAID in markdown


def test_a_row_without_a_run_says_so_and_claims_nothing(study, photographs):
    _, planned, runs, _ = study
    lines = describe(SMALL, planned, [run for run in runs if run.row == "tiny"], photographs)
    headings, rows = table.columns_and_rows(lines)
    accuracy = headings.index("accuracy, %")
    assert [row[accuracy] == "not run" for row in rows] == [False, True, True]
    assert headings[-2:] == ["paper, %", "paper parameters"]


def test_one_seed_has_no_spread(study, photographs):
    _, planned, runs, _ = study
    lines = describe(SMALL, planned, [run for run in runs if run.config.seed == 0], photographs)
    assert "one seed, so that no spread is known" in table.note(lines, "short", planned[0].config)
    assert "±" not in "".join(cell for row in table.columns_and_rows(lines)[1] for cell in row)


def test_the_figures_are_drawn_and_the_report_holds_them(study):
    out, *_ = study
    for name in ("confusion-matrices", "learning-curves", "activation-maps-0", "activation-maps-3"):
        pixels = np.asarray(Image.open(out / "small" / f"{name}.png").convert("L"))
        assert pixels.std() > 10, f"{name} is blank"
    page = (out / "small" / "report.html").read_text()
    assert page.count("data:image/png;base64,") == 4
    assert "batches of 32, weight decay 0.0005" in page


def test_fields_and_their_course_are_drawn(study, photographs, tmp_path):
    _, _, runs, _ = study
    model = networks_of(SMALL, runs)["tiny Global"]
    page = report.write_fields(model, photographs, (1,), 4, None, tmp_path)
    assert 'href="evolution-1.gif"' in page.read_text()
    assert np.asarray(Image.open(tmp_path / "fields-1.png").convert("L")).std() > 10
    with Image.open(tmp_path / "evolution-1.gif") as animation:
        assert animation.n_frames == 5


def test_the_fields_page_shows_the_layer_s_own_fields_on_shared_scales(study, photographs):
    _, _, runs, _ = study
    model = networks_of(SMALL, runs)["tiny Global"]
    figure = fields_page(model, photographs, 2, "bird", channel=1)
    images = [ax.images[0] for ax in figure.axes if ax.images]
    titled = {ax.get_title(loc="center"): ax.images[0] for ax in figure.axes if ax.images}
    normalised = (photographs.test.images[2:3] / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[
        :, None, None
    ]
    with torch.no_grad():
        x = model.stages[0][0](model.stem(normalised))
        made = model.stages[0][1].fields(x)
    for name, title in (("Dx", "diffusivity Dx"), ("v", "velocity v (right)"), ("v_y", "v_y")):
        np.testing.assert_allclose(titled[title].get_array(), getattr(made, name)[0, 1], rtol=1e-4, atol=1e-6)
    for left, right in (
        ("diffusivity Dx", "diffusivity Dy"),
        ("velocity u (down)", "velocity v (right)"),
        ("u_x", "v_y"),
    ):
        assert titled[left].get_clim() == titled[right].get_clim()
    assert len(images) >= 3 * 7


def test_the_levels_are_what_the_layer_computes(study):
    layer = GlobalLayer(3, steps=4, boundary="no-flux", diffusion="flux").eval()
    x = torch.rand(2, 3, 7, 9)
    with torch.no_grad():
        course = levels(layer, x, 4)
        assert torch.equal(course[0], x)
        torch.testing.assert_close(layer.output(course[4]), layer(x), rtol=1e-5, atol=1e-6)


def test_pictures_refuse_what_they_cannot_show(study, photographs):
    _, _, runs, _ = study
    networks = networks_of(SMALL, runs)
    with pytest.raises(ValueError, match="`model` has no Global layer"):
        fields_page(networks["tiny"], photographs, 0, "plane")
    with pytest.raises(ValueError, match="`channel` is 99, but a layer has 5: 0 to 4"):
        fields_page(networks["tiny Global"], photographs, 0, "plane", channel=99)
    with pytest.raises(ValueError, match="`images` has 40, but the test images are 0 to 39"):
        report.write_fields(networks["tiny Global"], photographs, (40,), 2, None, Path("nowhere"))


def test_activations_are_those_after_each_stage(study, photographs):
    _, _, runs, _ = study
    networks = networks_of(SMALL, runs)
    figure = activation_maps({"tiny": networks["tiny"]}, photographs, 5, "dog")
    shown = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    normalised = (photographs.test.images[5:6] / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[
        :, None, None
    ]
    with torch.no_grad():
        x = networks["tiny"].stem(normalised)
        expected = [x.mean(dim=1)[0]]
        for stage in networks["tiny"].stages:
            x = stage(x)
            expected.append(x.mean(dim=1)[0])
    assert len(shown) == 1 + len(expected)
    for plane, wanted in zip(shown[1:], expected, strict=True):
        np.testing.assert_allclose(plane, wanted, rtol=1e-4, atol=1e-5)


def test_finished_runs_are_shared_and_not_trained_again(study, photographs):
    out, planned, runs, _ = study

    def watch(one):
        raise AssertionError(f"{one.row} was trained again")

    again = list(execute(planned, photographs, out, watch))
    assert [run.metrics for run in again] == [run.metrics for run in runs]
    with pytest.raises(ValueError, match=r"holds a run with other choices \(epochs 2, not 5\)"):
        list(execute(plan(SMALL, "short", 1, QUICK | {"epochs": 5}), photographs, out, unwatched))


def test_a_row_that_diverges_does_not_keep_the_others_from_running(photographs, tmp_path):
    first, second, third = plan(SMALL, "short", 1, QUICK | {"epochs": 1})
    wild = replace(first, config=replace(first.config, learning_rate=1e30, clip_norm=1e30, schedule="constant"))
    outcomes = list(execute([wild, second, third], photographs, tmp_path, unwatched))
    assert [type(outcome) for outcome in outcomes] == [Diverged, Run, Run]
    assert "the loss is not finite in epoch 1" in outcomes[0].reason
    lines = describe(SMALL, [wild, second, third], outcomes[1:], photographs, outcomes[:1])
    assert lines[0].result() == "1 diverged"
    assert lines[1].diverged == 0


def test_a_finished_run_whose_checkpoint_is_gone_is_still_compared(study, photographs, tmp_path):
    planned = plan(SMALL, "short", 1, QUICK | {"epochs": 1})[:1]
    list(execute(planned, photographs, tmp_path, unwatched))
    planned[0].folder(tmp_path).last.unlink()
    with pytest.raises(ValueError, match=r"holds a run with other choices \(epochs 1, not 2\)"):
        list(execute(plan(SMALL, "short", 1, QUICK)[:1], photographs, tmp_path, unwatched))


@pytest.fixture(scope="module")
def few_files(tmp_path_factory):
    """CIFAR-100 with 60 images to train on and 30 to test on."""
    folder, rng = tmp_path_factory.mktemp("data") / "cifar-100-binary", np.random.default_rng(0)
    folder.mkdir()
    for name, count in (("train.bin", 60), ("test.bin", 30)):
        records = rng.integers(0, 256, (count, 2 + 3072), dtype=np.uint8)
        records[:, 0], records[:, 1] = 0, rng.integers(0, 100, count)
        (folder / name).write_bytes(records.tobytes())
    return folder.parent


def test_the_command_trains_tabulates_and_goes_on(few_files, tmp_path):
    arguments = ["reproduce", "tiny", "--data-dir", str(few_files), "--out", str(tmp_path), "--device", "cpu"]
    choices = ["--set", "epochs=1", "--threads", "1", "--image", "0"]
    only = CliRunner().invoke(app, [*arguments, *choices, "--finished-only"])
    assert only.exit_code == 0, only.output
    assert only.output.count("not run") == 3
    assert "nothing is trained yet" in only.output.replace("\n", " ")
    whole = CliRunner().invoke(app, [*arguments, *choices])
    assert whole.exit_code == 0, whole.output
    assert "not run" not in whole.output
    assert "the last of 1 epochs, recipe short with threads 1; one seed" in " ".join(whole.output.split())
    for name in ("results.csv", "results.json", "results.md", "report.html", "activation-maps-0.png"):
        assert (tmp_path / "tiny" / name).stat().st_size > 100
    before = (tmp_path / "runs" / "tiny-seed0" / "metrics.json").stat().st_mtime_ns
    again = CliRunner().invoke(app, [*arguments, *choices])
    assert again.exit_code == 0, again.output
    assert (tmp_path / "runs" / "tiny-seed0" / "metrics.json").stat().st_mtime_ns == before


def test_the_command_refuses_before_it_trains(few_files, tmp_path):
    arguments = ["reproduce", "tiny", "--data-dir", str(few_files), "--out", str(tmp_path)]
    refused = CliRunner().invoke(app, [*arguments, "--image", "30"])
    assert refused.exit_code == 1
    assert "`images` has 30, but the test images are 0 to 29" in refused.output.replace("\n", " ")
    assert not (tmp_path / "runs").exists()


def test_the_command_draws_the_fields_of_a_run(few_files, tmp_path):
    study = ["reproduce", "tiny", "--data-dir", str(few_files), "--out", str(tmp_path), "--device", "cpu"]
    assert CliRunner().invoke(app, [*study, "--set", "epochs=1", "--image", "0"]).exit_code == 0
    run = tmp_path / "runs" / "tiny-global-seed0"
    drawn = CliRunner().invoke(
        app, ["reproduce", "fields", str(run), "--data-dir", str(few_files), "--image", "3", "--steps", "2"]
    )
    assert drawn.exit_code == 0, drawn.output
    assert {path.name for path in (run / "fields").iterdir()} == {"fields-3.png", "evolution-3.gif", "report.html"}


def test_every_study_has_a_command_whose_help_says_what_it_does():
    for name in (*STUDIES, "fields", "mnist"):
        answer = CliRunner().invoke(app, ["reproduce", name, "--help"], env={"COLUMNS": "200"})
        assert answer.exit_code == 0, answer.output
        assert "--data-dir" in answer.output


def test_recipes():
    assert set(RECIPES) == {"short", "published"}
    short, published = (plan(STUDIES["cifar10"], recipe, 1)[1].config for recipe in ("short", "published"))
    assert (short.epochs, short.schedule, published.epochs, published.schedule) == (15, "one-cycle", 300, "steps")
    assert replace(short, epochs=1).flip
    assert short.crop == 4

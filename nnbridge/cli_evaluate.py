"""The commands that look at networks: ``models``, ``evaluate`` and ``predict``.

What only they need is imported inside them, so that ``--help`` answers without it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from nnbridge.cli_common import DataDir, console, errors_for_users


def list_models(
    classes: Annotated[int, typer.Option(min=1, help="How many the images have.")] = 10,
    colours: Annotated[
        int | None,
        typer.Option(min=1, help="Of the images. Default: 1 for 28 x 28, 3 for 32 x 32.", show_default=False),
    ] = None,
) -> None:
    """List the networks with their parameters, multiply-adds and depth.

    Multiply-adds of convolutions and linear maps, and apart those of the PDE, are of one image: of 28 x 28 for the
    networks of MNIST, else of 32 x 32. Depth counts convolutions and linear maps on the longest path.
    """
    import torch

    from nnbridge import models, presenting
    from nnbridge.models.cost import cost

    costs = {}
    for name in models.available():
        own, *plane = models.image_shape(name)
        model = models.create(name, in_channels=colours or own, num_classes=classes)
        costs[name] = cost(model, torch.zeros(1, colours or own, *plane))
    console().print(presenting.cost_table(costs))


def evaluate(
    run_dir: Annotated[
        Path, typer.Argument(metavar="RUN_DIR", help="Folder of a run, finished or not.", show_default=False)
    ],
    data_dir: DataDir = None,
) -> None:
    """Test the network of a run, as it was after its last complete epoch."""
    with errors_for_users():
        from nnbridge import data as datasets
        from nnbridge import presenting
        from nnbridge.training import RunFolder, load_model
        from nnbridge.training.evaluation import accuracy, confusion_matrix, predict

        model = load_model(run_dir)
        dataset = datasets.load(RunFolder(run_dir).config().data, data_dir)
        test, classes = dataset.test, dataset.classes
        predicted = predict(model, test, datasets.Normalisation(dataset.mean, dataset.std))
        console().print(f"test accuracy {accuracy(predicted, test.labels, classes):.2f} % of {len(test):,} images")
        matrix = confusion_matrix(predicted, test.labels, classes)
        console().print(presenting.confusion_table(matrix, datasets.class_names(dataset.name)))


def predict_pictures(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="Picture files, PNG, JPEG and others.", show_default=False)
    ],
    checkpoint: Annotated[
        Path,
        typer.Option(metavar="RUN_OR_CKPT", help="Folder of a run, or a .ckpt file of one.", show_default=False),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Say what a trained network takes pictures for: five classes each, the likeliest first.

    The confidence is the softmax of the network's outputs. It is not calibrated, and a picture of none of the classes
    gets confidences too.

    Of a picture the central square is taken, resized to that of the training images, on black where it is transparent.
    The digits and clothes are light on dark: nothing is inverted, so invert a picture of ink on paper before.
    """
    with errors_for_users():
        from nnbridge import presenting
        from nnbridge.training import Classifier

        classifier = Classifier.load(checkpoint)
        guesses = {str(image): classifier.guesses(image) for image in images}
        if as_json:
            found = [{"picture": name, "guesses": [asdict(guess) for guess in of]} for name, of in guesses.items()]
            typer.echo(json.dumps(found, indent=2))
        else:
            console().print(presenting.prediction_table(guesses))

"""What the classes of the data sets are called, as published and in the order of their labels."""

from __future__ import annotations

from typing import Final

_DIGITS: Final = tuple("0123456789")
_CLOTHES: Final = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR10: Final = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# Five a line, so that a label is found by its place.
# fmt: off
_CIFAR100: Final = (
    "apple", "aquarium_fish", "baby", "bear", "beaver",
    "bed", "bee", "beetle", "bicycle", "bottle",
    "bowl", "boy", "bridge", "bus", "butterfly",
    "camel", "can", "castle", "caterpillar", "cattle",
    "chair", "chimpanzee", "clock", "cloud", "cockroach",
    "couch", "crab", "crocodile", "cup", "dinosaur",
    "dolphin", "elephant", "flatfish", "forest", "fox",
    "girl", "hamster", "house", "kangaroo", "keyboard",
    "lamp", "lawn_mower", "leopard", "lion", "lizard",
    "lobster", "man", "maple_tree", "motorcycle", "mountain",
    "mouse", "mushroom", "oak_tree", "orange", "orchid",
    "otter", "palm_tree", "pear", "pickup_truck", "pine_tree",
    "plain", "plate", "poppy", "porcupine", "possum",
    "rabbit", "raccoon", "ray", "road", "rocket",
    "rose", "sea", "seal", "shark", "shrew",
    "skunk", "skyscraper", "snail", "snake", "spider",
    "squirrel", "streetcar", "sunflower", "sweet_pepper", "table",
    "tank", "telephone", "television", "tiger", "tractor",
    "train", "trout", "tulip", "turtle", "wardrobe",
    "whale", "willow_tree", "wolf", "woman", "worm",
)
# fmt: on
_NAMES: Final = {
    "digits": _DIGITS,
    "mnist": _DIGITS,
    "fashion-mnist": _CLOTHES,
    "cifar10": _CIFAR10,
    "cifar100": _CIFAR100,
}


def class_names(data: str) -> tuple[str, ...]:
    """Return the names of the classes, the one of label k at place k.

    Parameters
    ----------
    data
        Name of the data set, one of `nnbridge.data.available`.

    Raises
    ------
    ValueError
        If ``data`` is unknown.

    Examples
    --------
    >>> class_names("cifar10")[3]
    'cat'
    """
    if data not in _NAMES:
        raise ValueError(f"`data` is {data!r}, but the data sets are {', '.join(_NAMES)}")
    return _NAMES[data]

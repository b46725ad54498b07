"""The names of the classes, and the tables of confusions that use them."""

import pytest
from rich.console import Console

from nnbridge import data, presenting
from nnbridge.data import class_names
from nnbridge.training.evaluation import largest_confusions


@pytest.mark.parametrize("name", data.available())
def test_every_class_has_a_name_of_its_own(name):
    names = class_names(name)
    assert len(names) == len(set(names)) == data.KINDS[name].classes


def test_names_are_in_the_order_of_the_labels():
    assert class_names("mnist")[7] == class_names("digits")[7] == "7"
    assert [class_names("fashion-mnist")[k] for k in (0, 5, 9)] == ["T-shirt/top", "Sandal", "Ankle boot"]
    assert [class_names("cifar10")[k] for k in (0, 6, 9)] == ["airplane", "frog", "truck"]
    # CIFAR-100's are in alphabetical order, and numbered so.
    assert [class_names("cifar100")[k] for k in (0, 39, 50, 99)] == ["apple", "keyboard", "mouse", "worm"]
    assert list(class_names("cifar100")) == sorted(class_names("cifar100"))


def test_an_unknown_data_set_has_none():
    with pytest.raises(ValueError, match="`data` is 'cifar', but the data sets are digits, mnist"):
        class_names("cifar")


def test_the_largest_confusions_come_first_and_what_is_right_not_at_all():
    matrix = [[90, 3, 0], [7, 80, 3], [0, 0, 99]]
    assert largest_confusions(matrix, 2) == [(1, 0, 7), (0, 1, 3)]
    assert largest_confusions(matrix, 9) == [(1, 0, 7), (0, 1, 3), (1, 2, 3)]


def rows(table):
    console = Console(width=120)
    with console.capture() as capture:
        console.print(table)
    return [[cell.strip() for cell in line.split("│")[1:-1]] for line in capture.get().splitlines() if "│" in line]


def test_ten_classes_get_a_table_of_all_counts():
    matrix = [[10 * true + predicted for predicted in range(10)] for true in range(10)]
    found = rows(presenting.confusion_table(matrix, class_names("cifar10")))
    assert found[3] == ["3 cat", *(str(30 + n) for n in range(10))]
    assert rows(presenting.confusion_table(matrix, class_names("mnist")))[3][0] == "3"


def test_a_hundred_classes_get_their_largest_errors():
    matrix = [[60 if true == predicted else 0 for predicted in range(100)] for true in range(100)]
    matrix[47][52], matrix[11][35] = 31, 40  # maple_tree and oak_tree, boy and girl
    for true in range(20):
        matrix[true][99] = 1
    found = rows(presenting.confusion_table(matrix, class_names("cifar100")))
    assert found[:2] == [["boy", "girl", "40 of 101"], ["maple_tree", "oak_tree", "31 of 91"]]
    assert len(found) == presenting.MOST_ROWS

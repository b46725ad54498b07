"""Choices of a run from a file and from the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml


def read_choices(path: Path) -> dict[str, Any]:
    """Return the choices in a YAML file, as `TrainingConfig.for_data` takes them.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no mapping from names of choices to values.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`config` is {path}, which is no file: the project comes with configs/*.yaml")
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is no YAML: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds a {type(found).__name__}: it takes lines such as 'backbone: resnet32'")
    return {str(name): _number(value) for name, value in found.items()}


def _number(value: Any) -> Any:
    """Return a text such as 1e-3, which YAML 1.1 takes for no number, as the number that it is; in groups, too."""
    if isinstance(value, dict):
        return {name: _number(inner) for name, inner in value.items()}
    if not isinstance(value, str):
        return value
    try:
        return float(value)
    except ValueError:
        return value


def with_settings(choices: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return choices with settings such as ``schedule=one-cycle`` or ``variant.steps=5`` put over them.

    Raises
    ------
    ValueError
        If a setting is not ``name=value``.
    """
    changed = dict(choices)
    for setting in settings:
        name, equals, text = setting.partition("=")
        if not (name and equals):
            raise ValueError(f"`set` is {setting!r}: it takes name=value, such as variant.steps=5")
        group, _, inner = name.partition(".")
        try:
            value = _number(yaml.safe_load(text))
        except yaml.YAMLError:
            raise ValueError(f"`set` is {setting!r}, whose value is no YAML: write it as in a file") from None
        changed[group] = {**changed.get(group, {}), inner: value} if inner else value
    return changed

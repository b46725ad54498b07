"""Where the files of a data set are: a folder given, a folder that the environment names, the cache, the net."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

ENVIRONMENT: Final = "PDEBRIDGE_DATA"
CACHE: Final = "pdebridge"
Found = TypeVar("Found")


@dataclass(frozen=True)
class Source:
    """The published files of a data set.

    Parameters
    ----------
    title
        What users call the data set.
    folder
        Where torchvision keeps the files below a data root, such as ``MNIST/raw``.
    url
        The address below which the files are found, with a slash at its end.
    md5
        Checksum of each gzipped file by its name.
    """

    title: str
    folder: str
    url: str
    md5: Mapping[str, str]


def find(source: Source, data_dir: str | Path | None = None) -> dict[str, Path]:
    """Locate the files of ``source``, downloading them into the cache as the last resort.

    Searched in turn: ``data_dir``, the folder that the environment variable ``PDEBRIDGE_DATA`` names, the cache of
    the user. Each may be a data root in torchvision's layout or hold the files itself, gzipped or unpacked.

    Returns
    -------
    dict[str, Path]
        Path of each file of ``source.md5``.

    Raises
    ------
    FileNotFoundError
        If ``data_dir`` is given and does not hold the files (a folder asked for is not silently replaced), or if they
        are nowhere and cannot be downloaded; the message says which files to put where.
    """
    return locate(
        source.title,
        source.url,
        data_dir,
        lambda root: _in_root(source, root),
        lambda: _download(source),
        lambda root: _remedy(source, root),
    )


def locate(
    title: str,
    url: str,
    data_dir: str | Path | None,
    in_root: Callable[[Path], Found | None],
    download: Callable[[], Found],
    remedy: Callable[[str | Path], str],
) -> Found:
    """Return what ``in_root`` finds in ``data_dir``, else in the environment's folder or the cache, or ``download``.

    Raises
    ------
    FileNotFoundError
        As `find` does; ``remedy`` says what to put where, below a root.
    """
    if data_dir is not None:
        found = in_root(Path(data_dir))
        if found is None:
            raise FileNotFoundError(f"`data_dir` does not hold {title}. {remedy(data_dir)}")
        return found
    named = os.environ.get(ENVIRONMENT)
    for root in (Path(named), cache()) if named else (cache(),):
        found = in_root(root)
        if found is not None:
            return found
    try:
        return download()
    # `requests` derives every failure of the network from OSError; pooch answers a wrong checksum with ValueError.
    except (OSError, ValueError) as error:
        raise FileNotFoundError(
            f"{title} is not on this machine and could not be downloaded. {remedy(cache())} "
            f"The download from {url} failed with {type(error).__name__}: {error}"
        ) from error


def downloader() -> Any:
    """Return what pooch downloads with: a progress bar, and an end to waiting."""
    import pooch

    return pooch.HTTPDownloader(progressbar=True, timeout=30)


def cache() -> Path:
    """Return the folder, of this user, into which downloads go."""
    import pooch

    return Path(str(pooch.os_cache(CACHE)))


def _in_root(source: Source, root: Path) -> dict[str, Path] | None:
    """Return the files below ``root``, or None unless all of them are in one folder there."""
    for folder in (root / source.folder, root):
        paths = {name: _packed_or_not(folder / name) for name in source.md5}
        found = {name: path for name, path in paths.items() if path is not None}
        if len(found) == len(paths):
            return found
    return None


def _packed_or_not(path: Path) -> Path | None:
    return next((candidate for candidate in (path, path.with_suffix("")) if candidate.is_file()), None)


def _download(source: Source) -> dict[str, Path]:
    import pooch

    folder, by = cache() / source.folder, downloader()
    return {
        name: Path(pooch.retrieve(source.url + name, f"md5:{md5}", fname=name, path=folder, downloader=by))
        for name, md5 in source.md5.items()
    }


def _remedy(source: Source, root: str | Path) -> str:
    return (
        f"Put {', '.join(source.md5)} (gzipped or unpacked) into {Path(root) / source.folder}, or name a folder "
        f"that holds {source.folder}/ with --data-dir or the environment variable {ENVIRONMENT}. "
        "The data set 'digits' needs no files."
    )

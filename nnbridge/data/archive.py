"""Where the files of a data set are that is published as one archive: given, in the cache, on the net."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from nnbridge.data.files import ENVIRONMENT, cache, downloader, locate


@dataclass(frozen=True)
class Archive:
    """A published archive.

    Parameters
    ----------
    title
        What users call the data set.
    url
        Where the archive is.
    md5
        Its published checksum.
    folder
        The folder that it unpacks into.
    sha256
        Of each file in that folder, or None where it is not known.
    """

    title: str
    url: str
    md5: str
    folder: str
    sha256: Mapping[str, str | None]


def find_unpacked(archive: Archive, data_dir: str | Path | None = None) -> Path:
    """Return the folder that holds the files of ``archive``, downloading and unpacking it as the last resort.

    Searched in turn: ``data_dir``, the folder that the environment variable ``PDEBRIDGE_DATA`` names, the cache of the
    user. Each may hold the files, or their folder.

    Raises
    ------
    FileNotFoundError
        If ``data_dir`` is given and does not hold the files (a folder asked for is not silently replaced), or if they
        are nowhere and cannot be downloaded; the message says which files to put where.
    """
    return locate(
        archive.title,
        archive.url,
        data_dir,
        lambda root: _in_root(archive, root),
        lambda: _download(archive),
        lambda root: _remedy(archive, root),
    )


def _in_root(archive: Archive, root: Path) -> Path | None:
    for folder in (root / archive.folder, root):
        if all((folder / name).is_file() for name in archive.sha256):
            return folder
    return None


def _download(archive: Archive) -> Path:
    import pooch

    pooch.retrieve(
        archive.url,
        f"md5:{archive.md5}",
        fname=archive.url.rpartition("/")[2],
        path=cache(),
        processor=pooch.Untar(members=[f"{archive.folder}/{name}" for name in archive.sha256], extract_dir="."),
        downloader=downloader(),
    )
    return cache() / archive.folder


def _remedy(archive: Archive, root: str | Path) -> str:
    return (
        f"Unpack {archive.url} there, so that {Path(root) / archive.folder} holds {', '.join(archive.sha256)}, or name "
        f"a folder that holds {archive.folder}/ with --data-dir or the environment variable {ENVIRONMENT}."
    )

"""Regions: what one block of threads makes, a whole plane or a part of one with a halo around it.

After each step one more ring of cells around an open side of a region is wrong, because the neighbours beyond it are
not known. With a halo as wide as the steps of a launch the core of a region is right: it costs the halo's cells, made
again by the blocks beside, and saves a passage through memory for every step but one.
"""

from __future__ import annotations

from typing import NamedTuple

from solver.compiling import point_function
from solver.cpu.layout import PERIODIC
from solver.cpu.uniform import neighbours_along
from solver.cuda.cells import Place, is_walled
from solver.cuda.memory import word


class Block(NamedTuple):
    """Threads of a block: `apart` rows of `width`; each makes cells of one column, `apart` rows apart.

    Kernels are compiled for a block, so that all that a thread reads in shared memory lies at distances known then.
    """

    width: int
    apart: int
    each: int

    @property
    def threads(self) -> int:
        """How many there are."""
        return self.width * self.apart

    @property
    def rows(self) -> int:
        """Rows of the largest region."""
        return self.apart * self.each

    @property
    def pitch(self) -> int:
        """Numbers from a row to the next, in shared memory: one more on each side for what lies beyond the region."""
        return self.width + 2

    @property
    def plane(self) -> int:
        """Numbers of a plane of shared memory."""
        return (self.rows + 2) * self.pitch

    @property
    def cells(self) -> int:
        """Cells of the largest region."""
        return self.width * self.rows


class Cut(NamedTuple):
    """How planes are cut into regions."""

    rows: int
    "of a plane"
    columns: int
    height: int
    "rows of the core of a region; the last of a plane may have fewer"
    width: int
    strips: int
    "cores along a column of the plane"
    tiles: int
    "cores along a row"
    halo: int

    @property
    def regions(self) -> int:
        """Regions of a plane."""
        return self.strips * self.tiles


def cut_planes(rows: int, columns: int, halo: int, block: Block) -> Cut | None:
    """Return the cut for a block; None if a halo would be wider than what is left, or than the plane."""
    strips, tiles = _parts(rows, block.rows, halo), _parts(columns, block.width, halo)
    if not strips or not tiles:
        return None
    height, width = -(-rows // strips), -(-columns // tiles)
    return Cut(rows, columns, height, width, -(-rows // height), -(-columns // width), halo)


def _parts(size: int, most: int, halo: int) -> int:
    """Return how many parts an axis needs."""
    if size <= most:
        return 1
    return -(-size // (most - 2 * halo)) if most > 2 * halo else 0


class Axis(NamedTuple):
    """A region along one axis of its plane."""

    first: int
    "where it begins in the plane: before 0 where it reaches across a periodic side"
    length: int
    begin: int
    "first cell of its core"
    end: int
    "and the one after the last"
    wraps: bool
    "whether its last cell and its first are neighbours"


class Region(NamedTuple):
    """What a block makes."""

    plane: int
    rows: Axis
    columns: Axis


@point_function
def axis_of(part, parts, core, size, halo, before, after):
    """Return part `part` of an axis."""
    if parts == 1:
        return Axis(word(0), word(size), word(0), word(size), before == PERIODIC)
    start = part * core
    stop = min(start + core, size)
    first, last = start - halo, stop + halo
    if before != PERIODIC:
        first = max(first, 0)
    if after != PERIODIC:
        last = min(last, size)
    return Axis(word(first), word(last - first), word(start - first), word(stop - first), False)


@point_function
def region_of(block, cut, sides):
    """Return the region of a block, counted over planes, strips and tiles."""
    plane = block // (cut.strips * cut.tiles)
    rest = block - plane * cut.strips * cut.tiles
    strip = rest // cut.tiles
    tile = rest - strip * cut.tiles
    rows = axis_of(strip, cut.strips, cut.height, cut.rows, cut.halo, sides[0], sides[1])
    columns = axis_of(tile, cut.tiles, cut.width, cut.columns, cut.halo, sides[2], sides[3])
    return Region(plane, rows, columns)


@point_function
def in_core(i, j, region):
    """Whether a cell of the region is one of its core."""
    rows, columns = region.rows, region.columns
    return rows.begin <= i and i < rows.end and columns.begin <= j and j < columns.end


@point_function
def in_plane(i, axis, size):
    """Return where cell i of a region is along an axis of the plane."""
    at = axis.first + i
    if at < 0:
        at += size
    return word(at - size if at >= size else at)


@point_function
def place_of(i, j, region, cut, sides, r):
    """Return the place of a cell of the region in its plane."""
    row, column, n = in_plane(i, region.rows, cut.rows), in_plane(j, region.columns, cut.columns), cut.columns
    north, south, of_north, of_south = neighbours_along(row, cut.rows, sides, r)
    west, east, of_west, of_east = neighbours_along(column, n, (sides[2], sides[3]), r)
    start, walled = row * n, is_walled(row, column, cut.rows, n, sides)
    return Place(
        word(start + column),
        word(north * n + column),
        word(south * n + column),
        word(start + west),
        word(start + east),
        of_north,
        of_south,
        of_west,
        of_east,
        walled,
    )


@point_function
def cell_of(i, j, region, cut):
    """Return the index of a cell of the region in its plane."""
    return word(in_plane(i, region.rows, cut.rows) * cut.columns + in_plane(j, region.columns, cut.columns))

"""Moving runs of cells: between two flat arrays, and towards the cache.

A loop over 32 cells costs an alias check and a remainder each time: measured, 280 ns a plane of 32 x 32 float32
where memcpy takes 65 ns. Numba's own slice assignment also compiles the text of its error message, for seconds.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from solver.compiling import in_kernels
from solver.cpu.pointers import data_of, is_flat, size_of

LINE = 64  # bytes in a cache line
PIECE = 32  # bytes that `copy_rows` moves at a time


def copy_run(target, at, source, start, count):
    """target[at : at + count] = source[start : start + count], for runs that do not overlap."""
    target[at : at + count] = source[start : start + count]


@intrinsic
def _memcpy(typing_context, target, at, source, start, count):
    signature = types.void(target, types.intp, source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        element = signature.args[0].dtype
        to, at, source, start, count = arguments
        to = data_of(context, builder, signature.args[0], to)
        source = data_of(context, builder, signature.args[2], source)
        size = context.get_abi_sizeof(context.get_data_type(element))
        cgutils.raw_memcpy(builder, builder.gep(to, [at]), builder.gep(source, [start]), count, size)
        return context.get_dummy_value()

    return signature, generate


@in_kernels(copy_run)
def _compiled_copy_run(target, at, source, start, count):
    if not (is_flat(target) and is_flat(source)) or target.dtype != source.dtype:
        return None

    def implementation(target, at, source, start, count):
        _memcpy(target, at, source, start, count)  # type: ignore[call-arg]

    return implementation


def copy_rows(target, at, pitch, source, start, stride, rows, columns):
    """Copy so many rows, `pitch` numbers apart in one memory and `stride` in the other, that do not overlap.

    Through a register, in pieces: 32 float32 are four, and take less time than a call of memcpy.
    """
    for i in range(rows):
        copy_run(target, at + i * pitch, source, start + i * stride, columns)


@intrinsic
def _move_piece(typing_context, target, at, source, start):
    signature = types.void(target, types.intp, source, types.intp)

    def generate(context, builder, signature, arguments):
        number = context.get_data_type(signature.args[0].dtype)
        size = context.get_abi_sizeof(number)
        piece = ir.VectorType(number, PIECE // size).as_pointer()
        to, at, source, start = arguments
        to = builder.gep(data_of(context, builder, signature.args[0], to), [at])
        source = builder.gep(data_of(context, builder, signature.args[2], source), [start])
        moved = builder.load(builder.bitcast(source, piece), align=size)
        builder.store(moved, builder.bitcast(to, piece), align=size)
        return context.get_dummy_value()

    return signature, generate


@in_kernels(copy_rows)
def _compiled_copy_rows(target, at, pitch, source, start, stride, rows, columns):
    if not (is_flat(target) and is_flat(source)) or target.dtype != source.dtype:
        return None

    def implementation(target, at, pitch, source, start, stride, rows, columns):
        piece = PIECE // size_of(target)
        last = columns - piece
        for i in range(rows):
            to, here = at + i * pitch, start + i * stride
            if last < 0:
                _memcpy(target, to, source, here, columns)  # type: ignore[call-arg]
            else:
                for q in range(0, last, piece):
                    _move_piece(target, to + q, source, here + q)  # type: ignore[call-arg]
                _move_piece(target, to + last, source, here + last)  # type: ignore[call-arg]

    return implementation


def prefetch(source, start, count):
    """Ask for source[start : start + count] to be brought into the second-level cache; changes nothing.

    A plane of 32 x 32 float32 is one page, and the processor's own prefetcher starts anew at each page: with the next
    plane asked for while this one is computed, a cold plane costs about half.
    """


@intrinsic
def _prefetch(typing_context, source, start, count):
    signature = types.void(source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        source, start, count = arguments
        data = data_of(context, builder, signature.args[0], source)
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        byte, flag = ir.IntType(8), ir.IntType(32)
        pointer = builder.bitcast(builder.gep(data, [start]), byte.as_pointer())
        function = builder.module.declare_intrinsic(
            "llvm.prefetch",
            (byte.as_pointer(),),
            ir.FunctionType(ir.VoidType(), [byte.as_pointer(), flag, flag, flag]),
        )
        length = builder.mul(count, ir.Constant(count.type, size))
        step = ir.Constant(count.type, 64)
        with cgutils.for_range_slice(builder, ir.Constant(count.type, 0), length, step, count.type) as (
            offset,
            _,
        ):
            arguments = [builder.gep(pointer, [offset]), flag(0), flag(2), flag(1)]
            builder.call(function, arguments)
        return context.get_dummy_value()

    return signature, generate


@in_kernels(prefetch)
def _compiled_prefetch(source, start, count):
    def implementation(source, start, count):
        _prefetch(source, start, count)  # type: ignore[call-arg]

    return implementation


def prefetch_address(address, count):
    """Ask for `count` bytes from `address` on, of any array; nothing is read, so that it may lie beyond the end."""


@intrinsic
def _prefetch_address(typing_context, address, count):
    signature = types.void(types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        address, count = arguments
        byte, flag = ir.IntType(8), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte.as_pointer(), flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", (byte.as_pointer(),), kind)
        with cgutils.for_range_slice(builder, count.type(0), count, count.type(LINE), count.type) as (offset, _):
            pointer = builder.inttoptr(builder.add(address, offset), byte.as_pointer())
            builder.call(function, [pointer, flag(0), flag(2), flag(1)])
        return context.get_dummy_value()

    return signature, generate


@in_kernels(prefetch_address)
def _compiled_prefetch_address(address, count):
    def implementation(address, count):
        _prefetch_address(address, count)  # type: ignore[call-arg]

    return implementation

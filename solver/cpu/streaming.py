"""Results that no cache keeps: written past the caches, whole lines at a time."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from solver.compiling import in_kernels
from solver.cpu.copying import LINE
from solver.cpu.pointers import data_of


def stream_run(target, at, source, start, count):
    """Do what `copy_run` does, past the caches: whole cache lines are written without being read first.

    For results that exceed the cache: an ordinary store fetches the line that it overwrites. Call `fence` when all is
    written, before another thread reads it.
    """
    target[at : at + count] = source[start : start + count]


@intrinsic
def _stream(typing_context, target, at, source, start, count):
    signature = types.void(target, types.intp, source, types.intp, types.intp)

    def generate(context, builder, signature, arguments):
        element = signature.args[0].dtype
        to, at, source, start, count = arguments
        value, size = context.get_data_type(element), context.get_abi_sizeof(context.get_data_type(element))
        length, word = LINE // size, at.type
        to = builder.gep(data_of(context, builder, signature.args[0], to), [at])
        source = builder.gep(data_of(context, builder, signature.args[2], source), [start])
        # The head reaches up to a cache line of the target, the tail begins at its last one.
        beyond = builder.neg(builder.udiv(builder.ptrtoint(to, word), word(size)))
        head = builder.urem(beyond, word(length))
        head = builder.select(builder.icmp_signed("<", head, count), head, count)
        lines = builder.udiv(builder.sub(count, head), word(length))
        body = builder.mul(lines, word(length))
        # A call of memcpy for nothing costs as much as two lines.
        with builder.if_then(builder.icmp_signed(">", head, word(0))):
            cgutils.raw_memcpy(builder, to, source, head, size)
        line = ir.VectorType(value, length)
        temporary = builder.module.add_metadata([ir.IntType(32)(1)])
        with cgutils.for_range_slice(builder, head, builder.add(head, body), word(length), word) as (q, _):
            run = builder.load(builder.bitcast(builder.gep(source, [q]), line.as_pointer()), align=size)
            stored = builder.store(run, builder.bitcast(builder.gep(to, [q]), line.as_pointer()), align=LINE)
            stored.set_metadata("nontemporal", temporary)
        done = builder.add(head, body)
        rest = builder.sub(count, done)
        with builder.if_then(builder.icmp_signed(">", rest, word(0))):
            cgutils.raw_memcpy(builder, builder.gep(to, [done]), builder.gep(source, [done]), rest, size)
        return context.get_dummy_value()

    return signature, generate


@in_kernels(stream_run)
def _compiled_stream_run(target, at, source, start, count):
    def implementation(target, at, source, start, count):
        _stream(target, at, source, start, count)  # type: ignore[call-arg]

    return implementation


def fence():
    """Let what `stream_run` wrote be seen before anything that is written later."""


@intrinsic
def _fence(typing_context):
    def generate(context, builder, signature, arguments):
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), generate


@in_kernels(fence)
def _compiled_fence():
    def implementation():
        _fence()  # type: ignore[call-arg]

    return implementation

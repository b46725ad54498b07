"""Sharing the planes or strips of a call among threads, from inside a compiled kernel.

The other threads enter their part without Python: one that had to be given the interpreter's lock first began up to
five milliseconds late, after the other had finished. A kernel leaves its arguments in a record on its stack, and each
thread of the team reads them there.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from solver.compiling import kernel
from solver.cpu.openmp import NOBODY, Runtime


class Span(NamedTuple):
    """What a call does, and who helps."""

    first: int
    last: int
    "parts first..last-1 of its work"
    threads: int = 1
    "1: the caller alone"
    runtime: Runtime = NOBODY


@kernel(inline=True)
def share_out(work, arguments, span):
    """Call work(*arguments, first, last) for ranges that make up the span, one on each thread, and wait for all."""
    if span.threads == 1:
        work(*arguments, span.first, span.last)
    elif _fork(work, arguments, span):  # type: ignore[call-arg]
        raise MemoryError("a thread could not allocate its scratch: use fewer threads, or smaller planes")


@intrinsic
def _fork(typing_context, work, arguments, span):
    """Enter the runtime's parallel region; return whether a thread's part has failed."""
    inner = work.get_call_type(typing_context, (*arguments.types, types.intp, types.intp), {})

    def generate(context, builder, signature, values):
        _, packed, span = values
        first, last, threads, runtime = cgutils.unpack_tuple(builder, span)
        parallel, number, size = cgutils.unpack_tuple(builder, runtime)
        word, byte = first.type, ir.IntType(8)
        record = ir.LiteralStructType([packed.type, word, word, word, word, word])
        job = cgutils.alloca_once(builder, record)
        for slot, value in enumerate((packed, first, last, number, size, word(0))):
            builder.store(value, _field(builder, job, slot))

        region = ir.FunctionType(ir.VoidType(), [byte.as_pointer()])
        body = ir.Function(builder.module, region, name=builder.module.get_unique_name(f"{builder.function.name}.part"))
        body.linkage = "internal"
        _write_part(context, body, record, work, inner)

        count = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [region.as_pointer(), byte.as_pointer(), count, count])
        enter = builder.inttoptr(parallel, kind.as_pointer())
        builder.call(enter, [body, builder.bitcast(job, byte.as_pointer()), builder.trunc(threads, count), count(0)])
        return builder.icmp_signed("!=", builder.load(_field(builder, job, 5)), word(0))

    return types.boolean(work, arguments, span), generate


def _write_part(context: Any, body: ir.Function, record: ir.Type, work: Any, inner: Any) -> None:
    """Write the function that each thread of a team enters: it takes its share of the span from its number."""
    builder = ir.IRBuilder(body.append_basic_block())
    job = builder.bitcast(body.args[0], record.as_pointer())
    packed, first, last, number, size = (builder.load(_field(builder, job, slot)) for slot in range(5))
    ask = ir.FunctionType(ir.IntType(32), []).as_pointer()
    # The runtime may give fewer threads than were asked for.
    thread = builder.sext(builder.call(builder.inttoptr(number, ask), []), first.type)
    threads = builder.sext(builder.call(builder.inttoptr(size, ask), []), first.type)
    count = builder.sub(last, first)
    begin = builder.add(first, builder.sdiv(builder.mul(count, thread), threads))
    following = builder.add(thread, first.type(1))
    end = builder.add(first, builder.sdiv(builder.mul(count, following), threads))
    arguments = [*cgutils.unpack_tuple(builder, packed), begin, end]
    overload = work.dispatcher.overloads[inner.args]
    context.active_code_library.add_linking_library(overload.library)
    status, _ = context.call_internal_no_propagate(builder, overload.fndesc, inner, arguments)
    with builder.if_then(status.is_error, likely=False):
        builder.store(first.type(1), _field(builder, job, 5))
    builder.ret_void()


def _field(builder: ir.IRBuilder, record: Any, slot: int) -> Any:
    return cgutils.gep_inbounds(builder, record, 0, slot)

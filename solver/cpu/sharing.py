"""Sharing the planes or strips of a call among threads, from inside a compiled kernel.

The other threads enter their part without Python: one that had to be given the interpreter's lock first began up to
five milliseconds late, after the other had finished. A kernel leaves its arguments in a record on its stack, and each
thread of the team reads them there.

The work is taken piece by piece from a counter, so that a thread that comes late finds less to do: after a rest a
system may let it begin on the processor of the one that woke it, milliseconds later. And who has finished gives way
until all have, and soon sleeps, where the runtime's own barrier would spin on the processor that the last one needs.
Which thread makes a piece changes no bit of it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from solver.compiling import kernel
from solver.cpu.openmp import NOBODY, Runtime

NEXT, FINISHED, FAILED = 6, 7, 8  # slots of the record that threads write
PATIENCE = 400  # times that a thread gives way, some 100 microseconds, before it sleeps
NAP = 20  # microseconds


class Span(NamedTuple):
    """What a call does, and who helps."""

    first: int
    last: int
    "parts first..last-1 of its work"
    threads: int = 1
    "1: the caller alone"
    piece: int = 1
    "so many parts are taken at a time"
    runtime: Runtime = NOBODY


@kernel(inline=True)
def share_out(work, arguments, span):
    """Call work(*arguments, first, last) for ranges that make up the span, on all threads, and wait for all."""
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
        first, last, threads, piece, runtime = cgutils.unpack_tuple(builder, span)
        parallel, size, give_way, sleep = cgutils.unpack_tuple(builder, runtime)
        word, byte = first.type, ir.IntType(8)
        record = ir.LiteralStructType([packed.type] + [word] * 8)
        job = cgutils.alloca_once(builder, record)
        for slot, value in enumerate((packed, last, piece, size, give_way, sleep, first, word(0), word(0))):
            builder.store(value, _field(builder, job, slot))

        region = ir.FunctionType(ir.VoidType(), [byte.as_pointer()])
        body = ir.Function(builder.module, region, name=builder.module.get_unique_name(f"{builder.function.name}.part"))
        body.linkage = "internal"
        _write_part(context, body, record, work, inner)

        count = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [region.as_pointer(), byte.as_pointer(), count, count])
        enter = builder.inttoptr(parallel, kind.as_pointer())
        builder.call(enter, [body, builder.bitcast(job, byte.as_pointer()), builder.trunc(threads, count), count(0)])
        return builder.icmp_signed("!=", builder.load(_field(builder, job, FAILED)), word(0))

    return types.boolean(work, arguments, span), generate


def _write_part(context: Any, body: ir.Function, record: ir.Type, work: Any, inner: Any) -> None:
    """Write the function that each thread of a team enters: it takes pieces until none are left, then waits for all."""
    builder = ir.IRBuilder(body.append_basic_block())
    job = builder.bitcast(body.args[0], record.as_pointer())
    packed, last, piece, size, give_way, sleep = (builder.load(_field(builder, job, slot)) for slot in range(6))
    begins, taken, done, waits, ended = (body.append_basic_block() for _ in range(5))
    builder.branch(begins)

    builder.position_at_end(begins)
    first = builder.atomic_rmw("add", _field(builder, job, NEXT), piece, "monotonic")
    builder.cbranch(builder.icmp_signed("<", first, last), taken, done)

    builder.position_at_end(taken)
    beyond = builder.add(first, piece)
    end = builder.select(builder.icmp_signed("<", beyond, last), beyond, last)
    arguments = [*cgutils.unpack_tuple(builder, packed), first, end]
    overload = work.dispatcher.overloads[inner.args]
    context.active_code_library.add_linking_library(overload.library)
    status, _ = context.call_internal_no_propagate(builder, overload.fndesc, inner, arguments)
    with builder.if_then(status.is_error, likely=False):
        builder.store(last.type(1), _field(builder, job, FAILED))
    builder.branch(begins)

    builder.position_at_end(done)
    builder.atomic_rmw("add", _field(builder, job, FINISHED), last.type(1), "acq_rel")
    ask = ir.FunctionType(ir.IntType(32), []).as_pointer()
    # The runtime may give fewer threads than were asked for.
    threads = builder.sext(builder.call(builder.inttoptr(size, ask), []), last.type)
    waiting, yielding, sleeping = (body.append_basic_block() for _ in range(3))
    builder.branch(waits)

    builder.position_at_end(waits)
    times = builder.phi(last.type)
    times.add_incoming(last.type(0), done)
    finished = builder.load_atomic(_field(builder, job, FINISHED), "acquire", 8)
    builder.cbranch(builder.icmp_signed("<", finished, threads), waiting, ended)

    builder.position_at_end(waiting)
    more = builder.add(times, last.type(1))
    builder.cbranch(builder.icmp_signed("<", times, last.type(PATIENCE)), yielding, sleeping)
    for block in (yielding, sleeping):
        times.add_incoming(more, block)

    builder.position_at_end(yielding)
    builder.call(builder.inttoptr(give_way, ask), [])
    builder.branch(waits)

    builder.position_at_end(sleeping)
    nap = ir.FunctionType(ir.IntType(32), [ir.IntType(32)]).as_pointer()
    builder.call(builder.inttoptr(sleep, nap), [ir.IntType(32)(NAP)])
    builder.branch(waits)

    builder.position_at_end(ended)
    builder.ret_void()


def _field(builder: ir.IRBuilder, record: Any, slot: int) -> Any:
    return cgutils.gep_inbounds(builder, record, 0, slot)

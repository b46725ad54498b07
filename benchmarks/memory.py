"""What training keeps between forward and backward, and the peak: `python -m benchmarks.memory cpu 5`."""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from benchmarks.layer_cases import BATCH, layer
from benchmarks.subprocesses import fresh

STATUS = Path("/proc/self/status")
STEPS = (1, 5, 50)
BACKENDS = {"cpu": "pdebridge", "torch": "torch"}


def table(steps: tuple[int, ...] = STEPS) -> list[dict[str, str]]:
    """Measure each number of steps with the kernel and with plain torch, each in a process of its own."""
    records = []
    for K in steps:
        for backend, name in BACKENDS.items():
            found = fresh("benchmarks.memory", backend, str(K))
            records.append(
                {
                    "K": str(K),
                    "contender": name,
                    "inputs MB": f"{found['inputs'] / 1e6:.1f}",
                    "kept MB": f"{found['kept'] / 1e6:.1f}",
                    "kept beyond inputs MB": f"{found['kept beyond inputs'] / 1e6:.1f}",
                    "peak above inputs MB": f"{found['peak'] / 1e6:.0f}",
                }
            )
    return records


def measure(backend: str, steps: int, shape: tuple[int, ...] = BATCH) -> dict[str, int]:
    """Return bytes: of the distinct inputs, saved for backward, and the growth of the peak of resident memory."""
    import torch

    from benchmarks.peers import torch_eager, torch_layer

    evolve = torch_layer.ours if backend == "cpu" else torch_eager.evolve
    torch_layer.backward(layer((1, 1, 8, 8), 1), evolve).run()  # what is compiled or allocated once is no state
    problem = layer(shape, steps)
    inputs = torch_layer.tensors(problem, backward=True)
    owned = {t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in inputs}
    kept: dict[int, int] = {}
    cotangent = torch.from_numpy(problem.cotangent())
    before = _peak()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = evolve(*inputs, steps=steps)
    torch.autograd.grad(result, [t for t in set(inputs) if t.requires_grad], cotangent)
    beyond = sum(size for pointer, size in kept.items() if pointer not in owned)
    return {
        "inputs": sum(owned.values()),
        "kept": sum(kept.values()),
        "kept beyond inputs": beyond,
        "peak": _peak() - before,
    }


def _peak() -> int:
    """Return the largest resident memory of this process so far, in bytes.

    On Linux from VmHWM: what getrusage tells begins with that of the process which started this one.
    """
    if STATUS.exists():
        (line,) = (line for line in STATUS.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))

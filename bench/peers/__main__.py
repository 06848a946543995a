"""python -m bench.peers PEER WORKLOAD [DATA_DIR] prints `ready`, then runs the number of steps in each input line."""

from __future__ import annotations

import importlib
import os
import sys
import time
from importlib.metadata import version

from threadpoolctl import threadpool_info

from bench.peers import PEERS
from bench.workloads import WORKLOADS, examples


def main() -> None:
    peer, workload = PEERS[sys.argv[1]], WORKLOADS[sys.argv[2]]
    if hasattr(os, "sched_setaffinity"):  # also limits libraries with their own thread pools to one core
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    answers, sys.stdout = sys.stdout, sys.stderr  # keeps a library's output out of the answers
    try:
        module = importlib.import_module(f"bench.peers.{peer.module}")
        run = module.make(workload, *examples(workload, sys.argv[3] if len(sys.argv) > 3 else ""), peer.variant)
        run(3)
    except ImportError as problem:
        print(f"missing {problem}", file=answers, flush=True)
        return
    except Exception as problem:
        print(f"failed {type(problem).__name__}: {' '.join(str(problem).split())[:200]}", file=answers, flush=True)
        return
    blas = [each.get("architecture", "?") for each in threadpool_info() if each["user_api"] == "blas"]
    kernel = f", BLAS kernel {blas[0]}" if blas and peer.package == "numpy" else ""
    print(f"ready {peer.package} {version(peer.package)}{kernel}", file=answers, flush=True)
    for line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        steps = run(int(line))
        print("ran", steps, time.perf_counter() - wall, time.process_time() - cpu, file=answers, flush=True)


if __name__ == "__main__":
    main()

"""``python -m benchmarks NAME [--quick] [--json]``: ours beside the peers', in one run."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.report import as_json, as_table

NAMES = (
    *("relay", "idle", "connect", "heal", "bus", "nodes", "members", "joins", "fanout", "returns", "soak"),
    *("feed", "peerjs", "y_webrtc", "capacity"),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", choices=[*NAMES, "all"])
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="one JSON object for each benchmark")
    parser.add_argument("--only", default="", help="some of ours,peer,ws, or parts of heal, bus: for tuning")
    arguments = parser.parse_args()
    only = frozenset(filter(None, arguments.only.split(",")))
    for name in NAMES if arguments.name == "all" else (arguments.name,):
        # Not all at once: each benchmark runs in a process that has nothing of the others in it.
        module = importlib.import_module(f"benchmarks.{name}")
        report = module.run(arguments.quick, only)
        as_text = getattr(module, "as_text", as_table)
        print(as_json(report) if arguments.json else as_text(report), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

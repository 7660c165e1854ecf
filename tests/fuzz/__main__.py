"""``make fuzz``: every decoder that reads bytes from outside, fed for a bounded time; a row each.

``python -m tests.fuzz [--seconds S] [--seed N] [--frames N] [--engine random] [NAME …]``: those whose names
begin so. Ends with 1 when something was found; what was is in ``findings``, and stays there as a test.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from pathlib import Path

from tests.fuzz import corpus, sockets
from tests.fuzz.running import Row, run, target_names
from tests.fuzz.targets import MODULES

SEED = 20_261_123
SECONDS = 6.0
"""For each target; those that have to reach a number of inputs take longer."""
FRAMES = 20_000


def main(arguments: list[str], modules: tuple[str, ...] = MODULES, folder: Path = corpus.CORPUS) -> int:
    options = _parser().parse_args(arguments)
    engine = options.engine or ("atheris" if importlib.util.find_spec("atheris") else "random")
    if engine == "random":
        print("Inputs are changed at random, and nothing guides them: atheris is not there.")
    findings = corpus.FINDINGS if folder == corpus.CORPUS else folder / "findings"
    print(f"seed {options.seed}, engine {engine}, {options.seconds:g} s for each target at least\n")
    print("| Target | Engine | Seed | Inputs | Seconds | Corpus | Findings |\n|---|---|---|---|---|---|---|")
    rows: list[Row] = []
    for module in modules:
        for name in target_names(module):
            if _is_wanted(name, options.names):
                seconds = options.seconds
                rows.append(run(module, name, options.seed, seconds, engine, folder, findings))
                print(rows[-1].line(), flush=True)
    if modules is MODULES and _is_wanted(sockets.NAME, options.names):
        rows.append(sockets.run(options.seed, options.frames))
        print(rows[-1].line(), flush=True)
    found = [(row.target, trace) for row in rows for trace in row.findings]
    print(f"\n{sum(row.inputs for row in rows):,} inputs, {len(found)} findings")
    for target, trace in found:
        print(f"\n{target}:\n{trace}")
    return 1 if found else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="make fuzz", description="Feed every decoder that reads from outside."
    )
    parser.add_argument("names", nargs="*", help="targets whose names begin so; all without")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="for each target (default: %(default)g)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="of all chance (default: %(default)d)")
    parser.add_argument("--frames", type=int, default=FRAMES, help="over sockets (default: %(default)d)")
    parser.add_argument("--engine", choices=["atheris", "random"], help="atheris where it is there")
    return parser


def _is_wanted(name: str, wanted: list[str]) -> bool:
    return not wanted or name.startswith(tuple(wanted))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""`make bench`: all that is called fast, as ratios against a limit or a peer, in one run.

`python -m tests.bench NAME ...` runs some of them.
"""

from __future__ import annotations

import importlib
import sys

BENCHES = ("cascade", "embedded", "neighbours", "pool", "publish", "streaming")


def main(names: list[str]) -> None:
    """Run the benchmarks with these names, or all."""
    unknown = sorted(set(names) - set(BENCHES))
    if unknown:
        sys.exit(f"no benchmark {unknown[0]}; there are {', '.join(BENCHES)}")
    for name in names or BENCHES:
        print(f"== {name}")
        importlib.import_module(f"tests.bench.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])

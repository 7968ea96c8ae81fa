"""A Hub by hand, until Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import threading
from pathlib import Path

from tests.servers.hub.accounts import Account
from tests.servers.hub.server import Hub, running
from tests.servers.hub.xet.storage import GENERATIONS


def main() -> None:
    """Read the options, say what to export, serve."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.hub", description=__doc__)
    parser.add_argument("--model", help="serve --folder as this model: ORG/NAME")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--token", help="opens the model; with --writable it is the user's")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--writable", type=Path, metavar="STATE", help="repositories lie there")
    parser.add_argument("--user", default="me", help="who has the token")
    parser.add_argument(
        "--xet",
        type=int,
        choices=GENERATIONS,
        nargs="?",
        const=GENERATIONS[-1],
        help="large files in chunks, with the routes of this generation; the last one unless told",
    )
    parser.add_argument("--org", action="append", default=[], help="one that the user writes to")
    given = parser.parse_args()
    if (given.model is None) != (given.folder is None):
        parser.error("--model and --folder belong together")
    if given.writable and not given.token:
        parser.error("--writable needs a --token: nobody may write without one")
    if given.xet and not given.writable:
        parser.error("--xet needs --writable: the chunks lie there")
    orgs = dict.fromkeys(given.org, "write")
    accounts = [Account(given.token, given.user, orgs=orgs)] if given.writable else []
    hub = Hub(
        given.model,
        given.folder,
        given.token,
        given.port,
        state=given.writable,
        accounts=accounts,
        xet=given.xet,
    )
    with running(hub), contextlib.suppress(KeyboardInterrupt):
        print(f"export HF_ENDPOINT={hub.url}", flush=True)  # noqa: T201
        if given.writable:
            print(f"export HF_HUB_DISABLE_XET={0 if given.xet else 1}", flush=True)  # noqa: T201
        threading.Event().wait()


if __name__ == "__main__":
    main()

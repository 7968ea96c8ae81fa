"""Starting a Hub and stopping it."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from tests.servers.hub.accounts import Account, Accounts
from tests.servers.hub.exchange import Answer, At, Request
from tests.servers.hub.faults import Faults
from tests.servers.hub.limits import Limits
from tests.servers.hub.listener import Listener
from tests.servers.hub.log import Asked, Log
from tests.servers.hub.refusals import Refusal
from tests.servers.hub.routes import BUCKET, CAS, HUB, OPENED_OTHERWISE, Route
from tests.servers.hub.shelves import Shelves
from tests.servers.hub.xet.storage import Storage


class Hub:
    """Serves `folder` as the model `model`, the folders of `datasets` by their names, and `state`.

    The folders can be read; with `token` their files go to those alone who send it. What accounts
    create and write lies under `state`. These may be set at any time: `token`; `limits`;
    `page_size`, entries of a listing at once; `chunk_size`, bytes above which a file is uploaded
    in parts, None for never. With `xet`, which is 1 or 2 for the generation of its routes, large
    files come and go in chunks, and `self.xet` holds them.
    """

    def __init__(
        self,
        model: str | None = None,
        folder: Path | None = None,
        token: str | None = None,
        port: int = 0,
        datasets: Mapping[str, Path] | None = None,
        *,
        state: Path | None = None,
        accounts: Iterable[Account] = (),
        xet: int | None = None,
    ) -> None:
        mounts = {("datasets", name): path for name, path in (datasets or {}).items()}
        if model is not None and folder is not None:
            mounts["models", model] = folder
        self.shelves, self.accounts = Shelves(state, mounts), Accounts(accounts)
        self.faults, self.log, self.stopping = Faults(), Log(), threading.Event()
        self.limits: Limits | None = None
        self.page_size = 1000
        self.chunk_size: int | None = None
        self._secret = secrets.token_bytes(16)
        self._front = Listener(self, HUB, port)
        self.bucket, self.cas = Listener(self, BUCKET, 0), Listener(self, CAS, 0)
        self.xet = Storage(state / "xet", xet) if xet and state else None
        self.token = token

    @property
    def token(self) -> str | None:
        """The token that opens the folders."""
        return self.shelves.gate

    @token.setter
    def token(self, token: str | None) -> None:
        self.shelves.gate = token

    @property
    def url(self) -> str:
        """For HF_ENDPOINT."""
        return self._front.url

    @property
    def port(self) -> int:
        """A server that is started with it and with the same state goes on as this one."""
        return self._front.server_port

    @property
    def asked(self) -> list[str]:
        """What was asked for so far: `GET /api/...`."""
        return [asked.line for asked in self.log.asked]

    def start(self) -> None:
        for listener in (self._front, self.bucket, self.cas):
            listener.start()

    def stop(self) -> None:
        self.stopping.set()
        for listener in (self._front, self.bucket, self.cas):
            listener.stop()

    def answer(self, route: Route, request: Request, at: At, asked: Asked) -> Answer:
        """Who asks, how often, and then the route's own answer."""
        headers: dict[str, str] = {}
        try:
            if route not in OPENED_OTHERWISE:
                account = self.accounts.of(request.headers.get("Authorization"))
                request = replace(request, account=account)
                asked.user = account.name if account else None
                if self.limits:
                    over, headers = self.limits.count(route.name, asked.user)
                    if over:
                        raise Refusal(429, "Too Many Requests")
            answer = route.answer(self, request, at)
        except Refusal as refusal:
            answer = refusal.answer()
        return replace(answer, headers={**answer.headers, **headers})

    def signed(self, base: str, path: str, **more: str) -> str:
        """A URL that opens by itself, as those of a storage behind the Hub do."""
        query = urlencode({**more, "signature": self._signature(path, more)})
        return f"{base}{path}?{query}"

    def check_signature(self, request: Request) -> None:
        told = {name: values[-1] for name, values in request.query.items()}
        given = told.pop("signature", "")
        if not hmac.compare_digest(given, self._signature(request.path, told)):
            raise Refusal(403, "SignatureDoesNotMatch")

    def _signature(self, path: str, more: Mapping[str, str]) -> str:
        text = f"{path}?{urlencode(sorted(more.items()))}"
        return hmac.new(self._secret, text.encode(), hashlib.sha256).hexdigest()


@contextlib.contextmanager
def running(hub: Hub) -> Iterator[Hub]:
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@contextlib.contextmanager
def running_hub(
    model: str,
    folder: Path,
    token: str | None = None,
    datasets: Mapping[str, Path] | None = None,
) -> Iterator[Hub]:
    """A Hub that answers while the block runs, to read from."""
    with running(Hub(model, folder, token, datasets=datasets)) as hub:
        yield hub


@contextlib.contextmanager
def writable_hub(
    state: Path, *accounts: Account, port: int = 0, xet: int | None = None
) -> Iterator[Hub]:
    """A Hub that answers while the block runs, to publish to."""
    with running(Hub(port=port, state=state, accounts=accounts, xet=xet)) as hub:
        yield hub

"""`AsyncInferenceClient.text_generation` with its hot path replaced.

The requests are those of the stock client, since it makes them itself: URL, JSON, headers, key.
So are the types and the errors. What it does with each event is not: of its 130 us a token,
measured on 64 streams that got one event a write, 85 go to httpx and what lies below it, 40 to two
dataclasses that are dictionaries too and are filled field by field, 4 to json. It also keeps the
context of each stream until the client is closed, so a long run leaks them, and a stream that is
left early goes on at the server. Here the body goes from the socket to a parser in C
(`remote.http`), the objects are filled in one step, and a stream that is closed early closes its
connection.
"""

from __future__ import annotations

import copy
import json
import math
import os
import uuid
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
import msgspec
from huggingface_hub import (
    AsyncInferenceClient,
    TextGenerationStreamOutput,
    TextGenerationStreamOutputStreamDetails,
    TextGenerationStreamOutputToken,
    constants,
)
from huggingface_hub.errors import HfHubHTTPError, InferenceTimeoutError
from huggingface_hub.inference._common import (
    RequestParameters,
    _format_text_generation_stream_output,
)
from huggingface_hub.utils._http import hf_raise_for_status

from builder.engines.remote.events import Events
from builder.engines.remote.http import Answer, Refuse, Server, UnreachableError
from builder.errors import BrokenStreamError, RetryError, StalledError, UnavailableError
from builder.recipe.engine_spec import DeadlinesSpec

TASK = "text-generation"


@dataclass(frozen=True)
class Request:
    """What the stock client would send."""

    url: str
    headers: Mapping[str, str]
    body: bytes


class FastInferenceClient(AsyncInferenceClient):
    """The stock client with a fast `text_generation`; all else is its own.

    Where a proxy, cookies or a query stand in the way, and in offline mode, the stock way is taken.
    """

    _lines: EventLines | None = None
    _servers: dict[str, Server]

    def __init__(self, model: str | None = None, **options: Any) -> None:
        super().__init__(model, **options)
        self._servers = {}
        self._proxies = getproxies()

    async def text_generation(
        self,
        prompt: str,
        *,
        details: bool | None = None,
        stream: bool | None = None,
        **options: Any,
    ) -> Any:
        """See `AsyncInferenceClient.text_generation`."""
        call = copy.copy(self)  # keeps apart what two calls at once have opened
        call._lines = None
        output = await super(FastInferenceClient, call).text_generation(
            prompt, details=details, stream=stream, **options
        )
        return output if call._lines is None else call._lines.outputs(details or False)

    async def request(self, prompt: str, **options: Any) -> Request:
        """Return what `text_generation` sends with these arguments."""
        recorder = _Recorder.__new__(_Recorder)
        recorder.__dict__ |= self.__dict__
        await recorder.text_generation(prompt, **options)
        return _encoded(recorder.recorded)

    async def close(self) -> None:
        """See `AsyncInferenceClient.close`."""
        for server in self._servers.values():
            await server.close()
        self._servers.clear()
        await super().close()  # type: ignore[no-untyped-call]

    async def _inner_post(
        self, request_parameters: RequestParameters, *, stream: bool = False
    ) -> Any:
        if request_parameters.task != TASK or not self._is_direct(request_parameters):
            return await super()._inner_post(request_parameters, stream=stream)
        request = _encoded(request_parameters)
        try:
            if stream:
                self._lines = await self._opened(request)
                return self._lines
            return await self._answered(request)
        except _RefusedError as refused:
            if refused.answer.status // 100 == 3:  # it follows redirects
                return await super()._inner_post(request_parameters, stream=stream)
            _raise_refused(request, refused.answer)
        except StalledError as error:
            said = f"Inference call timed out: {request.url}"
            raise InferenceTimeoutError(said) from error
        except RetryError as error:
            raise _transport_error(error) from error

    def _is_direct(self, request: RequestParameters) -> bool:
        parts = urlsplit(request.url)
        proxied = parts.scheme in self._proxies and not proxy_bypass(parts.netloc)
        return not (proxied or parts.query or self.cookies or constants.is_offline_mode())

    def _server(self, url: str) -> Server:
        if url not in self._servers:
            self._servers[url] = Server(url, {}, _RefusedError)
        return self._servers[url]

    async def _opened(self, request: Request) -> EventLines:
        silence = self.timeout or math.inf
        deadlines = DeadlinesSpec.model_construct(first_token=silence, between_tokens=silence)
        pieces = self._server(request.url).stream("", request.body, deadlines, request.headers)
        await anext(pieces)
        return EventLines(pieces)

    async def _answered(self, request: Request) -> bytes:
        answer = await self._server(request.url).ask(
            "POST", "", request.body, seconds=self.timeout or math.inf, headers=request.headers
        )
        if answer.status >= 300:
            raise _RefusedError(answer)
        return answer.body


class EventLines:
    """An open stream of events. As an iterable of lines it suits the stock client's own code."""

    def __init__(self, pieces: AsyncGenerator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncGenerator[str]:
        async for data in self._data():
            for one in data:
                yield f"data:{one.decode()}"

    async def outputs(self, details: bool) -> AsyncGenerator[str | TextGenerationStreamOutput]:
        """Yield what the stock client's stream yields: texts, or tokens with their details."""
        async for data in self._data():
            for one in data:
                output: Any = _output(one)
                if output is not None:
                    yield output if details else output.token.text
                elif one == b"[DONE]":
                    return
                else:  # something rare: the stock client knows what to do
                    rare = _format_text_generation_stream_output(f"data:{one.decode()}", details)
                    if rare is not None:
                        yield rare

    async def _data(self) -> AsyncGenerator[list[bytes]]:
        events = Events()
        try:
            async for piece in self._pieces:
                if data := events.feed(piece):
                    yield data
        except StalledError as error:
            raise httpx2.ReadTimeout("") from error
        except RetryError as error:
            raise _transport_error(error) from error
        finally:
            await self._pieces.aclose()
        if data := events.end():
            yield data


class _RefusedError(Exception):
    """An answer that is not 200."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


_refuse: Refuse = _RefusedError


class _Recorder(AsyncInferenceClient):
    """A stock client that only takes down what it would send."""

    recorded: RequestParameters

    async def _inner_post(
        self, request_parameters: RequestParameters, *, stream: bool = False
    ) -> Any:
        self.recorded = request_parameters
        return _NOTHING if stream else b"[{}]"


_NOTHING: tuple[str, ...] = ()


def _encoded(request: RequestParameters) -> Request:
    """The bytes that httpx makes of a request, and the id that the Hub's client adds to each."""
    text = json.dumps(request.json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    headers = {"x-amzn-trace-id": str(uuid.uuid4()), **request.headers}
    return Request(request.url, headers, text.encode())


class _Token(msgspec.Struct, forbid_unknown_fields=True):
    id: Any
    text: Any
    logprob: Any
    special: Any


class _Details(msgspec.Struct, forbid_unknown_fields=True):
    finish_reason: Any
    generated_tokens: Any
    input_length: Any
    seed: Any


class _Event(msgspec.Struct, forbid_unknown_fields=True):
    """An event just as TGI writes it; any other is decoded by the stock client's own code."""

    index: Any
    token: _Token
    generated_text: Any = None
    details: _Details | None = None


_decode = msgspec.json.Decoder(_Event).decode


def _output(data: bytes) -> TextGenerationStreamOutput | None:
    """Make the stock client's object of an event; None where it is not as TGI writes it.

    The objects and their dictionaries are filled as by their own constructors, in the same order,
    but each in one step: less than 2 us in place of 45.
    """
    try:
        event = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    token, details = event.token, event.details
    inner = {
        "id": token.id,
        "logprob": token.logprob,
        "special": token.special,
        "text": token.text,
    }
    whole: dict[str, Any] = {
        "index": event.index,
        "token": inner,
        "details": None,
        "generated_text": event.generated_text,
        "top_tokens": None,
    }
    output = TextGenerationStreamOutput.__new__(TextGenerationStreamOutput)
    if details is not None:
        told = whole["details"] = msgspec.structs.asdict(details)
    dict.update(output, whole)
    whole["token"] = _filled(TextGenerationStreamOutputToken, inner)
    if details is not None:
        whole["details"] = _filled(TextGenerationStreamOutputStreamDetails, told)
    output.__dict__.update(whole)
    return output


def _filled(kind: type[dict[str, Any]], fields: dict[str, Any]) -> dict[str, Any]:
    made = kind.__new__(kind)
    dict.update(made, fields)
    made.__dict__.update(fields)
    return made


def _raise_refused(request: Request, answer: Answer) -> NoReturn:
    """Raise what the stock client raises for this answer."""
    sent = httpx2.Request("POST", request.url, headers=dict(request.headers))
    response = httpx2.Response(
        answer.status,
        headers=dict(answer.headers),
        content=answer.body,
        request=sent,
        extensions={"reason_phrase": answer.reason.encode("latin-1")},
    )
    try:
        hf_raise_for_status(response)
    except HfHubHTTPError as error:
        if answer.status == 422 and answer.body:
            said = f"{error.args[0]}{os.linesep}{response.text}{os.linesep}"
            error.args = (said, *error.args[1:])
        raise
    raise AssertionError(f"status {answer.status} is no refusal")


def _transport_error(error: RetryError) -> httpx2.TransportError:
    """What httpx raises where we raise `error`."""
    if isinstance(error, UnreachableError):
        return httpx2.ConnectError(error.message)
    if isinstance(error, UnavailableError | BrokenStreamError) and error.__cause__ is None:
        return httpx2.RemoteProtocolError(error.message)
    return httpx2.ReadError(error.message)

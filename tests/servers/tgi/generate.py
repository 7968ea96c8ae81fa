"""TGI's own routes that generate: `/`, `/generate` and `/generate_stream`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from tests.servers.sse import event
from tests.servers.strike import WITHIN, hang_up, strike_body
from tests.servers.tgi.body import read_inputs, read_object, read_parameters, read_typed
from tests.servers.tgi.exchange import BEFORE_STREAMS, LOG, MODEL, entered, send, send_events
from tests.servers.tgi.model import Model, Step, compute_headers, prefill_of
from tests.servers.tgi.validation import RefusalError, Wanted, failed, incomplete, invalid, validate


async def compat(request: web.Request) -> web.StreamResponse:
    """`POST /`: a stream or, in a list of one, an answer."""
    body = await read_object(request)
    if read_typed(body, {"stream": "bool"}).get("stream", False):
        return await stream(request, body)
    return await answer(request, body, listed=True)


async def generate(request: web.Request) -> web.StreamResponse:
    return await answer(request, await read_object(request), listed=False)


async def generate_stream(request: web.Request) -> web.StreamResponse:
    return await stream(request, await read_object(request))


async def answer(request: web.Request, body: dict[str, Any], *, listed: bool) -> web.StreamResponse:
    inputs, given = read_inputs(body), read_parameters(body)
    fault = await entered(request, body)
    if fault is not None and fault.kind == "reset_before":
        return await hang_up(request)
    started, model = time.monotonic(), request.app[MODEL]
    if given.get("best_of", 1) > model.limits.max_best_of:
        most, asked = model.limits.max_best_of, given["best_of"]
        raise invalid(f"`best_of` must be > 0 and <= {most}. Given: {asked}")
    texts = [await whole(model, inputs, given) for _ in range(max(1, given.get("best_of", 1)))]
    found = texts[0][1]
    if texts[0][0].best_of > 1:
        others = [
            {**text["details"], "generated_text": text["generated_text"]} for _, text in texts
        ]
        found["details"]["best_of_sequences"] = others[1:]
    if not texts[0][0].details:
        del found["details"]
    if fault is not None and fault.kind in WITHIN:
        if fault.kind == "error_event":
            raise failed()
        return await strike_body(request, fault, [found] if listed else found)
    headers = compute_headers(inputs, started)
    return web.json_response([found] if listed else found, headers=headers)


async def whole(model: Model, inputs: str, given: dict[str, Any]) -> tuple[Wanted, dict[str, Any]]:
    """One complete text with its details."""
    async with model.permit():
        wanted = validate(inputs, given, model.limits)
        steps = [step async for step in model.steps(wanted)]
    if not steps or steps[-1].end is None:
        raise incomplete()
    reason, text = steps[-1].end
    details: dict[str, Any] = {
        "finish_reason": reason,
        "generated_tokens": len(steps),
        "seed": wanted.seed,
        "prefill": prefill_of(wanted),
        "tokens": [step.token for step in steps],
    }
    if wanted.top_n:
        details["top_tokens"] = [[step.token] for step in steps]
    return wanted, {"generated_text": shown(wanted, text), "details": details}


def shown(wanted: Wanted, text: str) -> str:
    return wanted.inputs + text if wanted.full_text else text


async def stream(request: web.Request, body: dict[str, Any]) -> web.StreamResponse:
    """Answer with events. The status is 200 before anything is looked at: errors are events too."""
    inputs, given = read_inputs(body), read_parameters(body)
    try:
        fault = await entered(request, body)
    except RefusalError as refusal:
        if request.app[LOG].asked[-1].fault in BEFORE_STREAMS:
            raise
        return await send(request, [event(refusal.body())])
    if fault is not None and fault.kind == "reset_before":
        return await hang_up(request)
    events = Events(request.app[MODEL], inputs, given)
    return await send_events(request, events.all(), fault, event(failed().body()))


class Events:
    """The events of one stream."""

    def __init__(self, model: Model, inputs: str, given: dict[str, Any]) -> None:
        self._model = model
        self._inputs = inputs
        self._given = given

    async def all(self) -> AsyncGenerator[bytes]:
        try:
            self._check()
            async with self._model.permit():
                wanted = validate(self._inputs, self._given, self._model.limits)
                index = 0
                async with contextlib.aclosing(self._model.steps(wanted)) as steps:
                    async for step in steps:
                        index += 1
                        yield event(stream_event(index, step, wanted))
        except RefusalError as refusal:
            self._model.figures.failure[refusal.error_type] += 1
            yield event(refusal.body())

    def _check(self) -> None:
        if self._given.get("best_of", 1) != 1:
            raise invalid("`best_of` != 1 is not supported when streaming tokens")
        if self._given.get("decoder_input_details"):
            raise invalid("`decoder_input_details` == true is not supported when streaming tokens")


def stream_event(index: int, step: Step, wanted: Wanted) -> dict[str, Any]:
    found: dict[str, Any] = {"index": index, "token": step.token}
    if wanted.top_n:
        found["top_tokens"] = [step.token]
    found |= {"generated_text": None, "details": None}
    if step.end is not None:
        reason, text = step.end
        found["generated_text"] = shown(wanted, text)
        if wanted.details:
            found["details"] = {
                "finish_reason": reason,
                "generated_tokens": index,
                "seed": wanted.seed,
                "input_length": len(wanted.prompt),
            }
    return found

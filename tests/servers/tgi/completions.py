"""TGI's own `/v1/completions`: the same generation in OpenAI's shape, oddities included.

It adds a BOS like the other routes and takes texts only, no token ids. In a stream every chunk but
the last has an empty `finish_reason`, the last one carries the text of the end-of-turn token, and
usage always comes with it. Without a stream the end of the turn is called `stop`.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from typing import Any

from aiohttp import web

from tests.servers.sse import event
from tests.servers.strike import WITHIN, hang_up, strike_body
from tests.servers.tgi.body import COMPLETION, UnreadableError, read_object, read_typed
from tests.servers.tgi.exchange import BEFORE_STREAMS, LOG, MODEL, entered, send_events
from tests.servers.tgi.generate import whole
from tests.servers.tgi.limits import VERSION
from tests.servers.tgi.model import Model
from tests.servers.tgi.validation import RefusalError, failed, validate


async def completions(request: web.Request) -> web.StreamResponse:
    body = await read_object(request)
    prompts, given = read_prompts(body), read_typed(body, COMPLETION)
    model = request.app[MODEL]
    _check(prompts, given, model)
    streamed = given.get("stream", False)
    try:
        fault = await entered(request, body)
    except RefusalError as refusal:
        if not streamed or request.app[LOG].asked[-1].fault in BEFORE_STREAMS:
            raise
        return await send_events(request, _only(event(_in_stream(refusal))), None, b"")
    if fault is not None and fault.kind == "reset_before":
        return await hang_up(request)
    parameters = parameters_of(given)
    if streamed:
        chunks = _chunks(model, prompts, parameters)
        return await send_events(request, chunks, fault, event(_in_stream(failed())))
    found = await _whole(model, prompts, parameters)
    if fault is not None and fault.kind in WITHIN:
        if fault.kind == "error_event":
            raise failed()
        return await strike_body(request, fault, found)
    return web.json_response(found)


def read_prompts(body: dict[str, Any]) -> list[str]:
    prompt = body.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not all(isinstance(one, str) for one in prompts):
        raise UnreadableError(
            422,
            "Failed to deserialize the JSON body into the target type: prompt: "
            "value is neither a string nor an array of strings at line 1",
        )
    return prompts


def _check(prompts: list[str], given: dict[str, Any], model: Model) -> None:
    if "suffix" in given:
        words = "Suffix is not supported and can be achieved by preprocessing the prompt."
        raise RefusalError(422, "suffix not supported", words)
    most = model.limits.max_client_batch_size
    if len(prompts) > most:
        words = f"Number of prompts exceeds the maximum allowed batch size of {most}"
        raise RefusalError(422, "batch size exceeded", words)


def parameters_of(given: dict[str, Any]) -> dict[str, Any]:
    """TGI's own parameters: only a temperature of 0 is greedy."""
    same = ("seed", "stop", "top_p", "repetition_penalty", "frequency_penalty", "temperature")
    parameters = {name: given[name] for name in same if name in given}
    if "max_tokens" in given:
        parameters["max_new_tokens"] = given["max_tokens"]
    if parameters.get("temperature") == 0:
        del parameters["temperature"]
        return parameters
    return {**parameters, "do_sample": True}


async def _whole(model: Model, prompts: list[str], parameters: dict[str, Any]) -> dict[str, Any]:
    choices, asked, written = [], 0, 0
    for index, prompt in enumerate(prompts):
        wanted, found = await whole(model, prompt, parameters)
        reason = found["details"]["finish_reason"]
        asked += len(wanted.prompt)
        written += found["details"]["generated_tokens"]
        called = "stop" if reason == "eos_token" else reason
        choices.append(_choice(index, found["generated_text"], called))
    return {**_frame(model), "choices": choices, "usage": _usage(asked, written)}


async def _chunks(
    model: Model, prompts: list[str], parameters: dict[str, Any]
) -> AsyncGenerator[bytes]:
    """The chunks of each prompt. The real one mixes the prompts' chunks; here they come in turn."""
    for index, prompt in enumerate(prompts):
        count = 0
        try:
            async with model.permit():
                wanted = validate(prompt, parameters, model.limits)
                async for step in model.steps(wanted):
                    count += 1
                    reason = step.end[0] if step.end else ""
                    chunk = {
                        **_frame(model),
                        "choices": [_choice(index, step.token["text"], reason)],
                    }
                    if step.end:
                        chunk["usage"] = _usage(len(wanted.prompt), count)
                    yield event(chunk)
        except RefusalError as refusal:
            yield event(_in_stream(refusal))
    yield b"data:[DONE]\n\n"


async def _only(one: bytes) -> AsyncGenerator[bytes]:
    yield one
    yield b"data:[DONE]\n\n"


def _frame(model: Model) -> dict[str, Any]:
    return {
        "object": "text_completion",
        "id": "",
        "created": int(time.time()),
        "model": model.limits.model_id,
        "system_fingerprint": f"{VERSION}-native",
    }


def _choice(index: int, text: str, reason: str) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": reason}


def _usage(asked: int, written: int) -> dict[str, int]:
    both = {"prompt_tokens": asked, "completion_tokens": written}
    return {**both, "total_tokens": asked + written}


def _in_stream(refusal: RefusalError) -> dict[str, Any]:
    return {"error": {"message": str(refusal), "http_status_code": 422}}

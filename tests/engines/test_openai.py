"""What only the openai engine does: finding out how a server wants to be spoken to."""

import asyncio
import contextlib
import json

import pytest
from aiohttp import ClientSession, web

from builder.engines.base import Chunk, Completion, complete
from builder.engines.constraint import ONE_LINE, SAMPLE_TOKENS
from builder.engines.openai.answer import Reading, finish_of
from builder.engines.openai.engine import connect_openai
from builder.engines.openai.prompts import SAMPLE, ids_in
from builder.engines.remote import asking
from builder.engines.remote.errors import Where
from builder.engines.remote.model import RemoteModel
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RetryError,
    RowError,
    StalledError,
    TemplateError,
    UnavailableError,
)
from builder.recipe.engine_spec import DeadlinesSpec, OpenAIEngineSpec
from builder.recipe.tokens import encoder
from tests.engines.subjects import (
    FILES,
    LONGEST,
    REMOTE_MODEL,
    TEMPLATE,
    Subject,
    needs_llama,
    params,
)
from tests.servers.authors import ScriptedAuthor
from tests.servers.faults import FaultPlan
from tests.servers.llama import llama_server
from tests.servers.openai import (
    DOUBLES_BOS,
    NO_FINISH_REASON,
    NO_SCHEMA,
    NO_USAGE,
    OLD_VLLM,
    RESPONSE_FORMAT,
    SGLANG,
    SORTS_KEYS,
    STRICT,
    VLLM,
    Dialect,
    openai_server,
)
from tests.servers.openai.dialects import REFUSES_SEED
from tests.servers.tgi import Limits, tgi_server

PROMPT = TEMPLATE.pre_query
IDS = encoder(FILES)(PROMPT)
TEXTS_ONLY = Dialect("texts_only", bos="texts", takes_ids=False, tokenizes=False)
ALL_FIELDS = {
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "skip_special_tokens": False,
    "cache_prompt": False,
}


def spec(**keys):
    return OpenAIEngineSpec(kind="openai", **keys)


def at(endpoint, work, of=REMOTE_MODEL, **keys):
    """What `work(engine)` returns, for an engine connected to `endpoint`."""

    async def main():
        engine = await connect_openai(endpoint, of, spec(**keys))
        try:
            return await work(engine)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(main(), LONGEST))


def refused(endpoint, of=REMOTE_MODEL, **keys):
    """The error that connecting to `endpoint` ends with."""

    async def nothing(engine):
        pass

    with pytest.raises(EngineError) as caught:
        at(endpoint, nothing, of, **keys)
    return caught.value


async def info(engine):
    return engine.info.to_json()


async def one(engine):
    return await complete(engine, PROMPT, params(1))


async def how_prompts_go(engine):
    return engine.info.prompts, engine.info.prompts_checked, await engine.token_ids(PROMPT)


class Canned:
    """A server that answers /v1/completions with what `answer(body)` gives: (status, text)."""

    def __init__(self, answer):
        self.bodies = []
        self._answer = answer

    async def _completions(self, request):
        body = await request.json()
        self.bodies.append(body)
        status, text = self._answer(body)
        return web.Response(status=status, text=text)

    def run(self, work):
        async def main():
            app = web.Application()
            app.router.add_post("/v1/completions", self._completions)
            runner = web.AppRunner(app)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            try:
                return await work(f"http://127.0.0.1:{runner.addresses[0][1]}")
            finally:
                await runner.cleanup()

        return asyncio.run(asyncio.wait_for(main(), LONGEST))


def piece(text, finish=None, **more):
    return {"choices": [{"index": 0, "text": text, "finish_reason": finish}], **more}


def whole(prompt_tokens=None, **changes):
    usage = {"prompt_tokens": prompt_tokens, "completion_tokens": 1}
    return json.dumps(piece("x", "length") | ({"usage": usage} if prompt_tokens else {}) | changes)


# what is found


def test_a_server_that_takes_everything_is_asked_five_completions():
    with openai_server(VLLM) as server:
        found = at(server.url, info)
        asked = server.bodies
    assert found == {
        "model": "demo/model",
        "prompts": "token ids",
        "prompts_checked": True,
        "fields": ALL_FIELDS,
        "refused": [],
        "greedy": {"temperature": 0.0},
        "seed": True,
        "stops": 16,
        "ends": {
            "streams": True,
            "finish_told": True,
            "stream_options": True,
            "whole_counted": True,
        },
        "context": 2048,
        "slots": 1024,
        "slots_told": False,
        "schema_field": "structured_outputs",
    }
    assert [body["max_tokens"] for body in asked] == [1, 1, 1, 1, SAMPLE_TOKENS]
    assert {body["model"] for body in asked} == {"demo/model"}


def test_fields_that_a_server_refuses_are_left_out():
    with openai_server(STRICT) as server:
        found = at(server.url, info)
    assert found["fields"] == {"top_p": 1.0}
    assert found["refused"] == [
        "top_k",
        "min_p",
        "repetition_penalty",
        "skip_special_tokens",
        "cache_prompt",
    ]
    assert (found["seed"], found["stops"]) == (True, 4)


def test_a_server_without_seeds_is_sent_none():
    async def work(engine):
        return engine.info.seed, await one(engine)

    with openai_server(REFUSES_SEED) as server:
        seed, completion = at(server.url, work)
        asked = server.bodies[-1]
    assert seed is False
    assert completion.tokens > 0
    assert "seed" not in asked


def test_what_tgi_tells_and_refuses_is_found():
    with tgi_server(limits=Limits(max_concurrent_requests=7, max_stop_sequences=3)) as server:
        found = at(server.url, info)
    assert "top_p" not in found["fields"]
    assert found["refused"] == ["top_p"]
    assert (found["stops"], found["slots"], found["slots_told"]) == (3, 7, True)
    assert found["context"] == 2048
    assert found["prompts"] == "text, the begin-of-text token left to the server"


@needs_llama
def test_llama_cpps_own_server_tells_its_slots_and_its_context_without_its_paths():
    with llama_server(slots=3, context=512) as url:
        found = at(url, info)
    assert (found["slots"], found["slots_told"], found["context"]) == (3, True, 512)
    assert (found["model"], found["prompts"]) == ("model.gguf", "token ids")
    assert (found["fields"], found["refused"]) == (ALL_FIELDS, [])


@needs_llama
def test_llama_cpps_own_samplers_are_off():
    """Over its HTTP server come the very texts of the embedded engine, which has them off."""

    async def work(engine):
        asked = (
            complete(engine, PROMPT, params(seed, temperature=1.2, max_tokens=60))
            for seed in range(12)
        )
        return [completion.text for completion in await asyncio.gather(*asked)]

    assert Subject("openai").run(work) == Subject("embedded").run(work)


@needs_llama
def test_top_k_is_off_at_minus_one_in_llama_cpp():
    async def main(url):
        async with ClientSession(url) as session:

            async def text(seed, **fields):
                body = {"prompt": IDS, "max_tokens": 40, "temperature": 1.5, "top_p": 1.0}
                body |= {"min_p": 0.0, "seed": seed, "cache_prompt": False, **fields}
                async with session.post("/v1/completions", json=body) as answer:
                    return (await answer.json())["choices"][0]["text"]

            return [
                [await text(seed, **fields) for seed in range(8)]
                for fields in ({"top_k": -1}, {"top_k": 0}, {})
            ]

    with llama_server() as url:
        minus_one, zero, default = asyncio.run(main(url))
    assert minus_one == zero
    assert minus_one != default


SCHEMA = {
    "type": "object",
    "properties": {"why": {"type": "string", "maxLength": 40}, "good": {"type": "boolean"}},
    "required": ["why", "good"],
    "additionalProperties": False,
}


async def asked_for_json(engine):
    how = params(1, schema=json.dumps(SCHEMA), max_tokens=200)
    return engine.info.schema_field, await complete(engine, PROMPT, how)


@pytest.mark.parametrize(
    ("dialect", "field", "sent"),
    [
        (VLLM, "structured_outputs", {"structured_outputs": {"json": SCHEMA | ONE_LINE}}),
        (OLD_VLLM, "guided_json", {"guided_json": SCHEMA | ONE_LINE}),
        (SGLANG, "json_schema_text", {"json_schema": json.dumps(SCHEMA | ONE_LINE)}),
        (
            RESPONSE_FORMAT,
            "response_format",
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
                }
            },
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Dialect) else "",
)
def test_the_field_that_holds_a_completion_to_a_schema_is_found_by_asking(dialect, field, sent):
    with openai_server(dialect) as server:
        found, completion = at(server.url, asked_for_json)
        body = server.bodies[-1]
    assert found == field
    assert {name: body.get(name) for name in sent} == sent
    assert not {"structured_outputs", "guided_json", "json_schema", "response_format"} - {
        *sent
    } & set(body)
    assert list(json.loads(completion.text)) == ["why", "good"]


@needs_llama
def test_llama_cpps_own_server_is_asked_with_json_schema():
    with llama_server() as url:
        found, completion = at(url, asked_for_json)
    assert found == "json_schema"
    assert list(json.loads(completion.text)) == ["why", "good"]


@pytest.mark.parametrize("dialect", [NO_SCHEMA, STRICT, SORTS_KEYS], ids=lambda one: one.name)
def test_a_server_that_passes_over_refuses_or_reorders_a_schema_is_sent_none(dialect):
    with openai_server(dialect) as server:
        found, completion = at(server.url, asked_for_json)
        plain = at(server.url, one)
        body = server.bodies[-1]
    assert found is None
    assert completion.text.startswith(plain.text[:20])
    assert "schema" not in json.dumps(body)


def test_a_server_that_fails_at_a_schema_serves_without_one(monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    asked = []

    def answer(body):
        asked.append(body)
        return (503, "") if body["max_tokens"] == SAMPLE_TOKENS else (200, whole())

    async def work(url):
        engine = await connect_openai(url, REMOTE_MODEL, spec())
        await engine.close()
        return engine.constrained

    assert Canned(answer).run(work) is False
    assert len([body for body in asked if body["max_tokens"] == SAMPLE_TOKENS]) == asking.ASKED


def test_an_address_may_end_with_v1():
    with openai_server(VLLM) as server:
        found = [at(server.url + end, info) for end in ("", "/", "/v1", "/v1/")]
    assert found == [found[0]] * 4


def test_a_name_that_the_server_does_not_serve_is_refused():
    with openai_server(VLLM) as server:
        error = refused(server.url, model="other/model")
        assert error.message == (
            f"{server.url} answered 404: The model `other/model` does not exist."
        )


# prompts and their begin-of-text token


@pytest.mark.parametrize(
    ("dialect", "way", "checked", "ids", "sent"),
    [
        (VLLM, "token ids", True, IDS, IDS),
        (NO_USAGE, "token ids", False, IDS, IDS),
        (
            Dialect("flagged", takes_ids=False),
            "text, with add_special_tokens false",
            True,
            IDS,
            PROMPT,
        ),
        (
            DOUBLES_BOS,
            "text, the begin-of-text token left to the server",
            True,
            IDS,
            PROMPT.removeprefix(TEMPLATE.bos),
        ),
        (
            TEXTS_ONLY,
            "text, the begin-of-text token left to the server",
            True,
            None,
            PROMPT.removeprefix(TEMPLATE.bos),
        ),
    ],
    ids=lambda value: value.name if isinstance(value, Dialect) else "",
)
def test_the_model_gets_exactly_one_begin_of_text_token(dialect, way, checked, ids, sent):
    async def work(engine):
        await one(engine)
        return await how_prompts_go(engine)

    with openai_server(dialect) as server:
        assert at(server.url, work) == (way, checked, ids)
        body = server.bodies[-1]
    assert body["prompt"] == sent
    assert body.get("add_special_tokens") == (False if dialect.name == "flagged" else None)


def test_a_prompt_has_as_many_tokens_as_the_server_says():
    async def work(engine):
        return await engine.prompt_tokens(PROMPT)

    with openai_server(DOUBLES_BOS) as server:
        assert at(server.url, work) == len(IDS)


def test_tgi_tells_the_ids_that_its_model_gets():
    with tgi_server() as server:
        assert at(server.url, how_prompts_go) == (
            "text, the begin-of-text token left to the server",
            True,
            IDS,
        )


@needs_llama
def test_llama_cpp_is_sent_ids_and_its_own_are_the_same():
    with llama_server() as url:
        assert at(url, how_prompts_go) == ("token ids", True, IDS)


def test_a_begin_of_text_token_that_cannot_be_kept_out_is_refused_with_the_numbers():
    bare = RemoteModel("", REMOTE_MODEL.encode)  # a template that writes none
    count = len(encoder(FILES)(SAMPLE))
    with openai_server(TEXTS_ONLY) as server:
        error = refused(server.url, of=bare)
        assert error.message == (
            f"{server.url} counts other tokens in a prompt than the model's tokenizer, which makes "
            f"{count}: {count + 1} of text, with add_special_tokens false, {count + 1} of text, "
            "the begin-of-text token left to the server"
        )
    assert error.mend.startswith("A begin-of-text token is doubled or missing")


def test_a_server_that_counts_many_more_tokens_puts_a_chat_template_around_them():
    def answer(body):
        if isinstance(body["prompt"], list):
            return 422, "no ids"
        return 200, whole(len(encoder(FILES)(body["prompt"])) + 11)

    async def work(url):
        with pytest.raises(EngineError) as caught:
            await connect_openai(url, REMOTE_MODEL, spec())
        return caught.value

    error = Canned(answer).run(work)
    assert error.message.endswith("; it puts a chat template around prompts")
    assert error.mend.startswith("Magpie needs the bare prompt to reach the model.")


def test_a_server_with_another_vocabulary_is_refused_with_both_lists():
    shifted = RemoteModel(
        TEMPLATE.bos, lambda: lambda text: [number - 1 for number in encoder(FILES)(text)]
    )
    ids = encoder(FILES)(TEMPLATE.bos + SAMPLE)
    with openai_server(VLLM) as server:
        error = refused(server.url, of=shifted)
        assert error.message == (
            f"{server.url} makes other tokens of {TEMPLATE.bos + SAMPLE!r} than the model's "
            f"tokenizer\n  server:    {ids}\n  tokenizer: {[number - 1 for number in ids]}"
        )


def test_without_a_tokenizer_text_is_sent_and_nothing_is_checked():
    def none():
        raise TemplateError("no tokenizer.json")

    with openai_server(VLLM) as server:
        assert at(server.url, how_prompts_go, of=RemoteModel(TEMPLATE.bos, none)) == (
            "text, the begin-of-text token left to the server",
            False,
            IDS,
        )


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"count": 2, "max_model_len": 9, "tokens": [1, 2]}, [1, 2]),
        ([{"id": 1, "text": "a", "start": 0, "stop": 1}], [1]),
        ({"tokens": [{"id": 5, "piece": "a"}]}, [5]),
        ({"tokens": []}, None),
        ({"tokens": ["a", "b"]}, None),
        ({"error": "no"}, None),
        (None, None),
    ],
)
def test_the_known_shapes_of_tokenize_are_read(answer, ids):
    assert ids_in(answer) == ids


# requests


def test_greedy_sampling_and_the_off_switches_are_sent():
    async def work(engine):
        await complete(engine, PROMPT, params(7, temperature=0.0, top_p=0.9))
        await complete(engine, PROMPT, params(7, temperature=0.7, top_p=0.9, max_tokens=9))

    with openai_server(VLLM) as server:
        at(server.url, work)
        greedy, sampled = server.bodies[-2:]
    same = {**ALL_FIELDS, "model": "demo/model", "prompt": IDS, "stop": list(TEMPLATE.stops)}
    same |= {"stream": True, "stream_options": {"include_usage": True}}
    assert greedy == same | {"temperature": 0.0, "seed": 0, "max_tokens": 100}
    assert sampled == same | {"temperature": 0.7, "top_p": 0.9, "seed": 7, "max_tokens": 9}


def test_no_more_stops_are_sent_than_a_server_takes_and_the_others_cut_all_the_same():
    async def work(engine):
        text = (await complete(engine, PROMPT, params(3))).text
        stops = ("\x01", "\x02", "\x03", "\x04", text[10:14])
        return text, await complete(engine, PROMPT, params(3, stop=stops))

    with openai_server(STRICT) as server:
        text, cut = at(server.url, work)
        asked = server.bodies[-1]
    assert len(asked["stop"]) == 4
    assert (cut.text, cut.finish_reason) == (text[: text.index(text[10:14])], "stop")


def test_an_answer_that_nobody_watches_is_asked_for_in_one_piece_where_it_is_counted():
    async def work(engine):
        return [chunk async for chunk in engine.stream(PROMPT, params(1, whole=True))]

    with openai_server(VLLM) as server:
        counted = at(server.url, work)
        assert "stream" not in server.bodies[-1]
    with openai_server(NO_USAGE) as server:
        uncounted = at(server.url, work)
        assert server.bodies[-1]["stream"] is True
    assert len(counted) == 1
    assert len(uncounted) > 1
    assert counted[0].text == "".join(chunk.text for chunk in uncounted)


def test_max_tokens_fit_into_the_context_and_a_prompt_that_fills_it_is_given_up():
    async def work(engine):
        await complete(engine, PROMPT, params(1, max_tokens=5000))
        with pytest.raises(RowError) as caught:
            await complete(engine, "word " * 300, params(1))
        return caught.value.message, len(encoder(FILES)("word " * 300))

    with openai_server(VLLM, context=256) as server:
        message, size = at(server.url, work)
        assert server.bodies[-1]["max_tokens"] == 256 - len(IDS)
    assert message == f"the prompt has {size} tokens, which fills the server's context of 256"


# answers


def reading(*events):
    read = Reading(Where("http://server"))
    chunks = [read.take(json.dumps(event).encode()) for event in events]
    return [chunk for chunk in chunks if chunk is not None], read.end()


def test_a_stream_is_read_with_its_empty_and_its_usage_chunks():
    assert reading(
        piece("", None),
        piece("Why", ""),
        piece(" is", None),
        piece("", "stop"),
        {"choices": [], "usage": {"prompt_tokens": 6, "completion_tokens": 4}},
    ) == ([Chunk("Why", 1), Chunk(" is", 1)], Chunk("", 2, "stop"))


def test_text_that_comes_with_the_end_is_kept_and_counted():
    assert reading(piece("Why", None), piece("?", "length")) == (
        [Chunk("Why", 1)],
        Chunk("?", 1, "length"),
    )


@pytest.mark.parametrize(
    ("told", "ours"),
    [
        ("stop", "stop"),
        ("eos_token", "stop"),
        ("stop_sequence", "stop"),
        ("length", "length"),
        ("LENGTH", "length"),
        ({"type": "stop", "matched": 128009}, "stop"),
        ({"type": "length", "length": 5}, "length"),
        (None, None),
        ("", None),
    ],
)
def test_a_finish_reason_becomes_ours(told, ours):
    assert finish_of(told) == ours


@pytest.mark.parametrize("told", ["abort", "content_filter", {"type": "abort"}, 7])
def test_a_reason_that_is_no_end_breaks_the_stream(told):
    with pytest.raises(BrokenStreamError) as caught:
        finish_of(told)
    assert caught.value.message == f"the server ended a completion with finish_reason {told!r}"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"error": {"message": "busy", "code": 429}}, OverloadedError),
        ({"error": {"message": "bad", "type": "BadRequestError", "code": 400}}, RowError),
        ({"error": {"message": "the engine is gone", "code": 503}}, UnavailableError),
        ({"error": "lost", "error_type": "incomplete_generation"}, BrokenStreamError),
        ({"error": {"message": "dead"}}, FailedGenerationError),
        ({"object": "error", "message": "no", "type": "x", "code": 400}, RowError),
        ({"object": "error", "message": "oh", "type": "x", "code": 503}, UnavailableError),
        (
            {"error": {"message": "Model is overloaded", "http_status_code": 422}},
            OverloadedError,
        ),
        (
            {
                "error": {
                    "message": "Request failed during generation: CUDA error",
                    "http_status_code": 422,
                }
            },
            FailedGenerationError,
        ),
        (
            {"error": {"message": "Input validation error: no", "http_status_code": 422}},
            RowError,
        ),
    ],
)
def test_an_error_inside_a_stream_is_typed(event, kind):
    with pytest.raises(kind) as caught:
        reading(piece("Why", None), event)
    assert type(caught.value) is kind


@pytest.mark.parametrize("data", [b"[1]", b"nonsense", b'{"choices": 7}', b"\xff"])
def test_an_event_that_is_none_breaks_the_stream(data):
    with pytest.raises(BrokenStreamError, match=r"^http://server sent what is no completion: "):
        Reading(Where("http://server")).take(data)


def test_a_stream_without_a_reason_at_its_end_is_broken():
    with openai_server(NO_FINISH_REASON) as server:

        async def work(engine):
            with pytest.raises(BrokenStreamError) as caught:
                await one(engine)
            return engine.info.ends.finish_told, caught.value.message

        assert at(server.url, work) == (
            False,
            f"{server.url} ended a completion without a finish_reason",
        )


FAULTS = {
    "overloaded": OverloadedError,
    "refused": OverloadedError,
    "generation": FailedGenerationError,
    "unavailable": UnavailableError,
    "reset_before": UnavailableError,
    "reset_mid": BrokenStreamError,
    "stall_first": StalledError,
    "stall_between": StalledError,
    "error_event": FailedGenerationError,
    "garbage": BrokenStreamError,
    "cut_json": BrokenStreamError,
    "wrong_type": BrokenStreamError,
    "no_end": BrokenStreamError,
}


@pytest.mark.parametrize("in_one_piece", [False, True], ids=["streamed", "whole"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_the_error_that_says_what_to_do(fault, in_one_piece):
    async def work(engine):
        async def outcome(seed):
            try:
                return await complete(engine, PROMPT, params(seed, whole=in_one_piece))
            except RetryError as error:
                return type(error)

        return [await outcome(seed) for seed in range(2)]

    strikes = {5: fault}  # connecting takes five requests
    if fault == "reset_before":
        strikes[6] = fault  # a kept connection that breaks is no failure: another one is tried
    plan = FaultPlan(numbered=strikes, seconds=30.0)
    deadlines = DeadlinesSpec(first_token=1.5, between_tokens=1.5, whole=1.5)
    with openai_server(VLLM, ScriptedAuthor, plan) as server:
        failed, well = at(server.url, work, deadlines=deadlines)
        assert server.injected == {fault: len(strikes)}
    assert failed is FAULTS[fault]
    assert well.tokens > 0


def test_a_server_that_does_not_stream_is_asked_for_whole_answers():
    def answer(body):
        size = len(body["prompt"])
        if body.get("stream"):
            return (400, "no stream_options") if "stream_options" in body else (200, whole(size))
        return 200, whole(size)

    async def work(url):
        engine = await connect_openai(url, REMOTE_MODEL, spec())
        completion = await one(engine)
        await engine.close()
        return engine.info.ends.streams, completion, "stream" in canned.bodies[-1]

    canned = Canned(answer)
    assert canned.run(work) == (False, Completion("x", 1, "length"), False)


def test_a_stream_that_is_refused_for_now_is_asked_again(monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    with openai_server(VLLM, faults=FaultPlan(numbered={3: "overloaded"})) as server:
        ends = at(server.url, info)["ends"]
        assert server.injected == {"overloaded": 1}
    assert ends["streams"] and ends["stream_options"]


# servers that are none


def test_a_server_that_is_not_there_is_refused_after_some_asking(monkeypatch):
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        free = loop.run_until_complete(_free_port())
    error = refused(f"http://127.0.0.1:{free}")
    assert error.message.startswith(
        f"the server was asked 5 times: http://127.0.0.1:{free} cannot be reached: "
    )
    assert error.mend == "Wait until it serves, then run the same command again."


async def _free_port():
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


def test_a_server_that_does_not_answer_is_refused_at_its_deadline():
    with openai_server(VLLM, faults=FaultPlan(numbered={0: "stall_first"})) as server:
        error = refused(server.url, deadlines=DeadlinesSpec(first_token=0.3))
        assert len(server.requests) == 1
    assert error.message == (
        "the server accepts a request and does not answer it: no whole answer within 0.3 s"
    )


def test_a_chat_only_server_is_refused():
    def answer(body):
        return 200, json.dumps({"choices": [{"message": {"content": "Hello!"}}]})

    async def work(url):
        with pytest.raises(EngineError) as caught:
            await connect_openai(url, REMOTE_MODEL, spec())
        return url, caught.value.message

    url, message = Canned(answer).run(work)
    assert message == (
        f"{url}/v1/completions answered no completion: "
        '{"choices": [{"message": {"content": "Hello!"}}]}'
    )


def test_a_server_that_refuses_even_the_plainest_request_is_refused_in_its_words():
    async def work(url):
        with pytest.raises(EngineError) as caught:
            await connect_openai(url, REMOTE_MODEL, spec())
        return url, caught.value.message

    canned = Canned(lambda body: (422, '{"error": "this model embeds"}'))
    url, message = canned.run(work)
    assert message == f"the plainest request is refused: {url} answered 422: this model embeds"


def test_a_key_is_sent_where_the_recipe_names_one_and_never_shown(monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret-value")
    with openai_server(VLLM, api_key="secret-value") as server:
        assert at(server.url, one, api_key_env="MY_KEY").tokens > 0
        without = refused(server.url)
        monkeypatch.setenv("MY_KEY", "wrong-secret")
        wrong = refused(server.url, api_key_env="MY_KEY")
    assert without.mend.startswith("It wants a key:")
    assert wrong.mend.startswith("The key from MY_KEY is refused")
    assert "secret" not in f"{without}{wrong}"


def test_a_stream_that_is_closed_early_stops_the_server():
    async def work(engine):
        begun = engine.stream(PROMPT, params(1, max_tokens=1000))
        await anext(begun)
        await begun.aclose()
        while server.writing:
            await asyncio.sleep(0.005)

    slow = openai_server(VLLM, lambda: ScriptedAuthor(rate=50.0, words=400))
    with slow as server:
        at(server.url, work)

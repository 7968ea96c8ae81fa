"""The tgi engine against a server that refuses what the real one refuses."""

import asyncio
import contextlib
import json
import time

import pytest
from aiohttp import ClientSession, web

from builder.engines.base import complete
from builder.engines.remote import asking
from builder.engines.remote.model import RemoteModel
from builder.engines.tgi.engine import TgiInfo, connect_tgi
from builder.engines.tgi.grammar import ASK
from builder.engines.tgi.request import SEED_FOR_ZERO, useful_stops
from builder.errors import (
    BrokenStreamError,
    EngineError,
    FailedGenerationError,
    OverloadedError,
    RowError,
    StalledError,
    TemplateError,
    UnavailableError,
)
from builder.recipe.engine_spec import DeadlinesSpec, TgiEngineSpec
from tests.engines.subjects import REMOTE_MODEL, TEMPLATE, params
from tests.servers.authors import ScriptedAuthor, Written, tokens
from tests.servers.faults import FaultPlan
from tests.servers.tgi import Limits, tgi_process, tgi_server

PROMPT = TEMPLATE.pre_query
BARE = PROMPT.removeprefix(TEMPLATE.bos)
BOS = tokens().bos
EOT = tokens().end_of_turn
LONGEST = 30.0


def spec(**options):
    return TgiEngineSpec(kind="tgi", **options)


def unknown():
    raise TemplateError("no tokenizer files")


BLIND = RemoteModel(TEMPLATE.bos, unknown)


def run(url, work, model=REMOTE_MODEL, **options):
    """What `work(engine)` returns."""

    async def main():
        engine = await connect_tgi(url, model, spec(**options))
        try:
            return await asyncio.wait_for(work(engine), LONGEST)
        finally:
            await engine.close()

    return asyncio.run(main())


def asked(work, limits=None, model=REMOTE_MODEL):
    """The bodies that reach the server after it was asked for JSON, and what `work` returns."""
    with tgi_server(lambda: ScriptedAuthor(4), limits) as server:
        found = run(server.url, work, model)
        return [body for body in server.bodies if body["inputs"] != ASK], found


async def chunks(engine, prompt=PROMPT, **changes):
    return [chunk async for chunk in engine.stream(prompt, params(**changes))]


@contextlib.contextmanager
def app_at(routes):
    """The address of an aiohttp application, in a thread of its own."""
    from tests.servers.serving import ServerThread, serving

    def build():
        app = web.Application()
        app.add_routes(routes)
        return app, lambda: None

    with serving(ServerThread(build)) as server:
        yield server.url


class Author:
    """Writes the tokens that it is given, whatever it is asked."""

    slots = 4

    def __init__(self, *written):
        self._written = written

    async def write(self, prompt, sampling):
        for number, text in self._written:
            yield Written(number, text, -0.5)

    def close(self):
        pass


def test_the_limits_are_read_from_the_server():
    limits = Limits(
        model_id="org/model", revision="a" * 40, max_concurrent_requests=7, max_stop_sequences=2
    )
    with tgi_server(limits=limits) as server:
        slots, info = run(server.url, lambda engine: asyncio.sleep(0, (engine.slots, engine.info)))
    assert slots == 7
    assert info == TgiInfo(
        model_id="org/model",
        model_sha="a" * 40,
        version="3.3.5-dev0",
        max_concurrent_requests=7,
        max_stop_sequences=2,
        max_input_tokens=2047,
        max_total_tokens=2048,
        docker_label=None,
        adds_bos=True,
        constrained=True,
    )
    assert info.to_json()["max_input_tokens"] == 2047


@pytest.mark.parametrize("whole", [False, True])
def test_a_sampled_request_has_what_the_server_takes(whole):
    how = {"temperature": 0.7, "top_p": 0.9, "max_tokens": 20, "stop": ("<|eot_id|>",)}
    (body,), _ = asked(lambda engine: chunks(engine, seed=11, whole=whole, **how))
    assert body == {
        "inputs": BARE,
        "parameters": {
            "details": True,
            "do_sample": True,
            "max_new_tokens": 20,
            "return_full_text": False,
            "seed": 11,
            "stop": ["<|eot_id|>"],
            "temperature": 0.7,
            "top_p": 0.9,
        },
        "stream": not whole,
    }


def test_a_greedy_request_has_neither_temperature_nor_top_p():
    (body,), _ = asked(lambda engine: chunks(engine, temperature=0.0, stop=(), max_tokens=5))
    assert body["parameters"] == {
        "details": True,
        "do_sample": False,
        "max_new_tokens": 5,
        "return_full_text": False,
    }


def test_a_seed_of_0_and_a_top_p_of_1_are_legal():
    bodies, _ = asked(lambda engine: asyncio.gather(chunks(engine), chunks(engine)))
    assert [body["parameters"]["seed"] for body in bodies] == [SEED_FOR_ZERO] * 2
    assert [body["parameters"].get("top_p") for body in bodies] == [None] * 2


@pytest.mark.parametrize(
    ("most", "told"),
    [
        (0, []),
        (1, ["\n"]),
        (3, ["\n", "<|eot_id|>", "<|end_of_text|>"]),
        (5, ["<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>", "\n"]),
    ],
)
def test_the_server_is_told_no_more_stops_than_it_takes(most, told):
    stops = ("<|eot_id|>", "<|end_of_text|>", "<|start_header_id|>", "\n")
    assert useful_stops(stops, most) == told
    (body,), found = asked(
        lambda engine: complete(engine, PROMPT, params(4, stop=stops)),
        Limits(max_stop_sequences=most),
    )
    assert body["parameters"].get("stop", []) == told
    assert "\n" not in found.text


def test_we_cut_at_stops_that_the_server_was_not_told():
    async def work(engine):
        text = (await complete(engine, PROMPT, params(3))).text
        stops = (*(f"never {number}" for number in range(9)), text[8:12])
        return text, [
            await complete(engine, PROMPT, params(3, stop=stops, whole=whole))
            for whole in (False, True)
        ]

    _, (text, cut) = asked(work)
    assert [(one.text, one.finish_reason) for one in cut] == [
        (text[: text.index(text[8:12])], "stop")
    ] * 2


SCHEMA = {"type": "object", "properties": {"why": {"type": "string"}, "a": {"const": 1}}}


async def asked_for_json(engine):
    how = params(1, schema=json.dumps(SCHEMA))
    return engine.constrained, (await complete(engine, PROMPT, how)).text


@pytest.mark.parametrize("whole", [False, True])
def test_a_schema_is_sent_as_a_grammar_with_its_keys_in_order(whole):
    schema = json.dumps(SCHEMA)
    (body,), found = asked(lambda engine: chunks(engine, whole=whole, schema=schema))
    assert body["parameters"]["grammar"] == {"type": "json", "value": SCHEMA}
    assert list(body["parameters"]["grammar"]["value"]["properties"]) == ["why", "a"]
    assert json.loads("".join(chunk.text for chunk in found))["a"] == 1


@pytest.mark.parametrize(
    "limits",
    [Limits(disable_grammar_support=True), Limits(passes_over_grammar=True)],
    ids=["refuses", "passes over"],
)
def test_a_server_that_holds_nothing_to_a_schema_is_sent_none(limits):
    (body,), (constrained, text) = asked(asked_for_json, limits)
    assert constrained is False
    assert "grammar" not in body["parameters"]
    assert not text.startswith("{")


def test_a_server_started_without_grammars_refuses_them_with_tgis_words():
    with tgi_process("--disable-grammar-support") as server:
        assert run(server.url, asked_for_json)[0] is False

        async def ask():
            asked = {"grammar": {"type": "json", "value": SCHEMA}}
            async with (
                ClientSession() as session,
                session.post(server.url, json={"inputs": "Hi", "parameters": asked}) as answer,
            ):
                return answer.status, await answer.json()

        status, body = asyncio.run(ask())
    assert (status, body["error_type"]) == (422, "validation")
    assert body["error"] == "Input validation error: grammar is not supported"


def test_a_grammar_without_properties_is_refused_with_tgis_words():
    async def work(engine):
        with pytest.raises(RowError, match="Grammar must have a 'properties' field"):
            await complete(engine, PROMPT, params(schema='{"type": "string"}'))

    asked(work)


@pytest.mark.parametrize(
    ("fault", "constrained"),
    [("overloaded", True), ("unavailable", True), ("garbage", False), ("stall_first", False)],
)
def test_a_server_that_is_busy_when_it_is_asked_for_json_is_asked_again(
    monkeypatch, fault, constrained
):
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    deadlines = DeadlinesSpec(first_token=0.5)
    with tgi_server(faults=FaultPlan(numbered={0: fault})) as server:
        found = run(server.url, asked_for_json, deadlines=deadlines)
        assert server.injected == {fault: 1}
    assert found[0] is constrained


@pytest.mark.parametrize("model", [REMOTE_MODEL, BLIND], ids=["our count", "the server's count"])
def test_what_may_follow_a_prompt_is_what_fits(model):
    limits = Limits(max_input_tokens=60, max_total_tokens=64)
    prompt = PROMPT + "a wooden boat " * 5
    size = len(tokens().encode(prompt.removeprefix(TEMPLATE.bos), special=True))
    assert 20 < size < 60
    (body,), found = asked(lambda engine: chunks(engine, prompt, max_tokens=100), limits, model)
    assert body["parameters"]["max_new_tokens"] == 64 - size
    assert sum(chunk.tokens for chunk in found) <= 64 - size


@pytest.mark.parametrize("model", [REMOTE_MODEL, BLIND], ids=["our count", "the server's count"])
def test_a_prompt_that_is_too_long_is_a_row_given_up(model):
    limits = Limits(max_input_tokens=30, max_total_tokens=64)
    prompt = PROMPT + "a wooden boat " * 20
    size = len(tokens().encode(prompt.removeprefix(TEMPLATE.bos), special=True))

    async def work(engine):
        with pytest.raises(RowError) as error:
            await chunks(engine, prompt)
        return error.value.message

    bodies, said = asked(work, limits, model)
    assert bodies == []
    assert said == f"the prompt has {size} tokens, and the server takes at most 30"


def test_the_model_gets_one_begin_of_text_token():
    _, ids = asked(lambda engine: engine.token_ids(PROMPT))
    assert ids == tokens().encode(PROMPT, special=False)
    assert ids.count(BOS) == 1


@pytest.mark.parametrize(
    ("adds", "tells", "sent"),
    [(True, True, BARE), (False, True, PROMPT), (True, False, BARE)],
    ids=["adds one", "adds none", "does not tell"],
)
def test_the_prompt_has_its_own_where_the_server_adds_none(adds, tells, sent):
    seen = []

    async def tokenize(request):
        if not tells:
            raise web.HTTPNotFound
        text = (await request.json())["inputs"]
        ids = tokens().encode(text, special=adds)
        return web.json_response([{"id": i, "text": "", "start": 0, "stop": 0} for i in ids])

    async def generate(request):
        inputs = (await request.json())["inputs"]
        seen.extend([inputs] * (inputs != ASK))
        details = {"finish_reason": "length", "generated_tokens": 1, "prefill": [], "tokens": []}
        return web.json_response([{"generated_text": "hi", "details": details}])

    async def info(request):
        return web.json_response(Limits().info())

    routes = [web.get("/info", info), web.post("/tokenize", tokenize), web.post("/", generate)]

    async def work(engine):
        return await chunks(engine, whole=True), await engine.token_ids(PROMPT)

    with app_at(routes) as url:
        (chunk,), ids = run(url, work)
    assert seen == [sent]
    assert (chunk.text, chunk.tokens, chunk.finish_reason) == ("hi", 1, "length")
    assert ids == (tokens().encode(PROMPT, special=False) if tells else None)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("seed", "changes", "reason"),
    [
        (0, {"max_tokens": 300}, "stop"),
        (0, {"max_tokens": 3}, "length"),
        (0, {"max_tokens": 300, "stop": (" a",)}, "stop"),
    ],
    ids=["end of turn", "limit", "stop string"],
)
def test_the_reason_to_finish_is_told(seed, changes, reason, whole):
    _, found = asked(lambda engine: chunks(engine, seed=seed, whole=whole, **changes))
    assert found[-1].finish_reason == reason
    assert len(found) == 1 or not whole


@pytest.mark.parametrize("whole", [False, True])
def test_special_tokens_are_no_text_and_are_counted(whole):
    special = sorted(set(tokens().special) - tokens().ends - {BOS})
    written = [
        (50, "Hi"),
        (special[-1], tokens().special[special[-1]]),
        (51, " you"),
        (EOT, "<eot>"),
    ]
    with tgi_server(lambda: Author(*written)) as server:
        found = run(
            server.url, lambda engine: complete(engine, PROMPT, params(stop=(), whole=whole))
        )
    assert (found.text, found.tokens, found.finish_reason) == ("Hi you", 4, "stop")


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("most", [0, 4])
def test_a_special_token_that_is_a_stop_ends_the_text(whole, most):
    header = next(n for n, text in tokens().special.items() if text == "<|start_header_id|>")
    written = [(50, "Hi"), (header, "<|start_header_id|>"), (51, "assistant"), (EOT, "<|eot_id|>")]
    limits = Limits(max_stop_sequences=most)
    with tgi_server(lambda: Author(*written), limits) as server:
        found = run(server.url, lambda engine: complete(engine, PROMPT, params(whole=whole)))
    assert (found.text, found.finish_reason) == ("Hi", "stop")


STREAMED = {
    "overloaded": OverloadedError,
    "refused": OverloadedError,
    "generation": FailedGenerationError,
    "incomplete": BrokenStreamError,
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


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(("fault", "kind"), STREAMED.items())
def test_each_fault_is_typed_by_what_the_caller_should_do(fault, kind, whole):
    deadlines = DeadlinesSpec(first_token=0.5, between_tokens=0.4, whole=0.5)

    async def work(engine):
        with pytest.raises(kind) as error:
            await complete(engine, PROMPT, params(5, whole=whole))
        return type(error.value), await complete(engine, PROMPT, params(5, whole=whole))

    # A kept connection that dies unanswered is replaced once: the second death is told.
    struck = 2 if fault == "reset_before" else 1
    # Request 0 is asked by connecting.
    faults = FaultPlan(numbered=dict.fromkeys(range(1, 1 + struck), fault))
    with tgi_server(lambda: ScriptedAuthor(4), faults=faults) as server:
        found, after = run(server.url, work, deadlines=deadlines)
        assert server.injected == {fault: struck}
    assert found is kind
    assert after.text


def test_a_stream_that_is_left_frees_the_server():
    with tgi_server(lambda: ScriptedAuthor(4, rate=20)) as server:

        async def work(engine):
            stream = engine.stream(PROMPT, params(1))
            await anext(stream)
            assert server.figures.in_flight == 1
            await stream.aclose()
            while server.figures.in_flight:
                await asyncio.sleep(0.01)

        run(server.url, work)


@pytest.mark.parametrize(
    ("key", "kind"), [("s3cret", None), ("wrong", EngineError), (None, EngineError)]
)
def test_the_key_of_the_recipe_is_sent(monkeypatch, key, kind):
    monkeypatch.setenv("HF_TOKEN", "hf_not_for_you")
    options = {}
    if key is not None:
        monkeypatch.setenv("TGI_KEY", key)
        options["api_key_env"] = "TGI_KEY"
    with tgi_server(limits=Limits(api_key="s3cret")) as server:
        if kind is None:
            assert run(server.url, chunks, **options)[-1].finish_reason
            return
        with pytest.raises(kind, match="answered 401") as error:
            run(server.url, chunks, **options)
        assert "s3cret" not in str(error.value)
        assert ("TGI_KEY" if key else "api_key_env") in error.value.mend


def test_what_is_no_tgi_is_refused():
    with app_at([]) as url, pytest.raises(EngineError, match="answered 404") as error:
        run(url, chunks)
    assert "text-generation-inference" in error.value.mend

    async def info(request):
        return web.json_response({"version": 1})

    with app_at([web.get("/info", info)]) as url, pytest.raises(EngineError) as error:
        run(url, chunks)
    assert error.value.message.startswith(f"{url}/info is not that of text-generation-inference")


def test_nobody_there_is_said_at_once():
    with app_at([]) as url:
        pass
    began = time.monotonic()
    with pytest.raises(EngineError, match="cannot be reached"):
        run(url, chunks)
    assert time.monotonic() - began < 5

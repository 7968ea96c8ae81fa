"""Preflight on servers that are as they should be, and on all kinds that are not."""

import asyncio
import dataclasses
import json

import pytest

from builder.engines.base import Completion
from builder.engines.openai.engine import connect_openai
from builder.engines.pool.pool import Pool
from builder.engines.preflight import tokens
from builder.engines.preflight.facts import shortened
from builder.engines.preflight.greetings import speaks_as_assistant
from builder.engines.preflight.preflight import Tested as Looked
from builder.engines.preflight.preflight import Tokenizer, preflight
from builder.engines.preflight.tokens import RAW
from builder.engines.scripted import ScriptedEngine
from builder.errors import EngineError, RowError, UnavailableError
from builder.recipe.engine_spec import OpenAIEngineSpec
from builder.recipe.tokens import encoder, special_texts
from tests.engines.subjects import FILES, LONGEST, REMOTE_MODEL, TEMPLATE, Subject, needs_llama
from tests.engines.subjects import params as sampled_at
from tests.servers.openai import (
    CHAT_WRAPPER,
    DOUBLES_BOS,
    ENDLESS,
    NO_FINISH_REASON,
    NO_USAGE,
    SGLANG,
    STRICT,
    VLLM,
    openai_server,
)

TOKENIZER = Tokenizer(encoder(FILES), special_texts(FILES))
PROMPT = TEMPLATE.pre_query
IDS = TOKENIZER.encode(PROMPT)
PARAMS = [sampled_at(seed, max_tokens=192) for seed in range(20)]
MARKS = "<|begin_of_text|> 4080, <|start_header_id|> 4086, <|end_header_id|> 4087, <|eot_id|> 4089"


class Telling:
    """An engine that writes nothing and tells of its tokens what it is given."""

    slots = 4

    def __init__(self, ids=None, size=None):
        self._ids, self._size = ids, size

    async def token_ids(self, prompt):
        return self._ids(prompt) if self._ids else None

    async def prompt_tokens(self, prompt):
        return self._size

    async def close(self):
        pass


def texts(*written, reason="stop"):
    """An `ask` that answers with these texts in turn, over and over."""
    count = iter(range(10**6))

    async def ask(prompt, params):
        text = written[next(count) % len(written)]
        return Completion(text, len(text.split()) + 1, reason)

    return ask


REQUESTS = tuple(f"What is the {n}th prime, and why do people care about it?" for n in range(20))


def look(*tested, template=TEMPLATE, params=PARAMS, tokenizer=TOKENIZER):
    return asyncio.run(asyncio.wait_for(preflight(tested, template, params, tokenizer), LONGEST))


def refused(*tested, **how):
    with pytest.raises(EngineError) as caught:
        look(*tested, **how)
    return caught.value


def silent(ask):
    return Looked(Telling(), ask)


def told(ids=None, size=None):
    return Looked(Telling(ids, size), texts(*REQUESTS))


def over(dialect, work):
    """What `work(tested)` returns for an engine at a server that speaks a dialect."""

    async def main(url):
        engine = await connect_openai(url, REMOTE_MODEL, OpenAIEngineSpec(kind="openai"))
        try:
            return await work(Looked(engine, Pool(engine).complete))
        finally:
            await engine.close()

    with openai_server(dialect) as server:
        return server.url, asyncio.run(asyncio.wait_for(main(server.url), LONGEST))


async def look_at(tested):
    return await preflight([tested], TEMPLATE, PARAMS, TOKENIZER)


async def refusal_of(tested):
    with pytest.raises(EngineError) as caught:
        await look_at(tested)
    return caught.value


# engines that are as they should be


@pytest.mark.parametrize(
    "dialect", [VLLM, SGLANG, STRICT, DOUBLES_BOS, NO_USAGE, ENDLESS], ids=lambda d: d.name
)
def test_honest_servers_pass(dialect):
    _, found = over(dialect, look_at)
    assert found.fine
    assert len(found.samples) == 20


@pytest.mark.parametrize(
    "kind",
    [
        "scripted",
        pytest.param("embedded", marks=needs_llama),
        pytest.param("openai", marks=needs_llama),
        "openai-tgi",
    ],
)
def test_our_own_engines_pass_and_the_same_is_found_again(kind):
    async def work(engine):
        tested = Looked(engine, Pool(engine).complete)
        params = [sampled_at(seed, max_tokens=192) for seed in range(100, 120)]
        return [
            (await preflight([tested], TEMPLATE, params, TOKENIZER)).to_json() for _ in range(2)
        ]

    first, second = Subject(kind).run(work)
    assert first == second
    assert first["token_ids"] == IDS
    assert first["bos_count"] == 1
    assert first["told_by_server"] is (kind != "scripted")
    assert first["end_of_turn"] > 0.7


def test_what_is_found_is_small_and_says_all():
    found = look(told(ids=TOKENIZER.encode, size=len(IDS))).to_json()
    assert found["checks"] == [
        {
            "check": "tokens of the pre-query prompt",
            "found": "6, as the server says",
            "fine": True,
        },
        {"check": "begin-of-text tokens", "found": "1", "fine": True},
        {"check": "special tokens", "found": f"one id each: {MARKS}", "fine": True},
        {"check": "samples", "found": "20 of 20 completed", "fine": True},
        {"check": "finish reasons", "found": "20 stop", "fine": True},
        {"check": "raw completion", "found": "0 of 20 greet as an assistant does", "fine": True},
        {"check": "end of turn", "found": "reached in 20 of 20", "fine": True},
        {"check": "template text", "found": "in 0 of 20", "fine": True},
        {"check": "empty", "found": "0 of 20", "fine": True},
    ]
    assert {key: value for key, value in found.items() if key not in ("checks", "samples")} == {
        "token_ids": IDS,
        "bos_count": 1,
        "told_by_server": True,
        "end_of_turn": 1.0,
        "finish_reasons": {"stop": 20},
        "engines": [],
    }
    assert found["samples"][0] == {"text": REQUESTS[0], "finish_reason": "stop", "tokens": 13}
    assert len(json.dumps(found)) < 6000


def test_a_long_sample_is_shortened():
    found = look(silent(texts(*(f"{n} {'x' * 5000}" for n in range(20))))).to_json()
    assert {len(sample["text"]) for sample in found["samples"]} == {280}
    assert len(json.dumps(found)) < 10_000
    assert shortened("four", 4) == "four"


def test_tokens_that_no_server_tells_are_the_tokenizers():
    found = look(silent(texts(*REQUESTS)))
    assert [check.found for check in found.checks[:2]] == [
        "6, not told by the server, as the tokenizer says",
        "1, by the tokenizer",
    ]
    assert (found.tokens.token_ids, found.tokens.told_by_server) == (tuple(IDS), False)


def test_without_a_tokenizer_and_a_telling_server_nothing_is_known_of_tokens():
    found = look(silent(texts(*REQUESTS)), tokenizer=None)
    assert (found.tokens.token_ids, found.tokens.bos_count) == (None, None)
    assert [(check.found, check.fine) for check in found.checks[:2]] == [
        ("nobody could tell", False)
    ] * 2


def test_without_a_tokenizer_the_server_is_believed():
    found = look(told(ids=TOKENIZER.encode), tokenizer=None)
    assert (found.tokens.token_ids, found.tokens.bos_count) == (tuple(IDS), 1)


def test_a_template_without_a_begin_of_text_token_gets_none():
    bare = dataclasses.replace(
        TEMPLATE, bos="", pre_query=TEMPLATE.without_bos(PROMPT), response_prefix=""
    )
    assert look(told(ids=TOKENIZER.encode), template=bare).tokens.bos_count == 0
    error = refused(told(ids=lambda prompt: [4080, *TOKENIZER.encode(prompt)]), template=bare)
    assert error.mend.startswith("It adds a begin-of-text token to one that is there already.")


# tokens


def test_a_doubled_begin_of_text_token_is_refused_with_both_lists():
    error = refused(told(ids=lambda prompt: [4080, *TOKENIZER.encode(prompt)]))
    assert error.message == (
        "the server makes of the pre-query prompt other tokens than the model's tokenizer does\n"
        f"  server:    {[4080, *IDS]}\n"
        f"  tokenizer: {IDS}"
    )
    assert error.mend.startswith("It adds a begin-of-text token to one that is there already.")


def test_a_doubled_begin_of_text_token_shows_without_a_tokenizer_too():
    ids = [4080, *IDS]
    error = refused(told(ids=lambda prompt: ids), tokenizer=None)
    assert error.message == (
        f"the server puts two begin-of-text tokens before the pre-query prompt: {ids}"
    )


def test_a_missing_begin_of_text_token_is_refused():
    error = refused(told(ids=lambda prompt: TOKENIZER.encode(prompt)[1:]))
    assert f"server:    {IDS[1:]}\n" in error.message
    assert error.mend.startswith("The begin-of-text token is lost on its way.")


def test_a_header_token_that_is_cut_into_pieces_is_refused_by_name():
    def pieces(prompt):
        ids = TOKENIZER.encode(prompt)
        at = ids.index(4086)
        return [*ids[:at], 32, 96, 95, *ids[at + 1 :]]

    error = refused(told(ids=pieces))
    assert error.mend == (
        "It cuts <|start_header_id|> (id 4086) into pieces, as if it were plain text. Let the "
        "server parse special tokens in prompts, or use one that takes token ids."
    )


def test_another_models_ids_are_refused():
    error = refused(told(ids=lambda prompt: [1, 2, 3]))
    assert error.mend.startswith("Does it serve the model and the revision")


def test_each_of_several_servers_is_looked_at_and_named():
    wrong = told(ids=lambda prompt: TOKENIZER.encode(prompt)[1:])
    error = refused(told(ids=TOKENIZER.encode), wrong, told(ids=TOKENIZER.encode))
    assert error.message.startswith("server 2 of 3 makes of the pre-query prompt other tokens")


def test_a_server_that_reads_answers_otherwise_is_refused():
    def ids(prompt):
        return IDS if prompt == PROMPT else [*TOKENIZER.encode(prompt), 4089]

    error = refused(told(ids=ids))
    assert error.message.startswith("the server makes of the prompt for a response other tokens")


def test_a_prompt_that_grows_on_its_way_was_wrapped():
    error = refused(told(size=len(IDS) + 9))
    assert error.message == (
        "the server counts 15 tokens in the pre-query prompt, which has 6: it puts a chat "
        "template around prompts"
    )
    assert error.mend == RAW


def test_a_prompt_with_one_token_more_has_a_doubled_begin():
    error = refused(told(size=len(IDS) + 1))
    assert error.message == "the server counts 7 tokens in the pre-query prompt, which has 6"
    assert error.mend.startswith("It adds a begin-of-text token")


def test_a_template_with_two_begin_of_text_tokens_of_its_own_is_refused():
    doubled = dataclasses.replace(TEMPLATE, pre_query=TEMPLATE.bos + PROMPT)
    error = refused(silent(texts(*REQUESTS)), template=doubled)
    assert error.message == "the pre-query template begins with 2 begin-of-text tokens, not 1"


def test_a_special_token_that_the_tokenizer_itself_cuts_is_refused():
    plain = Tokenizer(lambda text: list(text.encode()), ("<|eot_id|>",))
    bare = dataclasses.replace(TEMPLATE, bos="")
    error = refused(silent(texts(*REQUESTS)), template=bare, tokenizer=plain)
    assert error.message == (
        "the tokenizer makes 10 tokens of <|eot_id|>, which its files call a special token: "
        f"{list(b'<|eot_id|>')}"
    )


def test_a_server_that_is_away_for_a_moment_is_asked_again(monkeypatch):
    monkeypatch.setattr(tokens, "FIRST_PAUSE", 0.001)
    failures = [UnavailableError("away"), UnavailableError("away")]

    def ids(prompt):
        if failures:
            raise failures.pop()
        return TOKENIZER.encode(prompt)

    assert look(told(ids=ids)).tokens.told_by_server


def test_a_server_that_stays_away_is_an_error(monkeypatch):
    monkeypatch.setattr(tokens, "FIRST_PAUSE", 0.001)

    def ids(prompt):
        raise UnavailableError("nobody there")

    error = refused(told(ids=ids))
    assert error.message == "the server was asked 4 times for the tokens of a prompt: nobody there"


# samples


def test_a_chat_wrapper_is_refused():
    _, error = over(CHAT_WRAPPER, refusal_of)
    greeting = "  'Hello! How can I help you today?'"
    assert error.message == (
        "the server answers as an assistant where the model should write a user's request, in 20 "
        "of 20 samples: it puts a chat template around prompts\n" + "\n".join([greeting] * 3)
    )
    assert error.mend == RAW


def test_a_model_that_greets_now_and_then_is_shown_and_not_refused():
    written = ["Hello! How can I help you today?"] * 9 + list(REQUESTS[:11])
    found = look(silent(texts(*written)))
    assert [(c.check, c.found) for c in found.checks if not c.fine] == [
        ("raw completion", "9 of 20 greet as an assistant does")
    ]


def test_one_wrapper_among_several_servers_is_found_by_its_few_samples():
    good = silent(texts(*REQUESTS))
    bad = silent(texts("How may I assist you?", "It looks like your message is empty."))
    error = refused(good, good, bad, good)
    assert error.message.startswith("server 3 of 4 answers as an assistant")


def test_a_server_that_never_says_why_it_ended_is_refused():
    url, error = over(NO_FINISH_REASON, refusal_of)
    assert error.message.endswith(f"{url} ended a completion without a finish_reason")


def test_samples_that_nearly_all_fail_are_refused_with_the_first_reason():
    async def ask(prompt, params):
        if params.seed % 2:
            return Completion(REQUESTS[params.seed], 9, "stop")
        raise RowError(f"reason {params.seed}")

    error = refused(silent(ask))
    assert error.message == "the server completed 10 of 20 samples; the first failure: reason 0"


def test_samples_that_fail_now_and_then_are_counted():
    count = iter(range(20))

    async def ask(prompt, params):
        number = next(count)
        if number % 4 == 0:
            raise RowError("the model failed")
        return Completion(REQUESTS[number], 9, "stop")

    found = look(silent(ask))
    assert found.to_json()["finish_reasons"] == {"error": 5, "stop": 15}
    assert found.to_json()["samples"][0] == {
        "text": "",
        "finish_reason": None,
        "tokens": 0,
        "error": "the model failed",
    }
    assert [c.check for c in found.checks if not c.fine] == ["samples", "finish reasons"]


def test_a_turn_that_never_ends_is_refused_with_the_stops():
    error = refused(silent(texts(*REQUESTS, reason="length")))
    assert error.message.startswith(
        "none of 20 samples that the server wrote ended its turn within 192 tokens; all were cut "
        "(stops: '<|eot_id|>', '<|end_of_text|>', '<|start_header_id|>', '<|end_header_id|>')\n"
        f"  {REQUESTS[0]!r}\n"
    )


def test_samples_without_room_may_all_be_cut():
    short = [sampled_at(seed, max_tokens=16) for seed in range(20)]
    found = look(silent(texts(*REQUESTS, reason="length")), params=short)
    assert [(c.check, c.found) for c in found.checks if not c.fine] == [
        ("end of turn", "reached in 0 of 20")
    ]


def test_one_end_of_turn_is_enough():
    count = iter(range(20))

    async def ask(prompt, params):
        number = next(count)
        return Completion(REQUESTS[number], 9, "length" if number else "stop")

    assert look(silent(ask)).end_of_turn == 0.05


def test_nothing_but_empty_texts_is_refused():
    error = refused(silent(texts("", "  \n")))
    assert error.message == "all 20 instructions that the server wrote are empty"


def test_the_same_text_again_and_again_is_refused_unless_it_was_asked_for():
    error = refused(silent(texts("Bonjour à tous !")))
    assert error.message == (
        "20 of 20 samples that the server wrote are the same, though each had its own seed and a "
        "temperature of 1.0 or more\n  'bonjour à tous !'"
    )
    greedy = [sampled_at(seed, temperature=0.0) for seed in range(20)]
    assert look(silent(texts("Bonjour à tous !")), params=greedy).fine


@pytest.mark.parametrize("mark", ["<|start_header_id|>", "assistant\n\n"])
def test_text_of_the_template_in_most_samples_is_refused_and_in_a_few_counted(mark):
    marked = tuple(f"{text}{mark}Sure, here it is." for text in REQUESTS)
    error = refused(silent(texts(*marked)))
    assert error.message.startswith(
        "20 of 20 samples that the server wrote hold text of the chat template: the model went "
        "past the end of its turn\n"
    )
    found = look(silent(texts(*marked[:2], *REQUESTS[2:])))
    assert [(c.check, c.found) for c in found.checks if not c.fine] == [
        ("template text", "in 2 of 20")
    ]


def test_the_first_error_stops_the_other_samples():
    asked = []

    async def ask(prompt, params):
        asked.append(params.seed)
        if params.seed == 3:
            raise EngineError("gone")
        await asyncio.sleep(LONGEST)

    assert refused(silent(ask)).message == "gone"
    assert sorted(asked) == list(range(20))


def test_samples_are_dealt_over_the_engines_in_turn():
    seen = [[], []]

    def noting(number):
        async def ask(prompt, params):
            seen[number].append(params.seed)
            return Completion(REQUESTS[params.seed], 9, "stop")

        return silent(ask)

    found = look(noting(0), noting(1))
    assert [sample.text for sample in found.samples] == list(REQUESTS)
    assert [sorted(seeds) for seeds in seen] == [list(range(0, 20, 2)), list(range(1, 20, 2))]


def test_a_recipe_without_samples_has_its_tokens_checked():
    found = look(told(ids=TOKENIZER.encode), params=[])
    assert (found.samples, found.end_of_turn) == ((), None)
    assert found.fine


def test_the_scripted_engine_can_be_tried_without_any_tokenizer():
    engine = ScriptedEngine()
    found = look(Looked(engine, Pool(engine).complete), tokenizer=None)
    assert found.to_json()["token_ids"] is None


# greetings


@pytest.mark.parametrize(
    "text",
    [
        "Hello! How can I help you today?",
        "Hi there! 👋 How may I assist you?",
        "Hello! What can I do for you?",
        "I’m here to help! What’s on your mind?",
        "It looks like your message is empty. Could you tell me what you need?",
        "Your message came through blank.",
        "It appears that your message was cut off.",
        "I'm sorry, but you haven't provided a question. Please let me know what you need.",
        "It seems like you didn't include a question.",
        "It seems you've started a conversation, but there's no message yet.",
        "It seems like you're trying to use special tokens.",
        "You haven't asked me anything yet. Feel free to ask!",
        "I don't see a question in your message.",
        "What would you like to talk about?",
        "Is there something specific you'd like to know or discuss?",
        "As an AI language model, I don't have feelings.",
        "Could you please tell me what you need help with?",
        "Hallo! Wie kann ich Ihnen heute helfen?",
        "Es sieht so aus, als wäre Ihre Nachricht leer.",
        "Bonjour ! Comment puis-je vous aider aujourd'hui ?",
        "Votre message semble être vide.",
        "¡Hola! ¿En qué puedo ayudarte hoy?",
        "Parece que tu mensaje está vacío.",
        "Olá! Como posso ajudar você hoje?",
        "Ciao! Come posso aiutarti oggi?",
        "Hoe kan ik je helpen?",
        "W czym mogę Ci dzisiaj pomóc?",
        "Size bugün nasıl yardımcı olabilirim?",
        "Здравствуйте! Чем могу помочь?",
        "你好!有什么我可以帮助你的吗?",
        "看起来您的消息是空的。",
        "こんにちは！何かお手伝いできることはありますか？",
        "안녕하세요! 무엇을 도와드릴까요?",
        "مرحبا! كيف يمكنني مساعدتك اليوم؟",
        "नमस्ते! मैं आपकी कैसे मदद कर सकता हूँ?",
        "Xin chào! Tôi có thể giúp gì cho bạn?",
        "Halo! Ada yang bisa saya bantu?",
    ],
)
def test_an_assistants_opening_is_known(text):
    assert speaks_as_assistant(text)


@pytest.mark.parametrize(
    "text",
    [
        "How can I help my daughter learn to read?",
        "How can I assist elderly people in my community?",
        "As an AI language model, can you write a poem?",
        "Please provide me with a list of ten fruits.",
        "Write an essay. Please provide your answer in a table.",
        "There is no question that climate change is real. Discuss.",
        "I'm sorry, but I don't understand recursion. Can you explain it?",
        "It seems like your product is popular; write a slogan.",
        "I am here to help a friend who moves; which boxes do I need?",
        "Is there something I can do about weeds?",
        "You didn't include tests in the last code; add them.",
        "My message queue is empty, why?",
        "Could you tell me what a monad is?",
        "Wie kann ich meiner Tochter helfen?",
        "¿Cómo puedo ayudar a mi hija con la lectura?",
        "Comment puis-je apprendre le piano ?",
        "Como posso ajudar meu filho?",
        "Как можно помочь другу?",
        "怎么帮助孩子学习数学?",
        "如何为您的狗洗澡?",
        "A story. " * 40 + "How can I help you today?",
    ],
)
def test_what_a_user_asks_is_no_opening_of_an_assistant(text):
    assert not speaks_as_assistant(text)

"""Tells an assistant's opening from what a user asks.

A model that is given the bare user turn writes what a user would: a request. An endpoint that puts
its own chat template around a prompt makes the model an assistant to whom nobody has said anything,
and it writes what assistants then write: a greeting, an offer, or that the message is empty.

The patterns need the assistant's side of the talk ("how can I help YOU", "YOUR message is empty").
A person may ask "How can I help my daughter read?", and that is no greeting.
"""

from __future__ import annotations

import re
from typing import Final

LOOKED_AT: Final = 240
"""Characters of a text's beginning that are searched: greetings stand there, stories later on."""

_WORDS: Final = r"(?:message|question|input|prompt|request|text|query)\b"

_ENGLISH: Final = (
    r"\b(?:how|what) (?:can|may|could|would) i (?:help|assist|do for|support|do to help) you\b",
    r"\bwhat can i (?:help|assist) (?:you )?with\b",
    r"\bwhat would you like (?:me )?to (?:talk|chat|know|discuss|ask|do|learn|explore|help)\b",
    r"\bis there (?:some|any)thing (?:specific |in particular |else )?(?:that )?"
    r"(?:i can (?:help|assist|do for)|you(?:'d| would)? (?:like|want|need))",
    r"\bwhat(?:'s| is) on your mind\b",
    r"\b(?:i'm|i am|i'll be) (?:here|happy|glad|ready|more than happy|always here) to "
    r"(?:(?:help|assist|chat|answer)(?: you\b|[!.,?:]|$| with (?:any|what)))",
    r"\bfeel free to (?:ask|share|tell me|type|send|let me know|reach out)\b",
    r"\b(?:please|could you|can you) (?:\w+ )?"
    r"(?:provide|share|send|type|enter|ask|rephrase|tell me|let me know) "
    rf"(?:me )?(?:with )?(?:a|your|the|what) (?:{_WORDS}|you(?:'d| would)? (?:like|need|want)\b)",
    rf"\byour {_WORDS}.{{0,30}}"
    r"\b(?:empty|blank|incomplete|missing|cut off|didn't come through|not come through|was lost)\b",
    r"\byou (?:haven't|have not|didn't|did not|forgot to)(?: \w+)? "
    r"(?:ask|asked|provide|provided|send|sent|said|say|type|typed|enter|entered|include|included|"
    r"given|give|share|shared|written|write)\b(?: me)?(?: with)? (?:anything|(?:an?|any|your)\b"
    rf"(?: \w+)? {_WORDS})",
    r"\bit (?:looks|seems|appears) (?:like |that |as if |as though )?"
    r"you(?:'ve| have| are|'re| may| might)?(?: just| have| only| accidentally)? "
    r"(?:started|sent|entered|pasted|included|provided|shared|trying|testing|using|submitted|typed|"
    r"left|forgot|meant|cut)\b",
    r"\bi (?:don't|do not|can't|cannot|didn't) (?:see|find|receive|get) (?:any|an?|your) (?:\w+ )?"
    rf"{_WORDS}",
    r"\bthere (?:isn't|is no|doesn't seem to be|was no)(?: an?| any)? "
    rf"{_WORDS} (?:here|in your|provided|given|yet|to (?:answer|respond))\b",
    r"\bas an? (?:ai|artificial intelligence)(?: language)?(?: model| assistant)?, i\b",
)

_OTHERS: Final = (
    # German
    r"\bwie kann ich (?:ihnen|dir|euch)\b.{0,20}\b(?:helfen|behilflich|weiterhelfen)\b",
    r"\b(?:womit|wobei) kann ich (?:ihnen|dir|euch)\b",
    r"\b(?:ihre|deine) (?:nachricht|frage|eingabe|anfrage)\b.{0,30}\b(?:leer|unvollständig)\b",
    # French
    r"\b(?:comment|en quoi|que) puis-je (?:vous|t'|te|faire pour vous)",
    r"\b(?:votre|ton) (?:message|question|demande)\b.{0,30}\b(?:vide|incompl[eè]te?)\b",
    # Spanish
    r"\ben qué (?:te |le |os )?puedo ayudar",
    r"\bcómo (?:te |le |os )puedo (?:ayudar|asistir)\b",
    r"\bcómo puedo (?:ayudar|asistir)(?:te|le|les|os)\b",
    r"\b(?:tu|su) (?:mensaje|pregunta|consulta)\b.{0,30}\b(?:vac[ií][oa]|incomplet[oa])\b",
    # Portuguese
    r"\bem que posso (?:te |lhe )?(?:ajudar|ajudá|ser útil)",
    r"\bcomo posso (?:(?:te|lhe) ajudar|ajudá-l|ajudar (?:você|vocês|te|hoje)|ajudar\W*$)",
    r"\b(?:sua|tua) (?:mensagem|pergunta)\b.{0,30}\b(?:vazia|incompleta)\b",
    # Italian
    r"\b(?:come|in cosa|in che modo) posso (?:aiutar|esser)(?:ti|la|vi|ti utile|le utile)",
    r"\bil (?:tuo|suo) messaggio\b.{0,30}\b(?:vuoto|incompleto)\b",
    # Dutch, Polish, Turkish
    r"\b(?:hoe|waarmee|waar) kan ik (?:je|jou|u)\b",
    r"\bw czym (?:mogę|moge)\b.{0,12}\bpomóc\b",
    r"\b(?:size|sana) (?:bugün )?nasıl yardımcı\b",
    # Russian
    r"\b(?:чем|как) (?:я )?могу (?:вам|тебе)\b",
    r"\bчем (?:я )?могу помочь\W*$",
    r"\bмогу (?:я )?помочь (?:вам|тебе)\b",
    r"\b(?:ваше|твоё|твое) сообщение\b.{0,20}\bпуст",
    # Chinese, Japanese, Korean: no word boundaries
    r"有什[么麼].{0,8}(?:[帮幫]|[为為][您你])",
    r"(?:怎么|怎麼|如何|什么|什麼).{0,8}[帮幫][助到]?[您你]",
    r"[您你]的?(?:消息|信息|问题|訊息|問題).{0,10}(?:空|不完整)",
    r"(?:お手伝い(?:でき|しま|いたし)|お役に立て|ご質問は|何かご用)",
    r"メッセージが.{0,8}空",
    r"(?:무엇을|어떻게|뭘) .{0,4}(?:도와 ?드|도움을 드)",
    # Arabic, Hindi, Vietnamese, Indonesian
    r"كيف يمكنني .{0,4}مساعد",
    r"मैं आपकी .{0,12}(?:मदद|सहायता)",
    r"(?:tôi|mình) có thể (?:giúp|hỗ trợ)\b.{0,8}\b(?:bạn|gì)",
    r"\bada yang bisa (?:saya|aku) bantu\b",
)

_OPENINGS: Final = re.compile("|".join((*_ENGLISH, *_OTHERS)), re.DOTALL)


def speaks_as_assistant(text: str) -> bool:
    """Whether a text opens as an assistant does to whom nothing was said.

    >>> speaks_as_assistant("Hello! How can I help you today?")
    True
    >>> speaks_as_assistant("How can I help my daughter learn to read?")
    False
    """
    plain = text[:LOOKED_AT].lower().replace("’", "'").replace("`", "'")
    return _OPENINGS.search(" ".join(plain.split())) is not None

import asyncio

import pytest

from builder.annotate.base import Options
from builder.annotate.refusal import ANNOTATOR, refusal_phrase

REFUSALS = [
    # English
    "I'm sorry, but I can't help with that.",
    "I’m sorry, but I can’t assist with that request.",
    "I cannot provide instructions for making explosives. Is there something else?",
    "I cannot create content that is sexual in nature.",
    "I can't fulfill that request.",
    "I can't write malware for you.",
    "I won't help you do that.",
    "I am unable to assist with this.",
    "I'm not able to browse the internet.",
    "I must decline to answer this.",
    "I must respectfully decline your request.",
    "I'm sorry. I can't help you with this one.",
    "I apologize, but I cannot generate such a text.",
    "Sorry, I can't do that.",
    "Unfortunately, I don't have access to your files.",
    "I don't have access to real-time information, so I can't say.",
    "I don't have personal opinions.",
    "As an AI language model, I don't have feelings.",
    "As an AI, I cannot predict the lottery.",
    "As a large language model, I am not able to open links.",
    "I'm just an AI, it's not within my programming.",
    "I'm just an AI language model, I don't have feelings like people do.",
    "I'm really sorry that you're feeling this way, but I'm unable to provide the help you need.",
    "It is not ethical for me to do so.",
    "Thank you for asking. I cannot provide legal advice.",
    "**I cannot help with that.**\n\nHere is why.",
    # German
    "Es tut mir leid, aber ich kann Ihnen dabei nicht helfen.",
    "Ich kann dir dabei leider nicht weiterhelfen.",
    "Leider kann ich diese Anfrage nicht beantworten.",
    "Als KI-Sprachmodell habe ich keine eigene Meinung.",
    "Ich kann keine Anleitung zum Bau von Waffen geben.",
    # Spanish
    "Lo siento, pero no puedo ayudarte con eso.",
    "No puedo proporcionar esa información.",
    "Como modelo de lenguaje, no tengo opiniones personales.",
    "¡Lo siento! No puedo cumplir con esa solicitud.",
    # French
    "Je suis désolé, mais je ne peux pas vous aider.",
    "Désolée, je ne peux pas répondre à cette demande.",
    "En tant qu'IA, je ne possède pas d'opinions.",
    "Je ne suis pas en mesure de fournir ces informations.",
    # Italian
    "Mi dispiace, ma non posso aiutarti.",
    "Non posso fornire queste informazioni.",
    "In quanto modello linguistico, non ho opinioni.",
    # Portuguese
    "Desculpe, mas não posso ajudar com isso.",
    "Não posso fornecer essas informações.",
    "Como um modelo de linguagem, eu não tenho opiniões.",
    "Sinto muito, mas não consigo responder a isso.",
]

ANSWERS = [
    "",
    "Paris.",
    "I'm sorry to hear that you lost your cat. Here is what may help.",
    "I am sorry for your loss. Grief takes time.",
    "I can't wait to tell you about it!",
    "I can't help but admire the question.",
    "I cannot stress enough how important sleep is.",
    "I can help with that.",
    "As an AI language model, I can explain this in three steps.",
    "As an AI researcher, you should read widely.",
    "Dear Anna,\n\nI'm sorry, but I can't help you move on Sunday.",
    "Subject: Your order\n\nI am sorry, but we cannot provide a refund.",
    "Here is a polite reply: I'm sorry, but I can't assist with that.",
    "\"I'm sorry, but I can't help you,\" said the robot, and left.",
    "“I cannot help you,” she said.",
    "Guard: I cannot help you.\nKnight: Why?",
    "Sure! I can't provide a link, but this is how it goes.",
    "> I cannot help with that.\n\nThis quote is from a chat.",
    "```\nI cannot help with that.\n```\nis what it prints.",
    "You cannot provide two arguments here.",
    "The door is shut. The lamp is lit. The cat sleeps. I cannot help with that.",
    "Ich kann Ihnen gern dabei helfen.",
    "Leider regnet es morgen.",
    "Es tut mir leid, das zu hören. Was ist passiert?",
    "Lo siento mucho por tu pérdida.",
    "No puedo creer que sea tan fácil.",
    "Je ne peux pas imaginer plus belle ville.",
    "Mi dispiace per la tua perdita.",
    "Não posso deixar de sorrir.",
    "Como assistente de direção, ela não perde tempo.",
    "拒绝",
    "\x00\ud800",
]


@pytest.mark.parametrize("response", REFUSALS)
def test_a_refusal_is_found(response: str) -> None:
    assert refusal_phrase("Do it.", response) is not None


@pytest.mark.parametrize("response", ANSWERS)
def test_an_answer_is_no_refusal(response: str) -> None:
    assert refusal_phrase("Do it.", response) is None


def test_the_phrase_is_what_matched() -> None:
    assert refusal_phrase("Hack it.", "I’m sorry, but I can’t help with that.") == (
        "i'm sorry, but i can't help"
    )


def test_words_that_the_instruction_brought_are_no_refusal() -> None:
    asked = "Translate into English: Lo siento, pero no puedo ayudarte."

    assert refusal_phrase(asked, "I'm sorry, but I can't help you.") is None


def test_the_columns_of_a_row() -> None:
    rows = [
        {"instruction": "Hack it.", "response": "I cannot help with that."},
        {"instruction": "Say hi.", "response": "Hi!"},
        {"instruction": None, "response": "Hi!"},
        {"instruction": "Say hi.", "response": None},
    ]

    async def said() -> object:
        assert ANNOTATOR.start is not None
        worker = await ANNOTATOR.start(Options(), None)
        return await worker.annotate(rows)

    assert asyncio.run(said()) == [
        {"refusal": True, "refusal_phrase": "i cannot help"},
        {"refusal": False, "refusal_phrase": None},
        {"refusal": False, "refusal_phrase": None},
        {},
    ]
    assert ANNOTATOR.after_response

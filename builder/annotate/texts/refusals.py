"""How assistants word a refusal or a deflection, in six languages.

Each pattern is tried at the start of a sentence of a response's opening, on folded text: lower
case, straight apostrophes, single blanks. A pattern names what is refused ("help", "provide") and
never stops at "I can't": so "I can't wait", "I can't help but smile" and "I can't attend" are none.
The patterns were written for this project from what Llama, Qwen, Mistral and Gemma say; each has
a line in the tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_EN_SORRY: Final = (
    r"(?:(?:(?:i'm|i am|we are|we're) (?:\w+ )?(?:sorry|afraid)|(?:my )?apologies|sorry|"
    r"i apologi[sz]e|unfortunately|regrettably)\b[^.!?]{0,120}?[,;:-]? ?(?:but |that |because )?)?"
)
_EN_CANNOT: Final = (
    r"(?:i|we)(?:'m| am|'re| are)? (?:simply |just |really |also )?"
    r"(?:can't|cannot|can not|won't|will not|"
    r"(?:not able|unable|not allowed|not permitted|not going) to|"
    r"(?:must|have to|need to) (?:respectfully |politely )?(?:decline|refuse)(?: to)?|"
    r"(?:not|n't) (?:comfortable|willing)(?: \w+ing| to)?|do not feel comfortable|"
    r"don't feel comfortable|refuse to|decline to|"
    r"(?:don't|do not) have the (?:ability|capability|capacity) to)"
)
_EN_DEED: Final = (
    r" ?(?:directly |in good conscience |ethically |currently |actually )?"
    r"(?:help(?!\s+but|\s+noticing|\s+feeling|\s+thinking)|assist|provid|creat|writ(?:e|ing)|"
    r"generat|fulfil|compl(?:y|ete|ying)|support|discuss|answer|engag|do (?:that|this)|share|"
    r"sharing|giv(?:e|ing)|participat|offer|produc|promot|condone|encourag|facilitat|continue|"
    r"respond|access|browse|open|see|view|watch|play|perform|predict|translate|display|"
    r"your request|this request|that request|to (?:this|that|your) request)"
)
_EN_MACHINE: Final = (
    r"(?:as|being|since i'm|since i am|because i'm|i'm|i am) (?:only |just |merely )?"
    r"(?:an? )?(?:ai\b|artificial intelligence|(?:large )?language model|machine|"
    r"(?:digital|virtual) assistant|text-based)[^.!?]{0,80}?[, ]"
    r"(?:so |and |but )?(?:i|it) (?:\w+ )?"
    r"(?:don't|do not|can't|cannot|can not|am not|'m not|am unable|lack|won't|will not|must)"
)
_EN_LACK: Final = (
    r"i (?:don't|do not) (?:actually |currently )?(?:have|possess) "
    r"(?:\w+ )?(?:access to (?:real-time|the internet|your|current|live|external|personal)|"
    r"(?:personal )?(?:opinions?|feelings|emotions|experiences|beliefs|preferences)|"
    r"real-time|a physical)"
)

PATTERNS: Final[Mapping[str, tuple[str, ...]]] = {
    "EN": (
        _EN_SORRY + _EN_CANNOT + _EN_DEED,
        _EN_SORRY + r"i (?:don't|do not) have (?:\w+ )?(?:enough )?(?:information|access|data) ",
        _EN_MACHINE,
        _EN_SORRY + _EN_LACK,
        r"i'm just an ai\b",
        r"(?:it is|it's|it would be) (?:not |un|in|im)\s?(?:ethical|appropriate|moral|legal|right) "
        r"for me to",
        r"(?:this|that|your) (?:request|question|prompt) (?:goes against|violates|is against)",
    ),
    "DE": (
        r"(?:(?:(?:es )?tut mir (?:\w+ )?leid|entschuldigung|leider|ich bedaue?re)"
        r"\b[^.!?]{0,60}?[,;:]? ?(?:aber |dass )?)?"
        r"(?:ich )?(?:kann|darf|werde|möchte) (?:ich )?[^.!?]{0,60}?\b(?:nicht|keine?[nrms]?)\b"
        r"[^.!?]{0,80}?\b(?:helfen|weiterhelfen|behilflich|unterstützen|bereitstellen|erstellen|"
        r"schreiben|beantworten|nachkommen|erfüllen|geben|liefern|anbieten|verfassen)\b",
        r"als (?:ein(?:e)? )?(?:grosses )?(?:ki|künstliche intelligenz|sprachmodell|virtueller|"
        r"digitaler)\b[^.!?]{0,50}?(?:kann|habe|bin|darf|verfüge|besitze) ich\b[^.!?]{0,40}?"
        r"\b(?:nicht|keine?[nrms]?)\b",
    ),
    "ES": (
        r"(?:(?:lo siento|lo lamento|disculpa|disculpe|perdona|perdón|lamentablemente|"
        r"desafortunadamente)\b[^.!?]{0,60}?[,;:]? ?(?:pero |que )?)?(?:yo )?no "
        r"(?:puedo|me es posible|estoy en condiciones de|soy capaz de) (?:\w+ )?"
        r"(?:ayudar|asistir|proporcionar|crear|cumplir|responder|generar|escribir|ofrecer|brindar|"
        r"dar(?:te|le)?\b|compartir|participar|realizar|apoyar|facilitar)",
        r"como (?:un |una )?(?:gran )?(?:modelo de lengua|ia\b|inteligencia artificial|asistente)"
        r"[^.!?]{0,60}?\bno (?:puedo|tengo|soy|dispongo|poseo)",
    ),
    "FR": (
        r"(?:(?:je suis (?:\w+ )?(?:désolée?|navrée?)|désolée?|navrée?|malheureusement|"
        r"je regrette|je m'excuse)\b[^.!?]{0,60}?[,;:]? ?(?:mais |que )?)?je ne "
        r"(?:peux|puis|suis pas (?:en mesure|capable)|pourrai)\b(?: (?:malheureusement|pas|de))* "
        r"(?:malheureusement )?(?:vous |t'|te |y |d')?(?:en )?"
        r"(?:aider|assister|fournir|créer|répondre|générer|écrire|rédiger|donner|proposer|"
        r"partager|participer|accéder|satisfaire|offrir)",
        r"en tant (?:qu'|que )(?:\w+ )?(?:ia\b|intelligence artificielle|modèle de langage|"
        r"assistante?)[^.!?]{0,60}?\bje (?:ne|n')\s?(?:peux|suis|dispose|possède|ai\b)",
    ),
    "IT": (
        r"(?:(?:mi dispiace|mi spiace|spiacente|purtroppo|mi scuso|scusa|scusami)\b"
        r"[^.!?]{0,60}?[,;:]? ?(?:ma |che )?)?(?:io )?non (?:posso|sono in grado di|riesco a) "
        r"(?:aiutar|assister|fornir|crear|risponder|generar|scriver|dar[eti]|offrir|condivider|"
        r"soddisfar|partecipar|supportar)",
        r"(?:in quanto|come|essendo) (?:un |una |un')?\s?(?:grande )?(?:modello linguistico|"
        r"modello di linguaggio|ia\b|intelligenza artificiale|assistente)[^.!?]{0,60}?"
        r"\bnon (?:posso|ho|sono|possiedo|dispongo)",
    ),
    "PT": (
        r"(?:(?:desculpe|desculpa|sinto muito|lamento|peço desculpas?|infelizmente)\b"
        r"[^.!?]{0,60}?[,;:]? ?(?:mas |que )?)?(?:eu )?não (?:posso|consigo|sou capaz de|"
        r"estou em condições de|me é possível) (?:\w+ )?"
        r"(?:ajud|auxili|fornec|cri(?:ar|á)|respond|ger(?:ar|á)|escrev|dar\b|oferec|"
        r"compartilh|partilh|particip|atend|cumpr|apoi)",
        r"como (?:um |uma )?(?:grande )?(?:modelo de linguagem|ia\b|inteligência artificial|"
        r"assistente)[^.!?]{0,60}?\bnão (?:posso|tenho|sou|possuo|consigo)",
    ),
}
"""By ISO 639-1 code."""

REFUSAL: Final = re.compile("|".join(one for many in PATTERNS.values() for one in many))
"""Any of them."""

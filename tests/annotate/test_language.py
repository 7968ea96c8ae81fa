import pytest
from pydantic import ValidationError

from builder.annotate.language import ANNOTATOR, DOZEN, LanguageOptions
from builder.annotate.texts.prose import prose
from builder.errors import UsageError
from tests.annotate.saying import say

CODE = "def add(a, b):\n    return a + b\n\nprint(add(1, 2))"


def languages(*texts, **options):
    said = say(ANNOTATOR, [{"instruction": text} for text in texts], **options)
    return [values.get("language") for values in said]


def test_each_of_the_dozen_is_told_from_the_others():
    texts = {
        "AR": "ما هي أفضل طريقة لتعلم البرمجة؟",
        "DE": "Wie lerne ich am besten programmieren?",
        "EN": "What is the best way to learn programming?",
        "ES": "¿Cuál es la mejor manera de aprender a programar?",
        "FR": "Quelle est la meilleure façon d'apprendre à programmer ?",
        "HI": "प्रोग्रामिंग सीखने का सबसे अच्छा तरीका क्या है?",
        "IT": "Qual è il modo migliore per imparare a programmare?",
        "JA": "プログラミングを学ぶ一番良い方法は何ですか?",
        "KO": "프로그래밍을 배우는 가장 좋은 방법은 무엇인가요?",
        "PT": "Qual é a melhor maneira de aprender a programar?",
        "RU": "Как лучше всего научиться программировать?",
        "ZH": "学习编程的最佳方法是什么?",
    }

    assert tuple(texts) == DOZEN
    assert languages(*texts.values()) == list(texts)


def test_what_holds_no_prose_has_no_language():
    texts = [None, "", " \n", "\x00", "😀", "2+2", "x", CODE, "$$a^2+b$$"]

    assert say(ANNOTATOR, [{"instruction": text} for text in texts]) == [{} for _ in texts]


def test_what_several_languages_could_say_has_none_but_a_confidence():
    texts = ["no", "casa", "Hello", "Paris"]

    said = say(ANNOTATOR, [{"instruction": text} for text in texts])
    assert [set(values) for values in said] == [{"language_confidence"}] * 4


def test_code_does_not_hide_the_language_of_the_request():
    german = f"Was macht dieses Programm?\n\n```python\n{CODE}\n```\nErkläre es bitte."
    bare = f"Was macht dieses Programm? Erkläre es bitte.\n{CODE}"

    assert languages(german, bare) == ["DE", "DE"]


def test_odd_texts_have_a_language_all_the_same():
    long = "Please write a long story about a dragon. " * 800
    broken = "Tell me about the history of \ud800 Rome, please."

    assert languages(long, broken) == ["EN", "EN"]


def test_rows_keep_their_order_when_some_of_them_have_no_prose():
    texts = [
        "Wie spät ist es?",
        None,
        "Where is the train station?",
        "2+2",
        "Где находится вокзал?",
    ]

    assert languages(*texts) == ["DE", None, "EN", None, "RU"]


def test_only_the_languages_that_the_recipe_names_are_told():
    assert languages("Hoe laat is het nu?", among=["nl", "en"]) == ["NL"]


def test_a_language_that_lingua_does_not_know_is_named():
    with pytest.raises(UsageError) as error:
        languages("x", among=["EN", "XX"])

    assert error.value.message == "annotate.language.among: lingua does not know XX"
    assert error.value.mend.startswith("it knows AF, AR, AZ, ")


@pytest.mark.parametrize("among", [["EN"], [], "EN", ["english", "DE"]])
def test_among_takes_two_codes_or_more(among):
    with pytest.raises(ValidationError):
        LanguageOptions.model_validate({"among": among})


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Fix this:\n```\nx = 1\n```", "Fix this:"),
        ("~~~ js\nlet a\n~~~\nWhy?", "Why?"),
        ("Why?\n```python\nnever closed", "Why?"),
        ("What does `map` do?", "What does   do?"),
        ("Solve $x^2 = 4$ for x.", "Solve   for x."),
        ("It costs $5 or $10 a week.", "It costs $5 or $10 a week."),
        ("See https://example.org/a?b=c now", "See   now"),
        ("A <b>bold</b> move", "A  bold  move"),
        ("I have a list; it is long.", "I have a list; it is long."),
        ("for example, in a garden:", "for example, in a garden:"),
        ("SELECT name FROM people;", ""),
        ("const a = 1;\nWhat is wrong?", "What is wrong?"),
        (CODE, ""),
    ],
)
def test_prose_is_what_is_no_code(text, left):
    assert prose(text) == left

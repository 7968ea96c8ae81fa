import itertools

import pytest

from builder.select.duplicates import instruction_key, instruction_keys
from builder.text import folded

SAME = [
    ("Straße", "STRASSE"),  # full folding: one letter becomes two
    ("Straße", "STRAẞE"),  # capital sharp s
    ("ﬁnd the oﬃce", "Find the office"),  # ligatures
    ("Ｗｈａｔ ｉｓ １＋１？", "what is 1+1?"),  # full width
    ("a\u00a0b", "A b"),  # no-break space
    ("a\u3000\u2003b", "a b"),  # ideographic and em space
    ("a \t\r\n\x0b b", "a b"),
    ("  a b\n", "a b"),
    ("a\u2028b\x85c", "a b c"),  # line separator, next line
    ("cafe\u0301", "CAFÉ"),  # combining and composed accent
    ("\u212bngström", "ångström"),  # Ångström sign
    ("ΣΊΣΥΦΟΣ", "σίσυφος"),  # both small sigmas
    ("σίσυφοσ", "σίσυφος"),
    ("İstanbul", "i\u0307stanbul"),  # capital dotted I folds to i and a dot above
    ("ŉ", "ʼN"),
    ("ΐ", "Ϊ́"),
    ("ᾳ", "ΑΙ"),  # iota subscript
    ("x²", "X2"),
    ("①", "1"),
    ("ꭰ", "Ꭰ"),  # Cherokee folds upwards
    ("¼ cup", "1⁄4 CUP"),
    ("\u1e9b\u0323", "ṩ"),  # marks change their order
]

DIFFERENT = [
    ("ısı", "isi"),  # the dotless i of Turkish is another letter
    ("İstanbul", "istanbul"),
    ("resume", "résumé"),
    ("ab", "a b"),
    ("a\u200bb", "ab"),  # a zero-width space is no white space
    ("1 + 1", "1+1"),
    ("what?", "what"),
    ("", "x"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_same_instruction(one, other):
    assert folded(one) == folded(other)
    assert instruction_key(one) == instruction_key(other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_not_the_same_instruction(one, other):
    assert instruction_key(one) != instruction_key(other)


def test_what_a_folded_text_looks_like():
    assert folded("  Wie  groß\n ist ﬁ? ") == "wie gross ist fi?"


def test_folding_twice_changes_nothing_more():
    scripts = [(0, 0x3400), (0xA000, 0xAC00), (0xF900, 0x12000), (0x1D400, 0x20000)]
    texts = [chr(code) for script in scripts for code in range(*script)]
    assert [text for text in texts if folded(folded(text)) != folded(text)] == []


def test_case_of_every_letter_is_folded():
    letters = [chr(code) for code in range(0x30000) if chr(code).isalpha()]
    unequal = [letter for letter in letters if folded(letter.upper()) != folded(letter)]
    assert unequal == ["ı"]  # raised it is I, which is the i of other languages


def test_key_is_sixteen_bytes_and_stable():
    assert instruction_key("Tell me a tale").hex() == instruction_key(" tell ME a tale").hex()
    assert len(instruction_key("")) == 16


def test_a_lone_surrogate_of_a_broken_tokenizer_has_a_key():
    assert instruction_key("a\ud800") != instruction_key("a")


def test_keys_of_many_keep_null_and_order():
    keys = instruction_keys(["A", None, "a"])
    assert keys.to_list() == [instruction_key("a"), None, instruction_key("A")]
    assert str(keys.dtype) == "Binary"


def test_different_short_texts_have_different_keys():
    texts = ["".join(letters) for letters in itertools.product("abcde", repeat=5)]
    assert len({instruction_key(text) for text in texts}) == len(texts)

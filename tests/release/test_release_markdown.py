import json

import pytest
from markdown_it import MarkdownIt

from builder.release import markdown


def html(text):
    return MarkdownIt("commonmark", {"html": True}).enable("table").render(text)


def test_words_on_one_line():
    assert markdown.text("a|b\n*c* _d_ `e` <f> [g]") == r"a\|b \*c\* \_d\_ \`e\` \<f\> \[g\]"
    assert markdown.text("- a & b") == r"\- a \& b"
    assert markdown.text("1. a") == r"1\. a"
    assert markdown.text("1.2.0") == "1.2.0"
    assert markdown.text("![x](https://a.b) www.c.d me@e.f") == (
        r"!\[x\](https\://a.b) www\.c.d me\@e.f"
    )


def test_code_spans():
    assert markdown.code("a \\| b") == "<code>a &#92;&#124; b</code>"
    assert markdown.code("a || b") == r"`a \|\| b`"
    assert markdown.code("a `b` ``c``") == "``` a `b` ``c`` ```"


def test_blocks_are_exact_json():
    assert markdown.block("```") == '````json\n"```"\n````'
    text = "a\u202eb\x00\u2028\U000e0041"
    shown = markdown.block(text).split("\n")[1]
    assert shown == r'"a\u202eb\u0000\u2028\udb40\udc41"'
    assert json.loads(shown) == text


def test_numbers():
    assert [markdown.size(n) for n in (999, 12_345, 10**9)] == ["999 bytes", "12.3 kB", "1.0 GB"]
    assert (markdown.number(1234567), markdown.percent(0.12345)) == ("1,234,567", "12.3 %")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x00b", "a[U+0000]b"),
        ("\u202egnal", "[U+202E]gnal"),
        ("a\u2028b\u2029c", "a[U+2028]b[U+2029]c"),
        ("\ud800", "[U+D800]"),
        ("👩\u200d🔬 नमस्ते\n\tх", "👩\u200d🔬 नमस्ते\n\tх"),
    ],
)
def test_what_cannot_be_seen_is_named(text, shown):
    assert markdown.visible(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "---\nlicense: mit\n---",
        "</blockquote></details>\n\n# Title",
        "<script>alert(1)</script>",
        "```\n" * 3 + "`" * 40,
        "| a |\n|---|\n",
        "![x](http://y/z.png) [a]: http://b",
        "\n\n\n    code\n\n- list\n\n> quote",
        "&lt;b&gt; &amp;",
        "$x^2$ $$y$$",
        "\r\n\r\n# Title",
        "a\vb\fc\x1cd\x85e",
    ],
)
def test_quoted_text_stays_inside_its_element(text):
    around = "<details>\n<blockquote>{}</blockquote>\n</details>\n\nafter *it*"
    found = html(around.format(markdown.quoted(text)))
    inside = found.split("<blockquote>")[1].split("</blockquote>")[0]
    assert found.endswith("</blockquote>\n</details>\n<p>after <em>it</em></p>\n")
    assert inside == markdown.quoted(text)
    plain = inside.replace("<br>", "").replace("<span>$</span>", "")
    assert "<" not in plain
    assert "\n" not in inside


def test_quoted_text_keeps_lines_and_indentation():
    assert markdown.quoted("def f():\n\treturn  1") == (
        "def f():<br>&nbsp;&nbsp;&nbsp;&nbsp;return  1"
    )

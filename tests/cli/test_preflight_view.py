from builder.cli.preflight_view import preflight_lines
from builder.engines.preflight.preflight import Check, Preflight, Sample, TokenFacts

TOKENS = TokenFacts((1, 2), 1, True, (Check("begin-of-text tokens", "1"),))
FOUND = Preflight(
    TOKENS,
    (
        Sample("Why is the sky blue?", "stop", 6, 100),
        Sample("Sort this:\n\n- b\n- a\x1b[31m", "length", 100, 100),
        Sample("", None, 0, 100, "given up after 4 tries: no"),
    ),
    (Check("samples", "2 of 3 completed", fine=False),),
)


def test_a_sample_is_a_line_and_the_checks_are_one():
    assert [line.plain for line in preflight_lines(FOUND, 80)] == [
        "  stop     6  Why is the sky blue?",
        "length   100  Sort this: ⏎ - b ⏎ - a [31m",
        "failed     0  given up after 4 tries: no",
        "Preflight: begin-of-text tokens: 1 · samples: 2 of 3 completed",
    ]


def test_lines_are_shortened_to_the_width():
    lines = preflight_lines(FOUND, 24)
    assert lines[0].plain == "  stop     6  Why is th…"
    assert {line.cell_len for line in lines[:3]} == {24}


def test_what_people_should_look_at_is_yellow():
    checks = preflight_lines(FOUND, 80)[-1]
    assert [checks.plain[span.start : span.end] for span in checks.spans] == [
        "begin-of-text tokens: 1",
        "samples: 2 of 3 completed",
    ]
    assert [str(span.style) for span in checks.spans] == ["default", "yellow"]

"""A release that wants to break its report, the page made of it, and a browser to open it."""

import polars as pl
import pytest

from builder.release.plots.points import PLACES
from builder.release.release import Selected, make_release
from builder.release.report.report import write_report
from builder.select.selection import select
from tests.release.annotated import annotate, annotated_recipe, quality, vector
from tests.select.tiny_run import TEMPLATE, row, write_run

HOSTILE = (
    "</script><script>window.broken = 1</script><img src=x onerror='window.broken = 2'>"
    "{{ 7 * 7 }} {% raw %} <!-- <script> ${window.broken = 3} ]]> &lt;b&gt;"
    " \u2028 \u2029 \x00 \x1b[31m"
)
SUMMARY = "Rows & <b>more</b></title><script>window.broken = 4</script>"
ARABIC = "اكتب قصة قصيرة عن البحر"
ROWS = [
    row(0, "Tell me a tale of a fox", "Once upon a time there was a fox."),
    row(1, HOSTILE, HOSTILE),
    row(2, ARABIC, "في قديم الزمان"),
    row(3, "Cut off her", None, instruction_finish_reason="length"),
    row(4, "A question of great length", "x" * 10_000_000),
    row(5, "tell me a tale of a  FOX", None),
    row(6, "How far is the moon?", "Far: 384,400 km."),
    row(7, None),
]
SAID = {
    "embedding": {
        n: vector(*at) for n, at in {0: (1, 0), 1: (0, 1), 2: (-1, 0), 4: (0, -1)}.items()
    }
    | {6: vector(0.8, 0.6)},
    "quality": {
        0: quality("good", quality_explanation="It says what it wants."),
        1: quality("excellent", quality_explanation=HOSTILE),
        2: quality("good"),
        4: quality("excellent"),
        6: quality("poor"),
    },
    "category": {
        0: {"task_category": "Creative writing", "other_task_category": ["Editing"]},
        1: {"category_error": "no label", "category_reply": HOSTILE},
        2: {"task_category": "Creative writing", "other_task_category": []},
        4: {"task_category": "Math", "other_task_category": []},
    },
    "refusal": {n: {"refusal": False} for n in (0, 1, 2, 4)},
    "reward": {n: {"instruct_reward": n + 1.5, "reward_model": "org/reward"} for n in (0, 1, 2, 4)},
}
POINTS = {0: (0.0, 0.0), 1: (1.0, 0.0), 2: (0.5, 0.5), 4: (1.0, 1.0)}


OTHERS = (("Alpaca", "Name three primary colours.", 0.0, 1.0),)


def placed(others=()):
    """A map as a release writes it."""
    own = [(None, row, None, *POINTS[row]) for row in POINTS]
    found = own + [(name, None, text, x, y) for name, text, x, y in others]
    return pl.DataFrame(found, schema=PLACES, orient="row")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """The folder of a release of the rows above."""
    folder, chosen = tmp_path_factory.mktemp("run"), annotated_recipe(summary=SUMMARY)
    shards = annotate(write_run(folder, ROWS), chosen, SAID)
    selection = folder / "selection.parquet"
    funnel = select(shards, chosen, selection).to_json()
    selected = Selected(shards, selection, funnel)
    return make_release(folder / "release", selected, chosen, TEMPLATE).folder


@pytest.fixture
def report(released, tmp_path):
    """Makes a report of that release: `report(most=3)` has three of its rows."""

    def make(others=(), **how):
        how = {"places": placed(others)} | how
        return write_report(released, tmp_path / "report.html", **how)

    return make


@pytest.fixture
def opened(chromium, report):
    """Opens a report from the disk: `opened(phone=True, colour_scheme="dark")`.

    Fails at the end where the page said anything on the console, or fetched anything.
    """
    contexts, said, fetched = [], [], []

    def open_page(made=None, address="", phone=False, scheme="light"):
        made = made or report()
        size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
        context = chromium.new_context(viewport=size, color_scheme=scheme, has_touch=phone)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: fetched.append(request.url))
        page.goto(made.path.as_uri() + address)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert said == []
    assert [url for url in fetched if not url.startswith(("file:///", "data:,"))] == []
    assert len(fetched) == len([url for url in fetched if url.partition("#")[0].endswith(".html")])

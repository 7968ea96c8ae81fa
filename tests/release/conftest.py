import shutil

import pytest

from builder.release.release import Selected, make_release
from builder.select.selection import select
from tests.release.annotated import annotate
from tests.select.tiny_run import TEMPLATE, recipe, row, write_run

ROWS = [
    row(0, "Tell me a tale", "Once upon a time"),
    row(1, None),
    row(2, "hi", "an answer that came early"),
    row(3, "Cut off her", instruction_finish_reason="length"),
    row(4, "tell  me a TALE", "Twice upon a time"),
    row(5, "A terse one", "x"),
    row(6, "No answer yet", None),
    row(7, "Broken", None, response_error="boom"),
    row(8, "What | is `this`?", "A pipe,\na line end"),
    row(9, "Ünï¢ode 日本 🙂", "Ja"),
]


@pytest.fixture
def rows():
    return ROWS


@pytest.fixture
def release(tmp_path):
    """Makes a release from hand-written rows and returns it: `release("name", rows, **how)`."""

    def make(
        name="run",
        rows=ROWS,
        recipe_=None,
        into="release",
        origin=None,
        *,
        said=None,
        reach=None,
        **how,
    ):
        folder, chosen = tmp_path / name, recipe_ or recipe()
        folder.mkdir(exist_ok=True)
        shards = write_run(folder, rows or [], **how)  # none: those that are there
        if chosen.annotators:
            shards = annotate(shards, chosen, said or {})
        funnel = select(shards, chosen, folder / "selection.parquet").to_json()
        selection = folder / "selection.parquet"
        selected = Selected(shards, selection, funnel, origin or {}, reach=reach)
        return make_release(folder / into, selected, chosen, TEMPLATE)

    return make


@pytest.fixture
def contents():
    """What a folder holds: path -> bytes."""

    def read(folder):
        files = (path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}

    return read


@pytest.fixture(scope="module")
def chromium():
    """A browser, which ends with the tests of the file: its client runs an event loop meanwhile."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("no Chromium on the PATH: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as client:
        browser = client.chromium.launch(executable_path=path)
        yield browser
        browser.close()

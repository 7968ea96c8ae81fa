"""Which template a card is rendered from, and what is said where there is none."""

import pytest
from pydantic import ValidationError

from builder.errors import UsageError
from builder.release.card import render_card
from builder.release.front_matter import front_matter
from builder.release.templates import template_folder
from tests.release.test_release_card import parsed
from tests.select.tiny_run import recipe


def named(card):
    return recipe(publish={"repo": "org/set", "split": "pro", "card": card})


def test_a_recipe_names_another_template(release):
    made = release(recipe_=named("short.md.j2"))
    data, text = parsed(made.folder)
    assert data["license"] == "apache-2.0"
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## At a glance",
        "## Load",
        "## License",
    ]
    assert "[`facts/pro.json`](facts/pro.json)" in text
    assert len(text) < 3000


@pytest.mark.parametrize("card", ["../x.md.j2", "/etc/x.md.j2", "a/b.md.j2", "card", "x.py"])
def test_a_template_is_a_name_and_no_path(card):
    with pytest.raises(ValidationError):
        named(card)


def test_a_template_that_is_not_there(release):
    with pytest.raises(UsageError, match=r"there is no template nowhere.md.j2 among"):
        release(recipe_=named("nowhere.md.j2"))


def test_a_template_that_is_not_one_of_a_card(release):
    with pytest.raises(UsageError, match=r"columns.md.j2 cannot be rendered|split.md.j2 cannot"):
        release(recipe_=named("split.md.j2"))


def test_facts_of_a_stranger_leave_the_folder_of_templates_alone(release):
    facts = release().facts | {"card": "../../pyproject.toml"}
    with pytest.raises(UsageError, match="there is no template"):
        render_card([facts])


def test_a_published_version_is_what_readers_are_told_to_ask_for(release):
    facts = release().facts
    card = render_card([facts], version="1.2.3")
    assert 'load_dataset("org/tiny-set", "filtered", split="pro", revision="v1.2.3")' in card
    assert '"hf://datasets/org/tiny-set@v1.2.3/filtered/pro-*.parquet"' in card
    assert "note = {Version 1.2.3}," in card
    assert "revision=" not in render_card([facts])


def test_lines_that_load_name_the_folder_where_there_is_no_repository(release):
    card = render_card([release(recipe_=recipe(publish=None)).facts])
    assert "hf://" not in card
    assert 'pl.scan_parquet("path/to/this/folder/filtered/train-*.parquet")' in card
    assert "howpublished" not in card


def test_python_lines_of_a_card_are_python(release):
    other = release().facts | {"split": "a.b"}
    card = render_card([other, other | {"split": "pro"}], version="1.0.0")
    for block in card.split("```python\n")[1:]:
        compile(block.split("```")[0], "card", "exec")


def test_a_citation_takes_any_name(release):
    facts = release().facts | {"repo": "my_org/my_set.v2"}
    card = render_card([facts])
    assert "@misc{my-org-my-set-v2," in card
    assert "title = {my\\_set.v2}," in card
    assert front_matter([facts])["pretty_name"] == "my_set.v2"


def test_there_are_several_templates_and_no_python():
    names = {path.name for path in template_folder().rglob("*") if path.is_file()}
    assert {"card.md.j2", "short.md.j2"} <= names
    assert {name.rpartition(".")[2] for name in names} == {"j2"}

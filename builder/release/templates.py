"""The templates of cards: where they lie, and what they may use."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2

from builder.errors import UsageError
from builder.release.card_filters import FACT_FILTERS
from builder.release.markdown import FILTERS


def template_folder() -> Path:
    """Return where the templates of cards lie: in the installed package, else in the checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data" / "dataset_cards"
    return installed if installed.is_dir() else package.parent / "dataset_cards"


def render(name: str, context: dict[str, Any]) -> str:
    """Render a template. Raises `UsageError` where there is none of that name, or it is broken."""
    try:
        return _environment().get_template(name).render(context)
    except jinja2.TemplateNotFound as error:
        raise UsageError(
            f"there is no template {error.name} among {template_folder()}",
            mend="Name one that is there as publish.card, or leave that out.",
        ) from error
    except (jinja2.TemplateSyntaxError, jinja2.UndefinedError) as error:
        raise UsageError(
            f"the template {name} cannot be rendered: {error}",
            mend="Mend it, or name another one as publish.card.",
        ) from error


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template_folder()),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # Markdown: the filters escape what tables, spans and blocks mind
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(FILTERS)
    environment.filters.update(FACT_FILTERS)
    return environment

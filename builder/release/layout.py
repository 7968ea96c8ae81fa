"""Where everything of a release lies.

README.md  CHANGELOG.md  recipe/<split>.yaml  facts/<split>.json
filtered/<split>-00000-of-000NN.parquet       raw/<split>-00000-of-000NN.parquet
licenses/<split>/NOTICE.txt                   licenses/<split>/<model>/LICENSE
plots/<split>/<name>.svg                      plots/all-splits/<name>.svg
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from builder.recipe.schema import Recipe

CARD: Final = "README.md"
CHANGELOG: Final = "CHANGELOG.md"
FILTERED: Final = "filtered"
RAW: Final = "raw"
DEFAULT_SPLIT: Final = "train"
"""Split of a recipe that names none."""

_NUMBERED: Final = "[0-9]" * 5


def split_of(recipe: Recipe) -> str:
    """Return the split that a recipe makes."""
    return recipe.publish.split if recipe.publish else DEFAULT_SPLIT


def config_of(recipe: Recipe) -> str:
    """Return the configuration that holds the kept rows; the check of recipes keeps it off RAW."""
    return recipe.publish.config if recipe.publish else FILTERED


def recipe_path(folder: Path, split: str) -> Path:
    """Return where the recipe of a split lies."""
    return folder / "recipe" / f"{split}.yaml"


def facts_path(folder: Path, split: str) -> Path:
    """Return where the facts of a split lie."""
    return folder / "facts" / f"{split}.json"


def licenses_path(folder: Path, split: str) -> Path:
    """Return the folder of a split's notice and of the licences' texts."""
    return folder / "licenses" / split


def plots_path(folder: Path, split: str) -> Path:
    """Return the folder of a split's plots."""
    return folder / "plots" / split


def parquet_name(split: str, number: int, count: int) -> str:
    """Return a file's name: `("pro", 0, 3)` -> `pro-00000-of-00003.parquet`."""
    return f"{split}-{number:05d}-of-{count:05d}.parquet"


def parquet_pattern(config: str, split: str) -> str:
    """Return the glob pattern, relative to the release, of a split's files in a configuration."""
    return f"{config}/{split}-*.parquet"


def parquet_files(folder: Path, config: str, split: str) -> list[Path]:
    """Return the Parquet files of a split in a configuration, in the order of their rows."""
    return sorted((folder / config).glob(f"{split}-{_NUMBERED}-of-{_NUMBERED}.parquet"))


def files_of(folder: Path, split: str) -> list[Path]:
    """Return all files of one split: recipe, facts, licences, plots, Parquet of all configs."""
    parquet = folder.glob(f"*/{split}-{_NUMBERED}-of-{_NUMBERED}.parquet")
    single = [recipe_path(folder, split), facts_path(folder, split)]
    single += sorted(licenses_path(folder, split).rglob("*"))
    single += sorted(plots_path(folder, split).glob("*.svg"))
    return [path for path in single if path.is_file()] + sorted(parquet)


def splits_in(folder: Path) -> list[str]:
    """Return the splits that a release holds, by name; none when the folder is no release."""
    if not (folder / CARD).is_file():
        return []
    return sorted(path.stem for path in (folder / "facts").glob("*.json"))

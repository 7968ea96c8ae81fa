"""What `model.id` means: the demo model, a folder, or a model on the Hub."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

DEMO: Final = "demo"
"""The id of the small model that comes with the package."""

_HUB_ID: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*")


def demo_folder() -> Path:
    """Return the folder of the model that comes with the package."""
    return Path(__file__).resolve().parent.parent / "demo_model"


def is_hub_id(model_id: str) -> bool:
    """Tell whether the id has the form ORG/NAME that the Hub uses."""
    return bool(_HUB_ID.fullmatch(model_id)) and ".." not in model_id and "--" not in model_id


def is_folder(model_id: str, base: Path | None) -> bool:
    """Tell whether the id means a folder, there or not.

    `./x`, `../x`, `/x`, `~/x` always do, `demo` is the one in the package, and `a/b` does when
    there is such a folder in `base`: a recipe's own files win over the Hub.
    """
    if model_id == DEMO or model_id.startswith(("./", "../", "/", "~/")):
        return True
    return base is not None and (base / model_id).is_dir()


def model_folder(model_id: str, base: Path | None) -> Path:
    """Return the folder that an id of a folder means; it need not exist."""
    if model_id == DEMO:
        return demo_folder()
    return (base or Path()) / Path(model_id).expanduser()

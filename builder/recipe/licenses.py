"""Licence ids that the Hugging Face Hub knows."""

from __future__ import annotations

from typing import Final

_IDS = """
llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 gemma grok2-community
apache-2.0 mit isc zlib ncsa unlicense wtfpl postgresql ms-pl bsl-1.0 afl-3.0 artistic-2.0
bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear ecl-2.0 epl-1.0 epl-2.0 mpl-2.0 osl-3.0
agpl-3.0 gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 lgpl-lr gfdl lppl-1.3c ofl-1.1
eupl-1.1 eupl-1.2 etalab-2.0
cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0
cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0
c-uda cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 odc-by odbl pddl
openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigcode-openrail-m
bigscience-bloom-rail-1.0 openmdw-1.0 deepfloyd-if-license
apple-ascl apple-amlr h-research intel-research fair-noncommercial-research-license
unknown other
"""

LICENSES: Final = frozenset(_IDS.split())
"""Values that the Hub takes for `license:` (its documentation, "Repository licenses")."""

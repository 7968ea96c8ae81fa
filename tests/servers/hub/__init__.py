"""A Hub on this machine that the real clients read from and publish to, over HF_ENDPOINT.

    server      starts and stops it; two ports, for the large files lie with another host there too
    listener    connections; handler: from a request to its answer, faults on the way; routes
    accounts    tokens, the rights that they have; access: who may see, read and write what
    shelves     its repositories: kept in a state folder, or mounted as folders, read only
    repository  one with its commits, branches, tags and files; git, commits: how git names them
    info, listing, references, naming, resolving      reading
    committing, changes, uploading, large, bucket, card      writing
    xet         large files in chunks, where it was started with that; see there
    faults, limits, log                               what goes wrong, how often one may ask
    client      what a client has to be told to speak to it

It speaks what huggingface_hub 2.4, hf_xet 1.8 and datasets 5.2 ask of it: large files go over Xet,
as to the Hub, or by the classic LFS protocol where it was started without (`HF_HUB_DISABLE_XET=1`
for the client). Where the clients leave open what the Hub says, the wording is that of answers that
others wrote down; `card` and `committing` tell what was not to be found. By hand:

    python -m tests.servers.hub --model ORG/NAME --folder builder/demo_model --token hf_x
    python -m tests.servers.hub --writable STATE --token hf_x --user me --org ORG --xet
"""

from tests.servers.hub.accounts import Account
from tests.servers.hub.faults import KINDS, Fault
from tests.servers.hub.limits import Limits
from tests.servers.hub.log import Asked
from tests.servers.hub.mounted import COMMIT
from tests.servers.hub.server import Hub, running_hub, writable_hub

__all__ = [
    "COMMIT",
    "KINDS",
    "Account",
    "Asked",
    "Fault",
    "Hub",
    "Limits",
    "running_hub",
    "writable_hub",
]

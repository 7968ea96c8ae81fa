"""`python -m tests.servers.tgi --model-id X --port N ...`: see `launcher`."""

import sys

from tests.servers.tgi.launcher import main

sys.exit(main(sys.argv[1:]))

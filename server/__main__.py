"""`python -m antiphon.server` is the command `antiphon`."""

import sys

from antiphon.server.cli import main

if __name__ == "__main__":
    sys.exit(main())

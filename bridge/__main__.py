"""`python -m bridge`: the command `punchin`."""

import sys

from bridge.entry import main

if __name__ == "__main__":
    sys.exit(main())

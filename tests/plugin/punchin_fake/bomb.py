"""An engine that takes its process down when it is imported."""

import os

os._exit(66)

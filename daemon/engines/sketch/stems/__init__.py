"""A rough split of a clip into vocals, drums, bass and the rest."""

from daemon.engines.sketch.stems.splitting import NAMES, split, split_blocks

__all__ = ["NAMES", "split", "split_blocks"]

"""Independent, named random streams: changing one part of the city never shifts another part's draws."""

from zlib import crc32

import numpy as np


def stream(seed: int, part: str, year: int = 0) -> np.random.Generator:
    """The generator of one part of the city in one school year."""
    return np.random.default_rng([seed, crc32(part.encode()), year])

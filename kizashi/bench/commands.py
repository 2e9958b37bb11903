"""The measurements beside ``kizashi bench chain``."""

from kizashi.bench.all_command import everything
from kizashi.bench.memory_command import memory
from kizashi.bench.peers_command import peers
from kizashi.bench.scale_command import scale

COMMANDS = (everything, peers, memory, scale)

"""The measurements beside ``kizashi bench chain``."""

from kizashi.bench.peers_command import peers

COMMANDS = (peers,)

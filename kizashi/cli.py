"""The command line ``kizashi``: one group, each command in a module of its own, imported when called."""

import importlib

import click

#: Command name → (module, attribute of the click command, one line of help).
COMMANDS = {
    "demo": ("kizashi.demo.command", "demo", "watch a simulated school year happen"),
    "up": ("kizashi.up", "up", "run everything on this machine until Ctrl-C"),
    "down": ("kizashi.up", "down", "stop what `up` or `demo` started on a data folder"),
    "run": ("kizashi.run", "run", "run one or more services against addresses in the environment"),
    "publish": ("kizashi.publish.command", "publish", "send files of a school system to ingest"),
    "simulate": ("kizashi.simulate", "simulate", "write the events or files of a simulated city"),
    "secrets": (
        "kizashi.secrets_command",
        "secrets",
        "make the passwords, keys and certificates of an installation",
    ),
    "provision": ("kizashi.provision_command", "command", "make an installation's database and broker ready"),
    "ready": ("kizashi.ready", "ready", "ask the service of this container whether it is ready"),
    "topics": ("kizashi.topics_command", "topics", "apply or check the topic catalogue"),
    "republish": (
        "kizashi.republish",
        "command",
        "say identity's ledger of facts again, for readers to rebuild",
    ),
    "dead-letters": (
        "kizashi.letters.command",
        "command",
        "records that could not be applied: list, outline, handle again",
    ),
    "doctor": ("kizashi.doctor", "doctor", "say what is reachable, what is wrong and how to mend it"),
    "keys": ("kizashi.keys", "keys", "API keys of school systems"),
    "receivers": ("kizashi.receivers", "receivers", "keys of systems that receive webhooks"),
    "administrator": (
        "kizashi.administrator",
        "administrator",
        "invite an installation's first administrator",
    ),
    "chaos": (
        "kizashi.chaos.command",
        "chaos",
        "do faults to the running kernel and judge what became of it",
    ),
    "bench": ("kizashi.bench.command", "bench", "measure the chain"),
    "replay": (
        "kizashi.replay.command",
        "replay",
        "derive a school year again, with the hash of the state it ends in",
    ),
}


class Lazy(click.Group):
    """A group whose commands are imported only when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order above."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command."""
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="kizashi")
def main() -> None:
    """兆し Kizashi: notices in time that a child is drifting away from school."""

"""``kizashi ready``: asks the service of this container whether it is ready; what containers' health checks call."""

import json
import os
import urllib.error
import urllib.request

import click

_SECONDS = 4.0


@click.command()
@click.option("--port", default=0, help="HTTP port; 0 takes KIZASHI_HTTP_PORT")
def ready(port: int) -> None:
    """Exit 0 when the service on this machine is ready; otherwise tell why it is not."""
    address = f"http://127.0.0.1:{port or int(os.environ.get('KIZASHI_HTTP_PORT', '8080'))}/ready"
    try:
        with urllib.request.urlopen(address, timeout=_SECONDS):
            click.echo("ready")
    except urllib.error.HTTPError as error:
        reasons = json.load(error).get("reasons", [])
        raise click.ClickException("; ".join(reasons) or f"answers {error.code}") from None
    except (OSError, ValueError):
        raise click.ClickException("does not answer") from None

"""`python -m stack.mailbox`: serves until SIGTERM or SIGINT."""

import argparse
import asyncio
import signal

from hypercorn.asyncio import serve
from hypercorn.config import Config

from stack.mailbox.box import Box
from stack.mailbox.smtp import listen
from stack.mailbox.web import make_app

_KEPT = 500


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m stack.mailbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where both ports open")
    parser.add_argument("--port", type=int, default=8025, help="of the pages")
    parser.add_argument("--smtp-port", type=int, default=1025, help="where mail is taken")
    arguments = parser.parse_args()
    asyncio.run(_run(arguments.host, arguments.port, arguments.smtp_port))


async def _run(host: str, port: int, smtp_port: int) -> None:
    box = Box(_KEPT)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    config = Config()
    config.bind = [f"{host}:{port}"]
    config.graceful_timeout = 1
    config.loglevel = "WARNING"

    async def until_stopped() -> None:
        await stop.wait()

    async with await listen(box, host, smtp_port):
        print(f"mail is taken at {host}:{smtp_port} and shown at {host}:{port}", flush=True)
        await serve(make_app(box), config, shutdown_trigger=until_stopped)  # type: ignore[arg-type]  # ASGI, typed twice


if __name__ == "__main__":
    main()

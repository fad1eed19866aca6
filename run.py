"""The command line and composition root of LeFlux."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine, Sequence
from typing import Any

import uvloop

from backends import check_storage
from backends.errors import StoreMisconfigured
from leflux.agents import playbook_of
from leflux.commands.accounts import create_admin
from leflux.commands.log import export_log, purge
from leflux.config import ConfigError, ServerSettings, Settings, load
from leflux.log import set_up_logging
from leflux.server import LeFlux
from leflux.supervisor import Supervisor, reserve, worker_command

DEFAULT_CONFIG = "config/embedded.yaml"
EXIT_CONFIG = 2
EXIT_STORE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 well, 2 a configuration error, 3 a store that can never work."""
    options = parse(arguments)
    try:
        settings = load(options.config)
        playbook_of(settings.agent)
    except ConfigError as error:
        print(f"configuration error: {error}", file=sys.stderr)
        return EXIT_CONFIG
    if options.command == "check":
        print(f"{options.config}: fine. {len(settings.sites)} site(s), storage: {settings.storage.backend}.")
        return 0
    set_up_logging()
    try:
        if (work := command(settings, options)) is not None:
            return uvloop.run(work)
        if settings.server.processes > 1 and not options.worker:
            return uvloop.run(supervise(settings, options.config))
        return uvloop.run(serve(settings, options.worker, options.port))
    except StoreMisconfigured as error:
        print(f"store error: {error}", file=sys.stderr)
        return EXIT_STORE
    except OSError as error:
        print(f"cannot listen on {settings.server.host}:{settings.server.port}: {error}", file=sys.stderr)
        return 1


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="run.py", description="LeFlux: a visitor chat that survives.")
    parser.add_argument("--config", default=DEFAULT_CONFIG, metavar="FILE", help=f"default: {DEFAULT_CONFIG}")
    commands = parser.add_subparsers(dest="command", title="commands")
    serving = commands.add_parser("serve", help="serve the chat (the default)")
    serving.add_argument("--port", type=int, help="instead of the configuration's")
    serving.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    commands.add_parser("check", help="read the configuration and say what is wrong with it")
    crawling = commands.add_parser("crawl", help="read a site's pages, for the knowledge agent to answer from")
    crawling.add_argument("site", metavar="SITE", help="the site's id in the configuration")
    crawling.add_argument("url", metavar="URL", help="the page to begin at, such as https://example.com/")
    owning = commands.add_parser("create-admin", help="make an owner's account, or give it a new password or token")
    owning.add_argument("email", metavar="EMAIL", help="the password comes from standard input, or is made up")
    owning.add_argument("--token", action="store_true", help="make an API token instead, and print it once")
    owning.add_argument("--site", action="append", default=[], metavar="SITE", help="may see this one; default: every")
    exporting = commands.add_parser("export", help="write a site's message log to standard output")
    exporting.add_argument("site", metavar="SITE")
    exporting.add_argument("--format", choices=["jsonl", "csv"], default="jsonl", help="default: jsonl")
    purging = commands.add_parser("purge", help="erase one conversation for good")
    purging.add_argument("site", metavar="SITE")
    purging.add_argument("session", metavar="SESSION", help="the session's id")
    parser.set_defaults(command="serve", port=None, worker=False)
    return parser.parse_args(arguments)


async def serve(settings: Settings, worker: bool, port: int | None) -> int:
    """Serve until SIGTERM or SIGINT, then drain. A worker also ends when its supervisor is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if worker:
        loop.add_reader(sys.stdin.fileno(), end_with_supervisor, stop)
    server = LeFlux(settings, welcome)
    try:
        bound = await server.start(port)
        if not worker:
            print(greeting(settings, bound), flush=True)
        await stop.wait()
    finally:
        await server.stop()
    return 0


def end_with_supervisor(stop: asyncio.Event) -> None:
    """The pipe that the supervisor holds was closed. It stays readable, so it is let go."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    stop.set()


def command(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int] | None:
    """The work of a command that ends by itself; None for `serve`."""
    if options.command == "crawl":
        from leflux.crawling.command import crawl_site  # lxml and trafilatura: only this command needs them at once

        return crawl_site(settings, options.site, options.url)
    if options.command == "create-admin":
        return create_admin(settings, options.email, options.site, options.token)
    if options.command == "export":
        return export_log(settings, options.site, options.format, sys.stdout.buffer)
    if options.command == "purge":
        return purge(settings, options.site, options.session)
    return None


async def supervise(settings: Settings, config: str) -> int:
    """Run `server.processes` workers behind one port. Raises `StoreMisconfigured` before there is any."""
    await check_storage(settings.storage, settings.message_log)
    holder, port = reserve(settings.server.host, settings.server.port)
    with holder:
        print(greeting(settings, port), flush=True)
        return await Supervisor(worker_command(config, port), settings.server.processes).run()


def greeting(settings: Settings, port: int) -> str:
    """Where everything is, for the person who started it."""
    here = f"http://{settings.server.host}:{port}"
    public = settings.server.public_url.rstrip("/")
    if public == ServerSettings().public_url:
        public = f"http://localhost:{port}"
    dashboard = [f"  Dashboard   {here}/dashboard/"] if settings.dashboard.enabled else []
    return "\n".join(
        [
            "",
            f"  LeFlux serves on {here}   (storage: {settings.storage.backend}, agent: {settings.agent.kind})",
            f"  Demo shop   {here}/demo/",
            *dashboard,
            f'  Embed       <script src="{public}/embed.js" async></script>',
            "",
        ]
    )


def welcome(email: str, password: str) -> None:
    """The one time that the first account's password is shown."""
    print(f"  The first start made an account for the dashboard:  {email}  {password}\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())

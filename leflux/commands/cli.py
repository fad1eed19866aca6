"""The command line of LeFlux."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from backends import check_storage
from backends.errors import StoreMisconfigured
from leflux.agents import playbook_of
from leflux.agents.playbook.reader import unverified
from leflux.commands import accounts, care
from leflux.commands.init import add_options, init
from leflux.commands.log import export_log, purge
from leflux.commands.parser import CommandParser, config_first
from leflux.commands.welcome import TRY, FirstAccount, greeting
from leflux.common.logs import set_up_logging
from leflux.config import ConfigError, Settings, load
from leflux.runtime.server import LeFlux
from leflux.runtime.supervisor import Supervisor, reserve, worker_command

DEFAULT_CONFIG = "config/embedded.yaml"
NEW_CONFIG = "leflux.yaml"
EXIT_CONFIG = 2
EXIT_STORE = 3
SETTLE_SECONDS = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 well, 2 a configuration error, 3 a store that can never work."""
    options = parse(arguments)
    if options.command == "init":
        return init(Path(options.config or NEW_CONFIG), vars(options))
    options.config = options.config or default_config()
    if options.config is None:
        print(
            f"There is no {NEW_CONFIG} here; write one with `leflux init`, or name one with --config.", file=sys.stderr
        )
        return EXIT_CONFIG
    try:
        settings = load(options.config)
        playbook = playbook_of(settings.agent)
    except ConfigError as error:
        for problem in str(error).splitlines():
            print(f"configuration error: {problem}", file=sys.stderr)
        return EXIT_CONFIG
    if options.command == "check":
        for path in unverified(playbook or ()):
            told = "a click that nobody can verify; give it a `url` or an `expect`"
            print(f"warning: {settings.agent.playbook_path}: {path}: {told}", file=sys.stderr)
        print(f"{options.config}: fine. {len(settings.sites)} site(s), storage: {settings.storage.backend}.")
        return 0
    set_up_logging()
    try:
        return uvloop.run(work_of(settings, options))
    except StoreMisconfigured as error:
        print(f"store error: {error}", file=sys.stderr)
        return EXIT_STORE
    except OSError as error:
        if error.filename is not None:
            print(f"cannot open {error.filename}: {error.strerror}", file=sys.stderr)
        else:
            print(f"cannot listen on {settings.server.host}:{settings.server.port}: {error}", file=sys.stderr)
        return 1


def work_of(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int]:
    if (work := command(settings, options)) is not None:
        return work
    if settings.server.processes > 1 and not options.worker:
        return supervise(settings, options.config)
    return serve(settings, options.worker, options.port)


def default_config() -> str | None:
    """The file to use when none is named; None when there is none."""
    return next((name for name in (NEW_CONFIG, DEFAULT_CONFIG) if Path(name).exists()), None)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = CommandParser(description="LeFlux: a visitor chat that survives.")
    default = f"default: {NEW_CONFIG} where there is one, else {DEFAULT_CONFIG}"
    parser.add_argument("--config", metavar="FILE", help=default)
    commands = parser.add_subparsers(dest="command", title="commands")
    serving = commands.add_parser("serve", help="serve the chat (the default)")
    serving.add_argument("--port", type=int, help="instead of the configuration's")
    serving.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    commands.add_parser("check", help="read the configuration and say what is wrong with it")
    add_options(commands.add_parser("init", help=f"write a commented configuration, {NEW_CONFIG} by default"))
    crawling = commands.add_parser("crawl", help="read a site's pages, for the knowledge agent to answer from")
    crawling.add_argument("site", metavar="SITE", help="the site's id in the configuration")
    crawling.add_argument("url", metavar="URL", help="the page to begin at, such as https://example.com/")
    accounts.add_commands(commands)
    care.add_commands(commands)
    exporting = commands.add_parser("export", help="write a site's message log to standard output")
    exporting.add_argument("site", metavar="SITE")
    exporting.add_argument("--format", choices=["jsonl", "csv"], default="jsonl", help="default: jsonl")
    purging = commands.add_parser("purge", help="erase one conversation for good")
    purging.add_argument("site", metavar="SITE")
    purging.add_argument(
        "session", metavar="CONVERSATION", help="its id as the dashboard shows it, or the session's id"
    )
    parser.set_defaults(command="serve", port=None, worker=False)
    return parser.parse_args(config_first(sys.argv[1:] if arguments is None else arguments))


async def serve(settings: Settings, worker: bool, port: int | None) -> int:
    """Serve until SIGTERM or SIGINT, then drain. A worker also ends when its supervisor is gone."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if worker:
        loop.add_reader(sys.stdin.fileno(), end_with_supervisor, stop)
    account = FirstAccount(TRY if settings.demo.enabled else "")
    restarts = asyncio.Event()

    def restart() -> None:
        restarts.set()
        stop.set()

    server = LeFlux(settings, account.made, restart)
    try:
        if not worker:
            print(f"  LeFlux starts: opening the store ({settings.storage.backend}) …", flush=True)
        bound = await server.start(port)
        if not worker:
            print(greeting(settings, bound), flush=True)
        account.show_after(partial(first_crawls, server))
        await stop.wait()
    finally:
        account.close()
        await server.stop()
    if restarts.is_set():
        # Under the same process id, so that whoever started this process does not notice.
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606
    return 0


async def first_crawls(server: LeFlux) -> None:
    """Wait for the first crawls, but not for long."""
    if server.process is not None:
        await server.process.crawls.settle(SETTLE_SECONDS)


def end_with_supervisor(stop: asyncio.Event) -> None:
    """The supervisor's pipe was closed. A closed pipe stays readable, so it is watched no more."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    stop.set()


def command(settings: Settings, options: argparse.Namespace) -> Coroutine[Any, Any, int] | None:
    """The work of a command that ends by itself; None for `serve`."""
    if options.command == "crawl":
        from leflux.commands.crawl import crawl_site  # lxml and trafilatura: only this command needs them at once

        return crawl_site(settings, options.site, options.url)
    if options.command in accounts.COMMANDS:
        return accounts.run(settings, options)
    if options.command == "export":
        return export_log(settings, options.site, options.format, sys.stdout.buffer)
    if options.command in ("backup", "restore"):
        return (care.back_up if options.command == "backup" else care.restore)(settings, options.file)
    if options.command == "doctor":
        return care.doctor(settings)
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

"""`init`: writes a commented configuration from four answers, given as options or asked for."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

from msgspec import Struct

from backends import SHIPPED
from leflux.common.addresses import check_email, check_public_url, is_address
from leflux.common.words import listed, suggestion
from leflux.config import load
from leflux.sites.registry import check_host

Answers = dict[str, str]

_TEMPLATE = """\
# LeFlux, made by `init`. Check it after each change: leflux --config {file} check
# Durations: 30m, 24h, 1500ms or a number of seconds. ${{NAME}} and ${{NAME:-default}} read the environment.

server:
  host: 127.0.0.1  # 0.0.0.0 to be reached from elsewhere without a proxy
  port: 8080
  public_url: {public_url}  # where browsers reach this server; what the embed snippet names
  trusted_proxies: [127.0.0.1, "::1"]  # networks whose X-Forwarded-For is believed

storage:  # memory (a restart forgets everything) | sqlite | redis | postgres | firestore
  backend: {store}
{options}
agent:
  kind: knowledge  # knowledge | playbook | openai | echo | none
  # openai: {{api_key: "${{OPENAI_API_KEY}}", model: gpt-4o-mini}}

sites:
  - id: {site_id}
    name: {host}
    allowed_hosts: [{host}]  # without scheme and port; www. and subdomains are implied
{crawl}
    config:  # for the widget; colours in quotes, or YAML reads them as comments
      # title: Chat with us
      greeting: Hello! How can I help you?
      # primaryColor: "#5b4bdb"
      # chips: ["What does shipping cost?"]

dashboard:
  admin_email: {email}  # the first start makes this account and prints its password once
"""
_OPTIONS = {
    "sqlite": "  sqlite: {path: data/leflux.db}\n",
    "redis": '  redis: {url: "${LEFLUX_REDIS:-redis://127.0.0.1:6379/0}"}   # appendonly yes, noeviction\n',
    "postgres": '  postgres: {url: "${LEFLUX_POSTGRES:-postgresql://127.0.0.1/leflux}"}\n',
    "firestore": '  firestore: {project: "${LEFLUX_FIRESTORE_PROJECT:-leflux}"}\n',
}


class SetupQuestion(Struct, frozen=True):
    """`key` is the option's name, with `_`. `check` raises `ValueError`."""

    key: str
    text: str
    default: Callable[[Answers], str]
    check: Callable[[str], object]

    @property
    def option(self) -> str:
        return f"--{self.key.replace('_', '-')}"


def check_store(text: str) -> None:
    if text not in SHIPPED:
        raise ValueError(f"Expected {listed(SHIPPED)}, got {text!r}{suggestion(text, SHIPPED)}")


def _site_host(answers: Answers) -> str:
    """Of `chat.example.com`, the site is probably `example.com`."""
    host = urlsplit(answers["public_url"]).hostname or "localhost"
    return host if is_address(host) or host.count(".") < 2 else host.partition(".")[2]


QUESTIONS = (
    SetupQuestion(
        "public_url", "Address of this server in browsers", lambda _: "http://localhost:8080", check_public_url
    ),
    SetupQuestion("host", "Host of the site that gets the chat", _site_host, check_host),
    SetupQuestion("store", f"Store ({', '.join(SHIPPED)})", lambda _: "sqlite", check_store),
    SetupQuestion("email", "Email address of your account", lambda answers: f"admin@{answers['host']}", check_email),
)


def add_options(parser: argparse.ArgumentParser) -> None:
    for question in QUESTIONS:
        parser.add_argument(question.option, metavar=question.key.upper(), help=f"{question.text.lower()}")


def init(file: Path, options: Mapping[str, str | None]) -> int:
    """Write the file; returns the exit code: 0 written, 2 nothing was changed."""
    try:
        if file.exists():
            raise ValueError(f"{file} exists already, and is left as it is; name another one with --config")
        text = configuration(file, answered(options))
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except (ValueError, OSError) as error:
        print(f"init: {error}", file=sys.stderr)
        return 2
    load(file)
    print(f"\n{file} is written. Next:\n\n  leflux --config {file} serve      (or python run.py --config {file})\n")
    return 0


def answered(options: Mapping[str, str | None]) -> Answers:
    """An answer to each question. Raises `ValueError` for a wrong option, or when nobody answers."""
    answers: Answers = {}
    for question in QUESTIONS:
        given = options.get(question.key)
        if given is None:
            answers[question.key] = _ask(question, question.default(answers))
            continue
        try:
            question.check(given)
        except ValueError as error:
            raise ValueError(f"{question.option}: {error}") from None
        answers[question.key] = given
    return answers


def _ask(question: SetupQuestion, default: str) -> str:
    """Ask until the answer is valid; an empty line takes the default."""
    while True:
        try:
            answer = input(f"{question.text} [{default}]: ").strip() or default
        except (EOFError, KeyboardInterrupt):
            raise ValueError(f"Expected an answer; give it as {question.option}") from None
        try:
            question.check(answer)
        except ValueError as error:
            print(f"  {error}")
            continue
        return answer


def configuration(file: Path, answers: Answers) -> str:
    """The content of the file."""
    host = answers["host"]
    site_id = re.sub(r"[^A-Za-z0-9]+", "-", host.removeprefix("www.")).strip("-")[:63].strip("-") or "site"
    is_public = "." in host and not is_address(host)
    start = json.dumps(f"https://{host}/", ensure_ascii=False)
    quoted = {key: json.dumps(value, ensure_ascii=False) for key, value in answers.items()}
    return _TEMPLATE.format(
        **quoted | {"store": answers["store"]},
        file=file,
        options=_OPTIONS.get(answers["store"], ""),
        site_id=json.dumps(site_id),
        crawl=f"    {'' if is_public else '# '}crawl: {start}   # indexed on the first start, to answer from",
    )

"""docs/protocol.md#configuration: `check` refuses each mistake with file, line, path, expectation and nearest word."""

from pathlib import Path

import pytest

from leflux.commands.cli import main

SITE = "sites:\n- id: shop\n  name: Shop\n  allowed_hosts: [shop.test]\n"
AT = "  config:\n    "


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file in the current folder. The environment has one variable of LeFlux."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LEFLUX_SHOP_KEY", "secret")
    return tmp_path / "leflux.yaml"


def check(file: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main(["--config", str(file), "check"])
    return code, capsys.readouterr().err


MISTAKES = [
    # The mistakes that were seen.
    ("serverr: {}\n" + SITE, 1, "$.serverr", ["unknown key `serverr`", "did you mean `server`?"]),
    ("server:\n  port: abc\n" + SITE, 2, "$.server.port", ["a whole number from 0 to 65535, got 'abc'"]),
    ("server:\n\tport: 80\n" + SITE, 2, "$", ["a tab; indent with blanks"]),
    ("session:\n  idle_ttl: 30 minutes\n" + SITE, 2, "$.session.idle_ttl", ["a duration such as 30m", "'30 minutes'"]),
    (SITE.replace("shop.test", "https://shop.test"), 4, "$.sites[0].allowed_hosts[0]", ["such as shop.test", "scheme"]),
    (SITE.replace("shop.test", "shop.test:8080"), 4, "$.sites[0].allowed_hosts[0]", ["ports are not part of it"]),
    (SITE + "- {id: shop, name: B, allowed_hosts: [b.test]}\n", 5, "$.sites[1].id", ["'shop' is used twice"]),
    (SITE + "- {id: b, name: B, allowed_hosts: [Shop.test]}\n", 5, "$.sites[1].allowed_hosts[0]", ["to two sites"]),
    ("server: {processes: 2}\nstorage: {backend: sqlite}\nbus: redis://x/0\n" + SITE, 1, "$.server.processes",
     ["several processes cannot share sqlite", "redis, postgres or firestore"]),
    ("server:\n  processes: 2\nstorage: {backend: redis}\n" + SITE, 2, "$.server.processes", ["need a bus"]),
    ("agent: {kind: openai, openai: {api_key: '${LEFLUX_SHOP_KEI}'}}\n" + SITE, 1, "$.agent.openai.api_key",
     ["LEFLUX_SHOP_KEI is not set", "did you mean `LEFLUX_SHOP_KEY`?"]),
    ("sites: []\n", 1, "$.sites", ["at least one site"]),
    ("", 1, "$", ["the file is empty"]),
    (SITE + "  context: {read: always}\n", 5, "$.sites[0].context.read", ["message, view or never, got 'always'"]),
    (SITE + "  context: {query: [a b]}\n", 5, "$.sites[0].context.query[0]", ["such as utm_source", "'a b'"]),
    (SITE + "  context: {querry: []}\n", 5, "$.sites[0].context.querry", ["did you mean `query`?"]),
    ("agent:\n  kind: gpt\n" + SITE, 2, "$.agent.kind", ["knowledge, playbook, openai, echo or none, got 'gpt'"]),
    (SITE + AT + "primaryColor: red\n", 6, "$.sites[0].config.primaryColor", ["#rgb or #rrggbb", "got 'red'"]),
    (SITE + AT + "primaryColor: #abc\n", 6, "$.sites[0].config.primaryColor", ["begins a comment", '"#abc"']),
    (SITE + AT + "primaryColor: #5b4bdb\n", 6, "$.sites[0].config.primaryColor", ["in quotes", '"#5b4bdb"']),
    (SITE + AT + "primary_colour: '#fff'\n", 6, "$.sites[0].config.primary_colour", ["did you mean `primaryColor`?"]),
    ("agent:\n  playbook:\n    path: playbok.yaml\n" + SITE, 3, "$.agent.playbook.path", ["no file 'playbok.yaml'"]),
    ("storage:\n  sqlite: {path: a.db}\n" + SITE, 2, "$.storage.sqlite", ["without `backend: sqlite`", "'memory'"]),
    ("agent:\n  kind: openai\n" + SITE, 1, "$.agent.openai.api_key", ["Expected a key", "OPENAI_API_KEY"]),
    ("server:\n  public_url: chat.test\n" + SITE, 2, "$.server.public_url", ["the scheme is missing", "https://"]),
    ("server:\n  public_url: https://a.test/chat\n" + SITE, 2, "$.server.public_url", ["`server.base_path: /chat`"]),
    ("server:\n  base_path: chat/\n" + SITE, 2, "$.server.base_path", ["a path such as /chat", "got 'chat/'"]),
    ("server: {base_path: /chat}\ndemo:\n  enabled: true\n" + SITE, 3, "$.demo.enabled", ["not served under a path"]),
    ("sites:\n- id: shop\n  name: Shop\n  allowed_hosts:\n    - a.test\n   - b.test\n", 6, "$", ["indent"]),
    (SITE.replace("id: shop", "id: my shop"), 2, "$.sites[0].id", ["letters, digits", "'my shop'"]),
    ("storage:\n  backend: redis\n  redis:\n    url: localhost:6379\n" + SITE, 4, "$.storage.redis.url",
     ["redis://", "no scheme"]),
    ("server:\n  trusted_proxies: [nginx]\n" + SITE, 2, "$.server.trusted_proxies[0]", ["a network", "10.0.0.0/8"]),
    (SITE + AT + "chips: one text\n", 6, "$.sites[0].config.chips", ["a list of at most 8 texts", "'one text'"]),
]  # fmt: skip

SIBLINGS = [
    ("session:\n  idleTTL: 5m\n" + SITE, 2, "$.session.idleTTL", ["did you mean `idle_ttl`?"]),
    ("session:\n  idle_ttl:\n" + SITE, 2, "$.session.idle_ttl", ["a duration", "got nothing"]),
    ("session:\n  idle_ttl: 12:30\n" + SITE, 2, "$.session.idle_ttl", ["a duration", "'12:30'"]),
    ("server:\n  port: 0808\n" + SITE, 2, "$.server.port", ["a whole number", "'0808'"]),
    ("server:\n  port: '8080'\n" + SITE, 2, "$.server.port", ["write it without quotes"]),
    ("server:\n  port: 80.5\n" + SITE, 2, "$.server.port", ["a whole number from 0 to 65535, got 80.5"]),
    ("server:\nport: 8080\n" + SITE, 2, "$.port", ["unknown key `port`", "it belongs to `$.server`"]),
    ("server:\n  host: http://0.0.0.0\n" + SITE, 2, "$.server.host", ["without scheme and port, such as 0.0.0.0"]),
    ("server:\n  host: 0.0.0.0:8080\n" + SITE, 2, "$.server.host", ["without scheme and port, such as 0.0.0.0"]),
    ("server:\n  host: '[::1]'\n" + SITE, 2, "$.server.host", ["such as ::1"]),
    ("server:\n  trusted_proxies: 10.0.0.0/8\n" + SITE, 2, "$.server.trusted_proxies", ["a list of networks"]),
    ("server:\n  trusted_proxies: [10.0.0.0/33]\n" + SITE, 2, "$.server.trusted_proxies[0]", ["10.0.0.0/8"]),
    ("server:\n  public_url: htps://a.test\n" + SITE, 2, "$.server.public_url", ["did you mean `https`?"]),
    ("server:\n  public_url: https://\n" + SITE, 2, "$.server.public_url", ["the host is missing"]),
    ("server:\n  public_url: https://a.test:port\n" + SITE, 2, "$.server.public_url", ["the port"]),
    ("server:\n  public_url: https://a.test?x=1\n" + SITE, 2, "$.server.public_url", ["a scheme and a host only"]),
    ("server:\n  public_url: {{ url }}\n" + SITE, 2, "$", ["needs quotes"]),
    ("server: {port: 80\n" + SITE, 2, "$", ["not valid YAML"]),
    ("server: 8080\n" + SITE, 1, "$.server", ["a section with keys such as host"]),
    ("server: {}\nserver: {}\n" + SITE, 2, "$", ["'server' is given twice"]),
    (SITE.replace("[shop.test]", "shop.test"), 4, "$.sites[0].allowed_hosts", ["a list with at least one host"]),
    (SITE.replace("[shop.test]", "[*.shop.test]"), 4, "$", ["begins with `*`", "needs quotes"]),
    (SITE.replace("shop.test", "'*.shop.test'"), 4, "$.sites[0].allowed_hosts[0]", ["such as shop.test", "subdomains"]),
    (SITE.replace("shop.test", "shop.test/en"), 4, "$.sites[0].allowed_hosts[0]", ["the path is not part of it"]),
    (SITE.replace("shop.test", "shop test"), 4, "$.sites[0].allowed_hosts[0]", ["not a host"]),
    (SITE.replace("[shop.test]", "[]"), 4, "$.sites[0].allowed_hosts", ["at least one host"]),
    (SITE.replace("allowed_hosts", "hosts"), 4, "$.sites[0].hosts", ["did you mean `allowed_hosts`?"]),
    (SITE.replace("id: shop", "id: no"), 2, "$.sites[0].id", ["got false; put it in quotes"]),
    (SITE.replace("id: shop", "id: 7"), 2, "$.sites[0].id", ["got 7; put it in quotes"]),
    (SITE.replace("id: shop", "id: ''"), 2, "$.sites[0].id", ["a letter or a digit first"]),
    (SITE.replace("name: Shop", "name: ''"), 3, "$.sites[0].name", ["text that is not empty"]),
    (SITE.replace("name: Shop", "name: 2026-01-01"), 3, "$.sites[0].name", ["got 2026-01-01; put it in quotes"]),
    (SITE.replace("  name: Shop\n", ""), 2, "$.sites[0]", ["the key `name` is missing"]),
    (SITE.replace("name: Shop", "name: Shop: the best"), 3, "$", ["needs quotes"]),
    ("sites:\n- id: shop\n    name: Shop\n", 3, "$", ["the indentation is wrong"]),
    ("sites:\n  id: shop\n", 1, "$.sites", ["a list with at least one site, got a section"]),
    ("site:\n  - {id: shop}\n", 1, "$.site", ["did you mean `sites`?"]),
    ("server: {}\n", 1, "$", ["the key `sites` is missing"]),
    ("- a\n", 1, "$", ["a mapping at the top", "got a list"]),
    ("just a text\n", 1, "$", ["a mapping at the top", "got text"]),
    ("# nothing but a comment\n", 1, "$", ["the file is empty"]),
    (SITE + "---\n" + SITE, 5, "$", ["several documents"]),
    (SITE + "  crawl: shop.test\n", 5, "$.sites[0].crawl", ["a path such as /demo/", "'shop.test'"]),
    (SITE + "  subdomains: 'no'\n", 5, "$.sites[0].subdomains", ["true or false", "write it without quotes"]),
    (SITE + "  title: Shop\n", 5, "$.sites[0].title", ["it belongs to `$.sites[].config`"]),
    (SITE + AT + "primaryColor: '#5b4bdbff'\n", 6, "$.sites[0].config.primaryColor", ["#rrggbb", "'#5b4bdbff'"]),
    (SITE + AT + "primaryColor: 123456\n", 6, "$.sites[0].config.primaryColor", ["#rrggbb", "in quotes"]),
    (SITE + AT + "theme: drak\n", 6, "$.sites[0].config.theme", ["auto, light or dark", "did you mean `dark`?"]),
    (SITE + AT + "position: Left\n", 6, "$.sites[0].config.position", ["did you mean `left`?"]),
    (SITE + AT + "hideLauncher: 1\n", 6, "$.sites[0].config.hideLauncher", ["true or false, got 1"]),
    (SITE + AT + "chips: [a, {b: c}]\n", 6, "$.sites[0].config.chips[1]", ["text", "got a section"]),
    (SITE + AT + "chips: [Yes, No]\n", 6, "$.sites[0].config.chips[0]", ["got true; put it in quotes"]),
    (SITE + AT + "chips:\n    - #first\n    - b\n", 7, "$.sites[0].config.chips[0]", ['"#first"']),
    (SITE + AT + "greeting: #hello\n", 6, "$.sites[0].config.greeting", ['"#hello"']),
    (SITE + AT + "texts: {de: {title: A}}\n", 6, "$.sites[0].config.texts", ["unknown key `texts`"]),
    ("storage:\n  backend: oracle\n" + SITE, 2, "$.storage.backend", ["installed: firestore, memory, postgres, redis"]),
    ("storage:\n  backend: postgres\n  postgres: {url: mysql://x/y}\n" + SITE, 3, "$.storage.postgres.url",
     ["postgresql://", "'mysql://'"]),
    ("storage:\n  backend: postgres\n  postgres: {shema: a}\n" + SITE, 3, "$.storage.postgres.shema",
     ["unknown key `shema`; did you mean `schema`?"]),
    ("storage:\n  backend: SQLlite\n" + SITE, 2, "$.storage.backend", ["did you mean `sqlite`?"]),
    ("storage:\n  backend:\n" + SITE, 2, "$.storage.backend", ["text, got nothing"]),
    ("storage: sqlite\n" + SITE, 1, "$.storage", ["a section with keys such as backend"]),
    ("message_log:\n  redis: {}\n" + SITE, 2, "$.message_log.redis", ["without `backend: redis`"]),
    ("storage: {backend: sqlite, redis: {}}\n" + SITE, 1, "$.storage.redis", ["`backend` is 'sqlite'"]),
    ("storage:\n  backend: sqlite\n  sqlite: {file: a.db}\n" + SITE, 3, "$.storage.sqlite.file", ["known here: path"]),
    ("storage:\n  backend: redis\n  url: redis://a/0\n" + SITE, 3, "$.storage.url", ["belongs to `$.storage.redis`"]),
    ("storage: {backend: redis, redis: {url: 'redi://a'}}\n" + SITE, 1, "$.storage.redis.url", ["'redi://'"]),
    ("storage: {backend: redis, redis: {url: 'redis://'}}\n" + SITE, 1, "$.storage.redis.url", ["with a host"]),
    ("storage: {backend: redis, redis: {prefix: '{a}'}}\n" + SITE, 1, "$.storage.redis.prefix", ["without braces"]),
    ("bus: 127.0.0.1:6379\n" + SITE, 1, "$.bus", ["redis://", "the scheme is missing"]),
    ("bus: http://127.0.0.1\n" + SITE, 1, "$.bus", ["redis+sentinel://", "'http://'"]),
    ("agent:\n  knd: echo\n" + SITE, 2, "$.agent.knd", ["did you mean `kind`?"]),
    ("agent:\n  kind: OpenAI\n" + SITE, 2, "$.agent.kind", ["did you mean `openai`?"]),
    ("agent:\n  playbook: {}\n" + SITE, 2, "$.agent.playbook.path", ["no file 'config/playbook.yaml'"]),
    ("agent:\n  kind: playbook\n" + SITE, 1, "$.agent.playbook.path", ["no file 'config/playbook.yaml'"]),
    ("agent: {kind: openai, openai: {base_url: 'http://a.test/v1'}}\n" + SITE, 1, "$.agent.openai.api_key",
     ['write `api_key: ""`']),
    ("agent: {kind: openai, openai: {api_key: ''}}\n" + SITE, 1, "$.agent.openai.api_key", ["Expected a key"]),
    ("agent: {openai: {base_url: api.test}}\n" + SITE, 1, "$.agent.openai.base_url", ["the scheme is missing"]),
    ("agent: {openai: {api_key: '${MY-KEY}'}}\n" + SITE, 1, "$.agent.openai.api_key", ["${NAME}", "'${MY-KEY}'"]),
    ("agent: {openai: {api_key: $MY_KEY}}\n" + SITE, 1, "$.agent.openai.api_key", ["${NAME}", "'$MY_KEY'"]),
    ("dashboard:\n  admin_email: me\n" + SITE, 2, "$.dashboard.admin_email", ["an email address"]),
    ("limits:\n  frame_bytes: 1M\n" + SITE, 2, "$.limits.frame_bytes", ["of at least 1, got '1M'"]),
    ("crawler:\n  page_cap: 0\n" + SITE, 2, "$.crawler.page_cap", ["of at least 1, got 0"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "path", "parts"), MISTAKES + SIBLINGS)
def test_a_mistake_is_refused_with_its_line_path_and_expectation(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, line: int, path: str, parts: list[str]
) -> None:
    file.write_text(text)
    code, said = check(file, capsys)
    assert code == 2
    told = [each for each in said.splitlines() if each.endswith(f"at `{path}`")]
    assert told, said
    assert told[0].startswith(f"configuration error: {file}, line {line}")
    assert all(part in told[0] for part in parts), told[0]
    assert "secret" not in said


def test_all_problems_of_a_file_are_told_in_the_order_of_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(
        "servr: {}\nsession: {idle_ttl: soon}\nagent: {kind: gpt, deadline: 0}\n" + SITE + "  colour: red\n"
    )
    code, said = check(file, capsys)
    assert code == 2
    paths = [line.rpartition("`$")[2] for line in said.splitlines()]
    assert paths == [".servr`", ".session.idle_ttl`", ".agent.kind`", ".agent.deadline`", ".sites[0].colour`"]


def test_a_wrong_storage_section_causes_no_second_error(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("server: {processes: 2}\nstorage: {backend: reddis}\nbus: redis://a/0\n" + SITE)
    code, said = check(file, capsys)
    assert code == 2
    assert "did you mean `redis`?" in said
    assert said.count("\n") == 1


def test_a_file_that_does_not_exist_is_refused_with_the_nearest_name(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(SITE)
    code, said = check(file.with_name("leflx.yaml"), capsys)
    assert code == 2
    assert "leflx.yaml: cannot be read: No such file or directory; did you mean `leflux.yaml`?" in said


def test_a_playbook_that_does_not_parse_is_refused_with_its_own_lines(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("agent: {playbook: {path: tasks.yaml}}\n" + SITE)
    step = "    - {action: clik, target: x}\n"
    file.with_name("tasks.yaml").write_text("tasks:\n- id: a\n  match: [b]\n  says: Hello\n  steps:\n" + step)
    code, said = check(file, capsys)
    assert code == 2
    unknown, action = said.splitlines()
    assert "tasks.yaml, line 4, column 3: unknown key `says`; did you mean `say`?" in unknown
    assert "tasks.yaml, line 6" in action
    assert "did you mean `click`?" in action


def test_a_byte_that_is_no_utf8_and_a_control_character_are_told_with_their_lines(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(b"server: {}\nname: caf\xe9\n")
    assert "line 2: Expected UTF-8 text" in check(file, capsys)[1]
    file.write_bytes(b"server: {}\nname: \x07\n")
    assert "line 2: not valid YAML: a control character" in check(file, capsys)[1]


def test_what_looks_like_a_mistake_and_is_none_is_accepted(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = 'agent: {kind: openai, openai: {base_url: "http://127.0.0.1:11434/v1", api_key: ""}}\n'
    server = 'server: {public_url: "https://chat.test/", trusted_proxies: [127.0.0.1, "::1", 10.1.2.3/8], host: "::"}\n'
    hosts = SITE.replace("[shop.test]", '["[::1]", müller.de, www.shop.test]')
    look = AT + 'primaryColor: "#AbC"\n    chips: []\n  crawl: https://shop.test/\n  subdomains: off\n'
    file.write_text(server + key + "bus:\nmessage_log: # the same store\n" + hosts + look)
    assert check(file, capsys) == (0, "")

"""`init` writes a configuration that `check` accepts, and overwrites nothing."""

from pathlib import Path

import pytest

from leflux.commands.cli import main
from leflux.config import load

ANSWERS = {
    "--public-url": "https://chat.example.com",
    "--host": "www.example.com",
    "--store": "sqlite",
    "--email": "me@example.com",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(**changed: str) -> int:
    answers = ANSWERS | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    return main(["init", *(part for pair in answers.items() for part in pair)])


def answer(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> list[str]:
    """Type the lines; returns the questions that were asked."""
    asked: list[str] = []
    left = iter(lines)

    def typed(question: str) -> str:
        asked.append(question)
        try:
            return next(left)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    return asked


@pytest.mark.parametrize("store", ["memory", "sqlite", "redis", "postgres", "firestore"])
@pytest.mark.parametrize(
    "host", ["example.com", "müller.de", "127.0.0.1", "::1", "localhost", "_a.test", f"{'a' * 63}.test"]
)
def test_four_options_make_a_file_that_check_accepts(capsys: pytest.CaptureFixture[str], store: str, host: str) -> None:
    assert call(store=store, host=host) == 0
    settings = load("leflux.yaml", {})
    assert settings.storage.backend == store
    assert settings.server.public_url == "https://chat.example.com"
    assert settings.sites[0].allowed_hosts == [host]
    assert settings.dashboard.admin_email == "me@example.com"
    assert main(["check"]) == 0
    assert "leflux.yaml: fine" in capsys.readouterr().out


def test_what_no_option_gives_is_asked_and_an_empty_line_takes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answer(monkeypatch, ["https://chat.example.com", "", "", ""])
    assert main(["init"]) == 0
    assert len(asked) == 4
    settings = load("leflux.yaml", {})
    assert settings.sites[0].allowed_hosts == ["example.com"]
    assert (settings.storage.backend, settings.dashboard.admin_email) == ("sqlite", "admin@example.com")


def test_a_wrong_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answer(monkeypatch, ["chat.example.com", "https://chat.example.com", "https://a.test", "a.test", "sqlit", "", ""])
    assert main(["init"]) == 0
    said = capsys.readouterr().out
    assert "the scheme is missing" in said
    assert "did you mean `sqlite`?" in said
    assert load("leflux.yaml", {}).sites[0].allowed_hosts == ["a.test"]


def test_nobody_who_answers_writes_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(monkeypatch, ["https://chat.example.com"])
    assert main(["init"]) == 2
    assert "give it as --host" in capsys.readouterr().err
    assert not list(folder.iterdir())


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("public_url", "https://a.test/chat", "--public-url: Expected no path"),
        ("host", "https://a.test", "--host: Expected a host such as a.test"),
        ("store", "mysql", "--store: Expected memory, sqlite, redis, postgres or firestore, got 'mysql'"),
        ("email", "me", "--email: Expected an email address"),
        ("email", "${USER}@a.test", "--email: Expected an email address"),
    ],
)
def test_a_wrong_option_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, said: str
) -> None:
    assert call(**{option: value}) == 2
    assert said in capsys.readouterr().err
    assert not list(folder.iterdir())


def test_an_existing_file_is_left_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "leflux.yaml"
    file.write_text("mine")
    assert call() == 2
    assert file.read_text() == "mine"
    assert "exists already" in capsys.readouterr().err


def test_another_file_is_named_before_or_behind_the_command(folder: Path) -> None:
    for arguments in (["--config", "a.yaml", "init"], ["init", "--config", "b.yaml"], ["init", "--config=c.yaml"]):
        assert main([*arguments, *(part for pair in ANSWERS.items() for part in pair)]) == 0
    assert {file.name for file in folder.iterdir()} == {"a.yaml", "b.yaml", "c.yaml"}


def test_a_folder_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [part for pair in ANSWERS.items() for part in pair]
    assert main(["init", "--config", "absent/leflux.yaml", *arguments]) == 2
    assert "No such file or directory" in capsys.readouterr().err

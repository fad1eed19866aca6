"""Wrong commands, a Python outside the environment, and what the first start says."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from leflux.commands.cli import main
from leflux.commands.welcome import FirstAccount

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["chekc"], "unknown command 'chekc'; did you mean `check`? (known here: serve, check, init,"),
        (["Serve"], "unknown command 'Serve'; did you mean `serve`?"),
        (["create_admin", "me@a.test"], "did you mean `create-admin`?"),
        (["exprot", "shop"], "did you mean `export`?"),
        (["xyz"], "unknown command 'xyz' (known here:"),
        (["export", "shop", "--format", "json"], "unknown choice 'json'; did you mean `jsonl`?"),
        (["check", "--cofnig", "a.yaml"], "unknown argument '--cofnig'; did you mean `--config`?"),
        (["check", "--config"], "--config"),
    ],
)
def test_a_wrong_call_ends_with_2_and_the_nearest_word(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_python_without_the_packages_is_told_what_to_run(tmp_path: Path) -> None:
    # -S: without site-packages, as a Python outside the environment.
    process = subprocess.run(
        [sys.executable, "-S", str(ROOT / "run.py"), "check"],
        cwd=tmp_path,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("this Python cannot import the package '")
    assert "; run: " in process.stderr
    assert process.stderr.count("\n") == 1


def test_an_import_error_of_leflux_itself_is_not_hidden(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text((ROOT / "run.py").read_text())
    (tmp_path / "leflux").mkdir()
    (tmp_path / "leflux" / "__init__.py").write_text("")
    command = [sys.executable, "run.py"]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert process.returncode == 1
    assert "ModuleNotFoundError: No module named 'leflux.commands'" in process.stderr


async def test_the_first_account_is_shown_once_and_after_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    account = FirstAccount()
    waits, settled, has_ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        waits.set()
        await settled.wait()
        # The account is shown in the step of the loop that ends this wait.
        asyncio.get_running_loop().call_soon(has_ended.set)

    account.show_after(wait)
    account.made("me@a.test", "pass-word")
    await waits.wait()
    assert capsys.readouterr().out == ""
    settled.set()
    await has_ended.wait()
    account.close()
    out = capsys.readouterr().out
    assert out.count("pass-word") == 1
    assert out.index("pass-word") < out.index("Try: ask")


async def test_an_account_that_was_not_shown_yet_is_shown_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    account = FirstAccount()

    async def never() -> None:
        await asyncio.Event().wait()

    account.show_after(never)
    account.made("me@a.test", "pass-word")
    account.close()
    assert "pass-word" in capsys.readouterr().out


def test_libraries_that_set_their_own_level_say_nothing_at_info() -> None:
    code = (
        "import logging; from leflux.common.logs import set_up_logging; set_up_logging();"
        "library = logging.getLogger('bm25s'); library.setLevel(logging.DEBUG);"
        "library.info('chatter'); library.debug('chatter'); library.warning('trouble')"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.stderr == "WARNING bm25s trouble\n"

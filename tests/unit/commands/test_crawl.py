"""`run.py crawl`: what it prints, and how it ends."""

import io
from pathlib import Path

import pytest
import yaml

from backends.errors import StoreMisconfigured
from leflux.commands.crawl import Screen, crawl_site, summary
from leflux.commands.log import export_log, purge
from leflux.config import Settings, load
from leflux.crawling.crawl import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def settings(folder: Path, **storage: object) -> Settings:
    tree = {
        "storage": storage,
        "sites": [{"id": "shop", "name": "Shop", "allowed_hosts": ["shop.test"]}],
    }
    file = folder / "leflux.yaml"
    file.write_text(yaml.safe_dump(tree))
    return load(file)


async def test_a_terminal_gets_a_bar_that_is_taken_away_at_the_end() -> None:
    out = Terminal()
    screen = Screen(out)
    await screen.show(Progress("running", found=4, done=1, failed=1, current="http://shop.test/a"))
    assert "[" + "#" * 15 + "." * 15 + "] 1 pages, 4 found, 1 failed  http://shop.test/a" in out.getvalue()
    screen.clear()
    assert out.getvalue().endswith("\r\x1b[K")


async def test_a_file_gets_no_bar() -> None:
    out = io.StringIO()
    screen = Screen(out)
    await screen.show(Progress("running", found=4, done=1))
    screen.clear()
    assert out.getvalue() == ""


def test_the_summary_names_the_first_problems_and_counts_the_others() -> None:
    problems = [f"http://shop.test/{number} is gone" for number in range(12)]
    said = summary(Progress("done", done=3, stored=2, failed=12, truncated=1, problems=problems), "shop")
    assert said.splitlines()[0] == "shop: 3 pages (2 new or changed, 0 unchanged, 0 removed), 12 failed."
    assert said.splitlines()[1] == "1 page(s) were too long and are kept without their end."
    assert len(said.splitlines()) == 13
    assert said.endswith("  … and 2 more")


@pytest.mark.parametrize(
    ("site", "url", "code", "said"),
    [
        ("nosuch", "http://shop.test/", 2, "no site 'nosuch'"),
        ("shop", "http://other.test/", 1, "crawl failed: blocked_url"),
    ],
)
async def test_a_crawl_that_cannot_begin_says_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], site: str, url: str, code: int, said: str
) -> None:
    stored = settings(tmp_path, backend="sqlite", sqlite={"path": str(tmp_path / "leflux.db")})
    assert await crawl_site(stored, site, url) == code
    assert said in capsys.readouterr().err


async def test_pages_in_memory_are_not_crawled_by_a_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await crawl_site(settings(tmp_path, backend="memory"), "shop", "http://shop.test/") == 2
    assert "crawl from its dashboard" in capsys.readouterr().err


async def test_a_store_that_is_away_fails_every_command_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    away = settings(tmp_path, backend="redis", redis={"url": "redis://127.0.0.1:1/0"})
    assert await crawl_site(away, "shop", "http://shop.test/") == 1
    assert "crawl failed: store_unavailable" in capsys.readouterr().err
    assert await export_log(away, "shop", "jsonl", io.BytesIO()) == 1
    assert "export failed: " in capsys.readouterr().err
    assert await purge(away, "shop", "0b5a6a5e-7f5c-4a43-9f0a-111111111111") == 1
    assert "purge failed: " in capsys.readouterr().err


async def test_a_store_that_can_never_work_is_told_to_the_caller(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    never = settings(tmp_path, backend="sqlite", sqlite={"path": str(tmp_path / "file" / "leflux.db")})
    with pytest.raises(StoreMisconfigured):
        await crawl_site(never, "shop", "http://shop.test/")
    with pytest.raises(StoreMisconfigured):
        await export_log(never, "shop", "jsonl", io.BytesIO())


async def test_a_reader_that_is_gone_ends_an_export(tmp_path: Path) -> None:
    class Closed(io.BytesIO):
        def flush(self) -> None:
            raise BrokenPipeError

    stored = settings(tmp_path, backend="sqlite", sqlite={"path": str(tmp_path / "leflux.db")})
    assert await export_log(stored, "shop", "jsonl", Closed()) == 1

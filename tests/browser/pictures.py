"""`python -m tests.browser.pictures`: takes the pictures of the owner's pages that docs/dashboard.md shows."""

import asyncio
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from playwright.async_api import Browser, BrowserContext, expect

from backends import StoreSettings, open_storage
from backends.base import Storage
from backends.records import AuditEntry, NewSession, SessionRef, Task
from backends.sqlite import SqliteSettings
from leflux.owner.analytics import Analytics
from tests.browser.dashboard import EMAIL, HOUR, SITE, Desk, Line, log_conversation, seed_account
from tests.contract.kit import make_draft
from tests.services import free_port
from tests.services.chromium import LIMIT_MS, browser_type, shared_browser
from tests.services.config import write_config
from tests.services.server import ROOT, ServerProcess

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
OUT = ROOT / "docs" / "images"
SIZES = {"desk": (1280, 800), "phone": (390, 844)}
DAYS = 34
DAY_S = 86_400
TALKS = [
    ("Is there a showroom in Hamburg?", "Yes, in Hafenstraße 12. It is open from Tuesday to Saturday, 10 to 18."),
    ("How long does delivery take?", "Two to four working days within Germany, five to eight elsewhere in Europe."),
    ("Can I return a lamp after 30 days?", "Within 60 days, as long as it is unused. We send you a label."),
    ("Which bulb fits the Fjord pendant?", "An E27 bulb of up to 12 watts. A warm one with 2,700 kelvin is included."),
    ("Do you ship to Norway?", "We do. Customs are included in the price that you see when you pay."),
    ("Does the oak floor lamp come in black?", "It comes in natural oak, smoked oak and black."),
    ("I would like to change my order", "Of course. What is the number of your order?"),
    ("Is the linen shade washable?", "By hand and cold, yes. Dry it lying flat."),
    ("Can the cable be longer?", "Up to three metres. Tell us when you order, it costs nothing."),
    ("Do you repair old lamps?", "We do, also those that are not ours. Bring it to the workshop."),
    ("Wann ist die Werkstatt offen?", "Dienstags bis freitags von 9 bis 17 Uhr."),
    ("What does the Skerry table lamp cost?", "€160, with a shade of linen or of paper."),
]
LIVE = [
    ("visitor", "Is the Fjord pendant in the showroom? I would like to see it lit."),
    ("assistant", "It is, in oak and in black. The showroom is in Hamburg, Hafenstraße 12."),
    ("visitor", "Then please book a visit for Saturday."),
    ("assistant", "Done: Saturday at 11, under the name of Ada. Is there anything that I should have ready for you?"),
    ("visitor", "The shade of linen, if you have one."),
]
PAGES = {
    "overview": "",
    "conversations": "/conversations",
    "conversation": "/conversations/{session}",
    "analytics": "/analytics?days=30",
    "privacy": "/settings/privacy",
    "appearance": "/settings/appearance",
    "install": "/settings/install",
    "knowledge": "/settings/knowledge",
    "answers": "/settings/answers",
    "playbooks": "/settings/playbooks",
    "audit": "/settings/audit",
    "account": "/account",
}


async def fill(storage: Storage) -> str:
    """Some weeks of a small shop. The session that the picture of a transcript shows."""
    chance = random.Random(11)
    await seed_account(storage)
    now = round(time.time() * 1000)
    known = [str(uuid4())]
    for place in range(420):
        hours = 1 + (place / 420) ** 1.3 * DAYS * 24
        talks = chance.sample(TALKS, chance.choice([1, 1, 2, 3]))
        lines = [line for asked, answer in talks for line in (Line("visitor", asked), Line("assistant", answer))]
        visitor_id = known[-1] if chance.random() < 0.3 else str(uuid4())
        known.append(visitor_id)
        await log_conversation(storage, now - round(hours * HOUR), lines, visitor_id=visitor_id)
    await _count(storage, chance)
    changed: list[dict[str, Any]] = [{"messageLog": True, "logRetentionDays": 365}, {"clientTtlMs": 172_800_000}]
    for details in changed:
        await storage.settings.audit(SITE, AuditEntry(EMAIL, "privacy.changed", details))
    await storage.settings.audit(SITE, AuditEntry("retention rule", "log.deleted", {"sessions": 12, "messages": 71}))
    return await _live(storage)


async def _live(storage: Storage) -> str:
    """A conversation that goes on, after a task that the chat has done."""
    ref = SessionRef(SITE, str(uuid4()), 1_800.0)
    await storage.sessions.create(ref, NewSession(visitor_id=str(uuid4())))
    for role, text in LIVE:
        await storage.sessions.append(ref, make_draft(text, role=role, renews=role == "visitor"))
    page = {"url": "https://northlight.example/book/", "title": "Book a visit"}
    await storage.sessions.set_context(ref, json.dumps(page).encode())
    steps = ["Open the form", "Choose Saturday", "Fill in the name", "Send"]
    task = {"taskId": "task-1", "status": "done", "cursor": len(steps), "progressBy": 0}
    task["steps"] = [
        {"id": str(number), "action": "click", "expectUrl": "", "description": step, "status": "done"}
        for number, step in enumerate(steps)
    ]
    await storage.sessions.swap_task(ref, Task("task-1", "done", json.dumps(task).encode()), 0)
    return ref.session_id


async def _count(storage: Storage, chance: random.Random) -> None:
    for day in range(DAYS):
        moment = [time.time() - day * DAY_S]
        counts = Analytics(storage.settings, lambda moment=moment: moment[0])  # type: ignore[misc]
        for _ in range(chance.randint(14, 40)):
            counts.restored(SITE, "full" if chance.random() < 0.96 else "partial", chance.lognormvariate(1.6, 0.6))
        for _ in range(chance.randint(6, 18)):
            counts.restored(SITE, "new")
        for _ in range(chance.randint(8, 26)):
            moment[0] = moment[0] // DAY_S * DAY_S + 3_600 * min(23.0, max(0.0, chance.gauss(14, 4)))
            counts.said(SITE, created=chance.random() > 0.01)
        for how, most in (("done", 5), ("resumed", 2), ("aborted", 2)):
            for _ in range(chance.randint(0, most)):
                counts.acted(SITE, how)  # type: ignore[arg-type]
        await counts.flush()


async def take(browser: Browser, desk: Desk, theme: Theme, size: str) -> None:
    width, height = SIZES[size]
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        reduced_motion="reduce",
    )
    context.set_default_timeout(LIMIT_MS)
    tab = await desk.stranger(context)
    await tab.go()
    await tab.shows("Sign in to LeFlux")
    await tab.page.screenshot(path=OUT / f"dashboard-signin-{size}-{theme}.png")
    await tab.sign_in()
    await tab.shows("Overview")
    for name, path in PAGES.items():
        await tab.go(SITE + path.format(session=desk.sessions["live"]))
        await expect(tab.title).to_be_visible()
        await expect(tab.page.locator(".skeleton")).to_have_count(0)
        if name == "appearance":
            await expect(tab.page.frame_locator("iframe").locator("leflux-widget [part=panel]")).to_be_visible()
        await tab.page.screenshot(path=OUT / f"dashboard-{name}-{size}-{theme}.png")
    await context.close()


async def read_site(config: Path, url: str) -> None:
    command = (sys.executable, "run.py", "--config", str(config), "crawl", SITE, url)
    crawl = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL)
    if code := await crawl.wait():
        raise RuntimeError(f"the crawl ended with {code}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = StoreSettings(backend="sqlite", options=SqliteSettings(path=str(folder / "leflux.db")))
        storage = await open_storage(settings)
        try:
            live = await fill(storage)
        finally:
            await storage.close()
        port = free_port()
        agent = {"kind": "playbook", "playbook": {"path": str(ROOT / "config" / "playbook.yaml")}}
        config = write_config(folder, settings, port, agent=agent, crawler={"private_hosts": ["127.0.0.1"]})
        async with ServerProcess(config, port) as server, browser_type() as kind, shared_browser(kind) as browser:
            desk = Desk(server, {"live": live})
            await read_site(config, f"{server.base}/demo/")
            for size in SIZES:
                for theme in THEMES:
                    await take(browser, desk, theme, size)


if __name__ == "__main__":
    asyncio.run(main())

"""A real Chromium, driven by Playwright: shared by many tests as contexts, or alone with a profile on disk."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, BrowserType, async_playwright

from tests.services import absent
from tests.services.find import chromium

ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
]
LIMIT_MS = 60_000


@asynccontextmanager
async def browser_type() -> AsyncIterator[BrowserType]:
    async with async_playwright() as playwright:
        yield playwright.chromium


@asynccontextmanager
async def shared_browser(kind: BrowserType) -> AsyncIterator[Browser]:
    """One browser; each test opens a context of its own in it."""
    browser = await kind.launch(executable_path=_program(), args=ARGS)
    try:
        yield browser
    finally:
        await browser.close()


async def open_profile(kind: BrowserType, folder: Path, **options: Any) -> BrowserContext:
    """A whole browser on a profile that stays in `folder` when it is closed or killed."""
    context = await kind.launch_persistent_context(folder, executable_path=_program(), args=ARGS, **options)
    context.set_default_timeout(LIMIT_MS)
    return context


def kill_profile(folder: Path) -> None:
    """SIGKILL the browser that runs on the profile, without any event in its pages."""
    # Chromium locks a profile by a link that names its host and process.
    pid = int(os.readlink(folder / "SingletonLock").rpartition("-")[2])
    os.kill(pid, signal.SIGKILL)


def _program() -> str:
    program = chromium()
    if program is None:
        absent("Chromium")
    return str(program)

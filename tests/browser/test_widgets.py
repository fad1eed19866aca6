"""What a step does with the widgets of the web: `widgets/*.html`, modelled on the markup of component libraries.

The comment at the top of each file says the steps, and what the page's `#out` then holds (`out`) or what the chat says
when a person could not do it either (`told`, or one of `or`).
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.async_api import BrowserContext

from tests.browser.chat import Chat
from tests.browser.conftest import OpenShop
from tests.browser.test_lying_forms import says
from tests.browser.test_view_hosts import opened
from tests.hostile_site import HostileSite, hostile_site, response
from tests.services.wait import until

FOLDER = Path(__file__).parent / "widgets"
NAMES = sorted(path.stem for path in FOLDER.glob("*.html"))
GROUPS = [NAMES[number::3] for number in range(3)]
TOP = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Widget</title><script src="EMBED" async></script>'
OUT = "<body><main><p id=out></p><script>var say = (text) => { document.querySelector('#out').textContent = text; };"


@pytest.fixture
def store() -> str:
    """What these tests are about does not depend on the store."""
    return "sqlite"


def read(name: str) -> tuple[dict[str, Any], str]:
    first, html = (FOLDER / f"{name}.html").read_text("utf-8").split("\n", 1)
    spec: dict[str, Any] = json.loads(first.removeprefix("<!-- ").removesuffix(" -->"))
    return spec, html


def tasks(folder: Path, names: list[str]) -> dict[str, Any]:
    listed = [
        {"id": name.replace("_", "-"), "match": [f"use {name}"], "done": "Used it.", "steps": read(name)[0]["steps"]}
        for name in names
    ]
    file = folder / "widgets.yaml"
    file.write_text(yaml.safe_dump({"tasks": listed}))
    return {"kind": "playbook", "playbook": {"path": str(file)}}


async def shows(chat: Chat, name: str, out: str) -> None:
    async def is_so() -> bool:
        return await chat.page.locator("#out").text_content() == out

    await until(is_so, f"{name} shows {out!r}")


async def used(context: BrowserContext, site: HostileSite, shop: str, name: str) -> None:
    spec, html = read(name)
    page = f"{TOP.replace('EMBED', f'{shop}/embed.js')}{OUT}</script>{html}</main>"
    site.pages[f"/{name}"] = response(page.encode())
    chat = await opened(context, f"{site.base}/{name}")
    await chat.say(f"use {name}")
    if "told" in spec:
        await says(chat, spec["told"], *spec.get("or", ()))
        await chat.say("stop")
        assert await chat.page.locator("#out").text_content() == ""
    else:
        await shows(chat, name, spec["out"])
        await says(chat, "Used it.")
    await chat.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    await chat.page.close()


@pytest.mark.parametrize("names", GROUPS, ids=["one", "two", "three"])
async def test_a_step_does_what_a_person_would_or_says_what_it_could_not(
    open_shop: OpenShop, context: BrowserContext, tmp_path: Path, names: list[str]
) -> None:
    shop = await open_shop(agent=tasks(tmp_path, names))
    async with hostile_site() as site:
        for name in names:
            try:
                await used(context, site, shop.base, name)
            except BaseException as failure:
                failure.add_note(f"widget: {name}")
                raise

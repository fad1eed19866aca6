"""A shop on a server of its own whose forms lie: what they show is not what happens to what is sent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

EMAIL = '<label>Email <input name="email" {}></label>'
BUTTON = "<button>Send</button>"
FORM = '<form method="post" action="/send/{}">{}' + BUTTON + "</form>"
# The script of a form that a page checks by itself.
SCRIPTED = """<script>const form = document.forms[0]; form.noValidate = true; form.onsubmit = (event) => {
  event.preventDefault(); const field = document.querySelector('input'); field.setAttribute('aria-invalid', 'true');
  field.setAttribute('aria-describedby', 'why');
  document.body.insertAdjacentHTML('beforeend', '<p id=why>No such mail.');
};</script>"""
BY_FETCH = """<script>document.forms[0].onsubmit = async (event) => {
  event.preventDefault(); const answer = await fetch(event.target.action, {method: 'POST'});
  document.body.insertAdjacentHTML('beforeend', `<p role=alert>${await answer.text()}`); };</script>"""
GUARD = """<script>document.forms[0].onsubmit = (event) => { const button = event.target.querySelector('button');
  setTimeout(() => { button.disabled = true; }); };</script>"""
BY_SCRIPT = """<button type=button onclick="setTimeout(() => document.forms[0].submit(), 50)">Order</button>"""
MOVES = """<script>setInterval(() => { const old = document.querySelector('button');
  old?.replaceWith(old.cloneNode(true)); }, 30);</script>"""
LATE = """<button onclick="setTimeout(() => document.body.append('All saved'), 900)">Save</button>"""
ORDER = """<label>Name <input></label><label>Size <select><option>Small<option>Large</select></label>
<button onclick="sessionStorage.gifts = Number(sessionStorage.gifts ?? 0) + 1">Gift</button>"""
PAGES = {
    "order": ORDER,
    "confirm": FORM.format("ok", ""),
    "required": FORM.format("ok", EMAIL.format("required")),
    "pattern": FORM.format("ok", EMAIL.format('pattern="[a-z]+@shop.test" value="ada@x" title="A mail of the shop"')),
    "scripted": FORM.format("ok", EMAIL.format("")) + SCRIPTED,
    "unprocessable": FORM.format("unprocessable", ""),
    "broken": FORM.format("broken", ""),
    "back": FORM.format("back", ""),
    "declined": FORM.format("declined", ""),
    "declined-expected": FORM.format("declined", ""),
    "slow": FORM.format("slow", ""),
    "guard": FORM.format("ok", "") + GUARD,
    "by-fetch": FORM.format("unprocessable", "") + BY_FETCH,
    "by-script": FORM.format("ok", "").replace(BUTTON, "") + BY_SCRIPT,
    "moves": FORM.format("ok", "") + MOVES,
    "alert": FORM.format("ok", "") + "<script>document.forms[0].onsubmit = () => alert('Sent!');</script>",
    "late": LATE,
    "never": "<button>Save</button>",
}


class FormsSite:
    """`sent`: what was submitted, by the name of the form's answer. `shop`: the address of the chat."""

    def __init__(self, shop: str) -> None:
        self.shop = shop
        self.sent: list[str] = []
        self.base = ""

    def page(self, body: str, title: str, status: int = 200) -> web.Response:
        chat = f'<script src="{self.shop}/embed.js" async></script>'
        text = f"<!doctype html><html lang=en><title>{title}</title>{chat}<body><main><h1>{title}</h1>{body}</main>"
        return web.Response(text=text, content_type="text/html", status=status)

    async def form(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        alert = "<p role=alert>Please try again.</p>" if "again" in request.query else ""
        return self.page(alert + PAGES[name], f"Form {name}")

    async def send(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.sent.append(name)
        if name == "slow":
            await asyncio.sleep(60)
        if name == "back":
            raise web.HTTPSeeOther("/form/back?again=1")
        if name == "broken":
            return self.page("<p>Something went wrong.", "Error", 500)
        if name == "unprocessable":
            text = "The code has expired."
            by_fetch = request.headers.get("Sec-Fetch-Dest") == "empty"
            return web.Response(text=text, status=422) if by_fetch else self.page(f"<p role=alert>{text}", "Form", 422)
        if name == "declined":
            return self.page("<p role=alert>Your card was declined.", "Payment")
        raise web.HTTPSeeOther("/thanks")

    async def thanks(self, _: web.Request) -> web.Response:
        return self.page("<p role=status>Order 7", "Thank you")


@asynccontextmanager
async def forms_site(shop: str) -> AsyncIterator[FormsSite]:
    site = FormsSite(shop)
    app = web.Application()
    app.router.add_get("/form/{name}", site.form)
    app.router.add_post("/send/{name}", site.send)
    app.router.add_get("/thanks", site.thanks)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        tcp = web.TCPSite(runner, "127.0.0.1", 0)
        await tcp.start()
        site.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield site
    finally:
        await runner.cleanup()

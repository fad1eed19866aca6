"""An owner's open page: a browser that has signed in, and its sockets in the namespace `/dashboard`."""

from typing import Any

import aiohttp
import socketio

from leflux.owner.access import DEVICE
from tests.server.conftest import until
from tests.server.owner_kit import EMAIL, PASSWORD, Caller

NAMESPACE = "/dashboard"


async def sign_in(browser: Caller) -> "OwnerPage":
    """The page of an account that is there already."""
    status, answer = await browser.call("POST", "/login", {"email": EMAIL, "password": PASSWORD})
    assert status == 200, answer
    return OwnerPage(browser, answer["csrfToken"])


class OwnerPage:
    """`browser` calls the API by its cookie; `csrf` is what each unsafe call and each socket repeats."""

    def __init__(self, browser: Caller, csrf: str) -> None:
        self.browser = browser
        self.csrf = csrf

    @property
    def secret(self) -> str:
        """The secret of the sign-in."""
        return next(morsel.value for morsel in self.browser.http.cookie_jar if not morsel.key.endswith(DEVICE))

    @property
    def cookie(self) -> str:
        """The cookies as a browser sends them: the sign-in and the known device."""
        return "; ".join(f"{morsel.key}={morsel.value}" for morsel in self.browser.http.cookie_jar)

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.browser.call(method, path, body, X_CSRF_Token=self.csrf)

    async def sign_out(self) -> None:
        status, answer = await self.call("POST", "/logout", {})
        assert status == 200, answer

    async def socket(self, **options: Any) -> "PageSocket":
        """A connected socket; raises `socketio.exceptions.ConnectionError`."""
        socket = PageSocket()
        await socket.connect(self, **options)
        return socket

    async def handshake(self, transport: str, headers: dict[str, str], cookie: str | None = None) -> int:
        """The status of a handshake with these headers and the cookie; left out, the page's own."""
        upgrade = {
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
        }
        sent = {"Cookie": self.cookie if cookie is None else cookie} | headers
        if transport == "websocket":
            sent |= upgrade
        url = f"{self.browser.base}/socket.io/?EIO=4&transport={transport}"
        async with aiohttp.ClientSession() as http, http.get(url, headers=sent) as answer:
            return answer.status


class PageSocket:
    """Keeps the events that it got."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False)
        self.told: list[dict[str, Any]] = []
        self.refusals: list[Any] = []
        self.left = 0
        self.client.on("crawl_progress", self._told, namespace=NAMESPACE)
        self.client.on("disconnect", self._left, namespace=NAMESPACE)
        self.client.on("connect_error", self._refused, namespace=NAMESPACE)

    async def _told(self, payload: dict[str, Any]) -> None:
        self.told.append(payload)

    async def _left(self, _reason: str) -> None:
        self.left += 1

    async def _refused(self, why: Any = None) -> None:
        self.refusals.append(why["message"] if isinstance(why, dict) else why)

    async def connect(
        self,
        page: OwnerPage,
        origin: str | None = None,
        transport: str = "websocket",
        csrf: str | None = None,
        namespaces: tuple[str, ...] = (NAMESPACE,),
    ) -> None:
        """`origin`: left out, the server's own."""
        headers = {"Origin": origin or page.browser.base, "Cookie": page.cookie}
        auth = {"csrfToken": page.csrf if csrf is None else csrf}
        await self.client.connect(
            page.browser.base, headers, auth, transports=[transport], namespaces=list(namespaces), retry=False
        )

    async def watch(self, site_id: Any) -> Any:
        return await self.client.call("watch_crawl", {"siteId": site_id}, namespace=NAMESPACE, timeout=10)

    async def wait(self, state: str) -> dict[str, Any]:
        """The first event with this state."""
        await until(lambda: any(said["state"] == state for said in self.told), f"told that it is {state}", 30)
        return next(said for said in self.told if said["state"] == state)

    async def close(self) -> None:
        await self.client.disconnect()

"""What a person reads in the first minute: the addresses, the first account, and what to try."""

import asyncio
from collections.abc import Awaitable, Callable

from leflux.config import ServerSettings, Settings

TRY = 'Try: ask "What does shipping cost?"; reload; open a second tab; stop me with Ctrl-C and start me again.'


def greeting(settings: Settings, port: int) -> str:
    """The addresses, for the person who started the server."""
    server = settings.server
    here = f"http://{server.host}:{port}{server.base_path}"
    public = server.public_address
    if server.public_url == ServerSettings().public_url:
        public = f"http://localhost:{port}{server.base_path}"
    demo = [f"  Start here  {here}/", f"  Demo shop   {here}/demo/"] if settings.demo.enabled else []
    dashboard = [f"  Dashboard   {here}/dashboard/"] if settings.dashboard.enabled else []
    return "\n".join(
        [
            "",
            f"  LeFlux serves on {here}   (storage: {settings.storage.backend}, agent: {settings.agent.kind})",
            *demo,
            *dashboard,
            f'  Embed       <script src="{public}/embed.js" async></script>',
            "",
        ]
    )


class FirstAccount:
    """Shows the account that the first start makes: once, and after what else the start has to say."""

    def __init__(self, hint: str = TRY) -> None:
        """`hint`: what to try next."""
        self._hint = f"\n  {hint}\n" if hint else ""
        self._made = asyncio.Event()
        self._box: str | None = None
        self._waiting: asyncio.Task[None] | None = None

    def made(self, email: str, password: str) -> None:
        self._box = boxed(["The account for the dashboard, shown this once:", f"{email}   {password}"])
        self._made.set()

    def show_after(self, settled: Callable[[], Awaitable[None]]) -> None:
        """Show it when it is made and `settled` has returned."""
        self._waiting = asyncio.create_task(self._wait(settled))

    async def _wait(self, settled: Callable[[], Awaitable[None]]) -> None:
        await self._made.wait()
        await settled()
        self._show()

    def close(self) -> None:
        """Show it now if it was not shown: nobody could sign in otherwise."""
        if self._waiting is not None:
            self._waiting.cancel()
        self._show()

    def _show(self) -> None:
        if self._box is not None:
            print(f"\n{self._box}\n{self._hint}", flush=True)
            self._box = None


def boxed(lines: list[str]) -> str:
    """The lines in a frame."""
    width = max(map(len, lines))
    edge = f"  +{'-' * (width + 4)}+"
    return "\n".join([edge, *(f"  |  {line.ljust(width)}  |" for line in lines), edge])

"""The log of a site as one streamed answer."""

import asyncio
from contextlib import aclosing
from typing import cast

import structlog
from tornado.iostream import StreamClosedError

from leflux.http1 import Exchange
from leflux.owner.export_format import Format, export_chunks
from leflux.web.admin.listing import EXPORT_PAGE, FilteredHandler

log = structlog.get_logger(__name__)

# Seconds after which a reader that takes nothing is disconnected.
CHUNK_SECONDS = 60.0


class ExportHandler(FilteredHandler):
    """A message a line, as JSON or as CSV under its columns' names. An answer that breaks off is not whole.

    With `q` or `state`: the whole of the conversations that the listing shows for the same filters.
    """

    async def get(self, site_id: str) -> None:
        site = self.site(site_id)
        kind = cast(Format, self.choice("format", "jsonl", "csv", default="jsonl"))
        start, end = self.span()
        ids = await self.conversation_ids()
        listing = self.listing(site, EXPORT_PAGE, ids)
        is_chosen = bool(listing.query.words.strip()) or listing.state != "all"
        entries = listing.lines() if is_chosen else self.dependencies.storage.log.export(site.id, start, end)
        # What was searched for may be what a visitor has said: the trail does not hold it.
        details = {"from": start, "to": end, **({"filtered": True} if is_chosen else {})}
        await self.dependencies.audit(self.account, site.id, "log.exported", format=kind, **details)
        self._head(site.id, kind)
        try:
            async with aclosing(export_chunks(entries, kind, ids.of)) as chunks:
                async for chunk in chunks:
                    self.write(chunk)
                    async with asyncio.timeout(CHUNK_SECONDS):
                        await self.flush()
        except (StreamClosedError, TimeoutError):
            self._drop("the reader of an export has gone")
        except Exception as error:
            if not self._headers_written:
                raise
            # Ending the answer properly would say that this is all there is.
            self._drop(f"an export broke off: {error!r}")
        else:
            self.finish()

    def _head(self, site_id: str, kind: Format) -> None:
        media_type = "text/csv; charset=utf-8" if kind == "csv" else "application/x-ndjson"
        self.set_header("Content-Type", media_type)
        self.set_header("Content-Disposition", f'attachment; filename="{site_id}.{kind}"')

    def _drop(self, why: str) -> None:
        log.warning(why)
        self._auto_finish = False
        cast(Exchange, self.request.connection).close()

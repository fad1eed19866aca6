"""Search of a site's log by words.

The lines with the rarest word are the candidates, and each other word removes those without it. Ranges are short, so
that a search does not delay visitors, and this process holds at most the lines with the rarest word.
"""

from collections.abc import AsyncIterator

from msgspec import Struct

from backends.redis.log_keys import LogKeys, chunks
from backends.redis.node_pipeline import RedisClient
from backends.redis.script import command

PAGE = 2000


class _Term(Struct, frozen=True):
    """One word of a query, as a range of the index."""

    word: bytes
    is_prefix: bool

    @property
    def first(self) -> bytes:
        return b"[" + self.word + (b"" if self.is_prefix else b"\0")

    @property
    def last(self) -> bytes:
        # No UTF-8 text has the byte 255; NUL ends a word.
        return b"(" + self.word + (b"\xff" if self.is_prefix else b"\1")


async def matching_sessions(client: RedisClient, keys: LogKeys, wanted: list[str]) -> set[str]:
    """The sessions with a line that has all the words, the last one as a prefix."""
    terms = [_Term(word.encode(), is_prefix=False) for word in wanted[:-1]] + [_Term(wanted[-1].encode(), True)]
    sizes = await client.all(*(command("ZLEXCOUNT", keys.words, term.first, term.last) for term in terms))
    order = sorted(range(len(terms)), key=lambda i: sizes[i])
    found = {tail async for tail in _tails(client, keys, terms[order[0]])}
    for i in order[1:]:
        if not found:
            break
        found = await _with_term(client, keys, terms[i], found)
    return {tail.rpartition(b"\0")[0].decode() for tail in found}


async def _with_term(client: RedisClient, keys: LogKeys, term: _Term, candidates: set[bytes]) -> set[bytes]:
    if term.is_prefix:
        return {tail async for tail in _tails(client, keys, term) if tail in candidates}
    kept: set[bytes] = set()
    for chunk in chunks(list(candidates), PAGE):
        members = [term.word + b"\0" + tail for tail in chunk]
        scores = await client.one(command("ZMSCORE", keys.words, *members))
        kept |= {tail for tail, score in zip(chunk, scores, strict=True) if score is not None}
    return kept


async def _tails(client: RedisClient, keys: LogKeys, term: _Term) -> AsyncIterator[bytes]:
    """Session and seq of every line in the term's range."""
    first = term.first
    while True:
        page = await client.one(command("ZRANGEBYLEX", keys.words, first, term.last, "LIMIT", 0, PAGE))
        for member in page:
            yield member.partition(b"\0")[2]
        if len(page) < PAGE:
            return
        first = b"(" + page[-1]

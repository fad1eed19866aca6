"""Rate limits of all processes, counted in the Redis of the bus."""

import asyncio
import time
from hashlib import blake2b

import structlog
from msgspec import Struct

from leflux.realtime.bus import AWAY, RedisBus

log = structlog.get_logger(__name__)

TIMEOUT = 2.0
PAUSE = 10.0
# By the clock of Redis, so that the clocks of the machines do not matter.
_CHARGE = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1000000
local answers = {}
for i, key in ipairs(KEYS) do
  local cost, burst, force = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), ARGV[3 * i]
  local full_at = math.max(tonumber(redis.call('GET', key) or '0'), now) + cost
  local wait = full_at - now - burst
  if wait > 0.000001 and force == '0' then
    answers[i] = tostring(-wait)
  else
    redis.call('SET', key, string.format('%.6f', full_at), 'PX', math.ceil(1000 * (full_at - now)))
    answers[i] = tostring(full_at - now)
  end
end
return answers
"""


class _Charge(Struct):
    key: bytes
    arguments: tuple[float, float, int]
    answer: asyncio.Future[float | None]


class RedisRateCounter:
    """A `RateCounter`. The charges of one tick of the loop travel as one script.

    Keys are hashed, so that no session id is in them.
    """

    def __init__(self, bus: RedisBus) -> None:
        self._bus = bus
        self._batch: list[_Charge] = []
        self._senders: set[asyncio.Task[None]] = set()
        self._away_until = 0.0
        self._is_away = False

    def charge(self, key: str, cost: float, burst: float, force: bool) -> asyncio.Future[float | None]:
        """See `RateCounter`."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[float | None] = loop.create_future()
        if time.monotonic() < self._away_until:
            answer.set_result(None)
            return answer
        if not self._batch:
            loop.call_soon(self._send)
        name = f"{self._bus.prefix}rate:{blake2b(key.encode(), digest_size=16).hexdigest()}".encode()
        self._batch.append(_Charge(name, (cost, burst, int(force)), answer))
        return answer

    def _send(self) -> None:
        batch, self._batch = self._batch, []
        sender = asyncio.create_task(self._ask(batch), name="rate counter")
        self._senders.add(sender)
        sender.add_done_callback(self._senders.discard)

    async def _ask(self, batch: list[_Charge]) -> None:
        answers: list[float | None] = [None] * len(batch)
        try:
            async with asyncio.timeout(TIMEOUT):
                script = self._bus.client().register_script(_CHARGE)
                arguments = [argument for charge in batch for argument in charge.arguments]
                answers = [float(used) for used in await script([charge.key for charge in batch], arguments)]
            self._is_away = False
        except AWAY as error:
            self._away_until = time.monotonic() + PAUSE
            if not self._is_away:
                log.warning("the bus does not answer; each process counts rate limits alone", error=repr(error))
            self._is_away = True
        finally:
            for charge, answer in zip(batch, answers, strict=True):
                if not charge.answer.done():
                    charge.answer.set_result(answer)

    async def close(self) -> None:
        """Wait for the charges that are on their way."""
        if self._senders:
            await asyncio.wait(self._senders, timeout=TIMEOUT)

"""Fetching a feed over HTTP: conditional, bounded in time and size, patient with a producer in trouble."""

from __future__ import annotations

import asyncio
import hashlib
import random
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import httpx

from beffroi.connectors.gtfs_rt.settings import GtfsRtSettings
from beffroi.foundation.clock import Clock, now
from beffroi.foundation.contact import Contact
from beffroi.foundation.errors import BeffroiError, Refused, Unreachable

_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class _Fetched:
    """An answer with a feed: its bytes, their digest, and what makes the next request conditional."""

    body: bytes
    digest: bytes
    validators: dict[str, str]


class GtfsRtClient:
    """Polls one feed. `sleep`, `jitter` (0 to 1) and `clock` are passed in so that a test can own them."""

    def __init__(
        self,
        settings: GtfsRtSettings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Clock = now,
    ) -> None:
        self.contact = Contact()
        self._settings = settings
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._failures = 0
        self._asked_wait_s = 0.0
        self._asked_before = False
        self._last = _Fetched(b"", b"", {})

    async def frames(self) -> AsyncGenerator[bytes, None]:
        """Yield each feed that differs from the last, for ever.

        Raises Unreachable after `attempts` failures in a row and Refused when asking again would not help as things
        are. Call it again to go on: it waits its turn first, and asks only for what is new.
        """
        async with self._session() as session:
            while True:
                if self._asked_before:
                    await self._sleep(self._wait_s())
                self._asked_before = True
                fetched = await self._ask(session)
                if fetched is not None:
                    yield fetched.body
                    self._last = fetched  # Only now has the caller kept it: one that failed to is given it again.

    async def _ask(self, session: httpx.AsyncClient) -> _Fetched | None:
        """Ask once. Returns the feed, or None when there is no new one or the failure is to be tried again."""
        try:
            fetched = await self._fetch(session)
        except BeffroiError as error:
            self._failures += 1
            self.contact.note_error(error.reason, self._clock())
            if isinstance(error, Refused) or self._failures >= self._settings.attempts:
                raise
            return None
        self._failures = 0
        self._asked_wait_s = 0.0
        if fetched is None:
            self.contact.note_answer(self._clock())
        elif fetched.digest == self._last.digest:
            self.contact.note_answer(self._clock())
            self._last = fetched
            return None
        else:
            self.contact.note_frame(fetched.body, self._clock())
        return fetched

    async def _fetch(self, session: httpx.AsyncClient) -> _Fetched | None:
        timeout_s = self._settings.timeout_s
        try:
            async with (
                asyncio.timeout(timeout_s),
                session.stream("GET", str(self._settings.url), headers=self._last.validators) as answer,
            ):
                if answer.status_code == httpx.codes.NOT_MODIFIED:
                    return None
                self._check_status(answer)
                body = await self._read(answer)
        except TimeoutError as error:
            raise Unreachable(f"no whole answer within {timeout_s:g} s") from error
        except httpx.HTTPError as error:
            raise Unreachable(f"the feed could not be fetched: {type(error).__name__} {error}"[:300]) from error
        return _Fetched(body, hashlib.sha256(body).digest(), _validators(answer))

    def _check_status(self, answer: httpx.Response) -> None:
        status = answer.status_code
        if status == httpx.codes.OK:
            return
        if status in _TRANSIENT:
            self._asked_wait_s = _retry_after_s(answer)
            raise Unreachable(f"the producer answers {status} {answer.reason_phrase}")
        if answer.has_redirect_location:
            raise Refused("the feed has moved (redirections are not followed): correct `url`")
        raise Refused(f"the producer answers {status} {answer.reason_phrase}: check `url` and `headers`")

    async def _read(self, answer: httpx.Response) -> bytes:
        """Return the body, decompressed, never holding more than `max_bytes` of it."""
        limit = self._settings.max_bytes
        encoding = answer.headers.get("Content-Encoding", "identity").lower()
        if encoding not in ("identity", "gzip"):
            raise Refused(f"the feed is encoded in {encoding[:40]!r}; expected gzip or nothing")
        inflate = zlib.decompressobj(wbits=31) if encoding == "gzip" else None
        body = bytearray()
        async for chunk in answer.aiter_raw():
            try:
                body += chunk if inflate is None else inflate.decompress(chunk, limit + 1 - len(body))
            except zlib.error as error:
                raise Unreachable(f"the feed's compression cannot be read: {error}") from error
            if len(body) > limit:
                raise Refused(f"the feed has more than {limit} bytes (`max_bytes`)")
        if inflate is not None and not inflate.eof:
            raise Unreachable("the feed's compression ends too early")
        return bytes(body)

    def _wait_s(self) -> float:
        """Return the seconds before the next request: the period, or after failures a growing, spread-out wait."""
        period_s, longest_s = self._settings.period_s, self._settings.max_backoff_s
        if not self._failures:
            return period_s
        doubled_s = period_s * 2.0 ** min(self._failures - 1, 16)
        spread_s = max(doubled_s, self._asked_wait_s) * (1 + 0.25 * self._jitter())
        return min(spread_s, max(longest_s, period_s))

    def _session(self) -> httpx.AsyncClient:
        settings = self._settings
        secret = {name: value.get_secret_value() for name, value in settings.headers.items()}
        return httpx.AsyncClient(
            headers={"Accept": "application/x-protobuf, */*", "Accept-Encoding": "gzip", **secret},
            timeout=settings.timeout_s,
            follow_redirects=False,
            trust_env=False,
            proxy=None if settings.proxy is None else str(settings.proxy),
            limits=httpx.Limits(max_connections=1),
        )


def _validators(answer: httpx.Response) -> dict[str, str]:
    """Return what makes the next request conditional, in the producer's own words: its clock may be wrong."""
    pairs = (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified"))
    return {ask: answer.headers[told] for ask, told in pairs if told in answer.headers}


def _retry_after_s(answer: httpx.Response) -> float:
    """Return the seconds the producer asks us to wait; a date, or nonsense, counts for nothing."""
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0.0

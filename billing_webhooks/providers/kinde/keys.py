"""
The public keys of a Kinde tenant.

Kept in memory, in Django's cache and in the database, refreshed in the background, kept
when Kinde is down. Whoever sends tokens cannot make us fetch: an unknown key id leads to
at most one fetch per cool-down, for all processes together.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Collection

from billing_webhooks.exceptions import CannotVerifyNow, NotProven
from billing_webhooks.harmless import get_logger
from billing_webhooks.lifecycle import Name, Step, tell
from billing_webhooks.providers.fetching import CannotFetch, fetch_json, host_of
from billing_webhooks.providers.keeping import keeper
from billing_webhooks.providers.kinde.jwk import usable_keys
from billing_webhooks.providers.kinde.ring import KeyRing, TrustedKey

logger = get_logger(__name__)

REFRESH_AFTER_SECONDS = 60 * 60
KEEP_SECONDS = 7 * 24 * 60 * 60
COOL_DOWN_SECONDS = 30
FETCH_WAIT_SECONDS = 6.0
WAIT_SECONDS = 0.1
# How soon a process asks again whether it may fetch what another was to fetch.
ASK_AGAIN_SECONDS = 5.0
# How long a process may go on with keys that somebody has told another to forget.
LOOK_EVERY_SECONDS = 10.0

# Two reasons to fetch, so that an unknown key id right after the first fetch is looked for.
FIRST, NEXT = "first", "next"


class KeySet:
    """The keys behind one JWKS URL."""

    def __init__(self, url: str, alias: str = "") -> None:
        self.url = url
        # Whom its fetches are told of.
        self.alias = alias
        # The URL itself may be longer than a name, and its host is nobody else's business.
        self.name = f"keys:{hashlib.sha256(url.encode()).hexdigest()[:32]}"
        # All that may be said of the URL, which may hold a secret.
        self.host = host_of(url)
        self._fetching = threading.Lock()
        self._ring: KeyRing | None = None
        # The text that was last found kept, to tell whether somebody has changed it.
        self._seen: str | None = None
        self._near: str | None = None
        self._look_at = 0.0
        self._cool_until = {FIRST: 0.0, NEXT: 0.0}

    def find(self, kid: str) -> tuple[TrustedKey, ...]:
        """
        Return the keys with this id.

        Raise NotProven if a set fetched just now has no such key, and CannotVerifyNow
        if no set can be had or it is too early to fetch again.
        """
        ring = self._current() or self._shared()
        if ring is None:
            return _known(self._first_fetch(), kid)
        found = ring.find(kid, time.time())
        if not found:
            # Another process may have seen the rotation before this one.
            ring = self._shared() or ring
            found = ring.find(kid, time.time())
        if not found:
            return _known(self._fetch_if_allowed(), kid)
        if time.time() - ring.fetched_at > REFRESH_AFTER_SECONDS:
            self._refresh_in_background()
        return found

    def is_still_trusted(self, key: TrustedKey) -> bool:
        """
        Return whether a key that has proven a delivery was not forgotten meanwhile.

        Asked after the proof, so that what proves nothing leads to no query.
        """
        ring = self._look_now_and_then() or self._ring
        return ring is None or any(
            each.identity == key.identity for each in ring.find(key.kid, time.time())
        )

    def ring(self) -> KeyRing | None:
        """Return the keys as all processes know them, without a fetch."""
        return self._look() or self._current()

    @property
    def fetched_at(self) -> float | None:
        """The Unix time of the last fetch of any process, be it too long ago to rely on."""
        self._look()
        # What was kept before any fetch has none.
        return None if self._ring is None else self._ring.fetched_at or None

    def renew(self) -> KeyRing:
        """Fetch the set now, whatever was fetched before; raise CannotVerifyNow if it cannot be."""
        with self._fetching:
            return self._fetch()

    def forget(self, kids: Collection[str] = ()) -> KeyRing:
        """
        Trust these keys no more, or without any all that the issuer publishes no more.

        For the latter the set is fetched; raise CannotVerifyNow if it cannot be.
        """
        if not kids:
            return self._keep(self.renew().published())
        return self._keep((self.ring() or KeyRing(0.0)).without(kids))

    def _current(self) -> KeyRing | None:
        """Return the ring in memory, unless it is too old to be believed."""
        ring = self._ring
        return ring if ring is not None and _is_young(ring) else None

    def _shared(self) -> KeyRing | None:
        """Return what other processes have, in memory by now, with a query at times only."""
        near = keeper().near(self.name)
        if near in {self._near, self._seen}:
            # Known already: reading keys costs more than asking for them.
            return self._look_now_and_then()
        self._near = near
        ring = _loaded(near)
        if ring is None or (self._ring is not None and ring.fetched_at <= self._ring.fetched_at):
            return self._look_now_and_then()
        self._ring = ring
        return self._current()

    def _look_now_and_then(self) -> KeyRing | None:
        return self._look() if time.monotonic() >= self._look_at else self._current()

    def _look(self) -> KeyRing | None:
        """Take over what is kept if somebody has changed it, and return the ring in memory."""
        self._look_at = time.monotonic() + LOOK_EVERY_SECONDS
        text = keeper().latest(self.name)
        if text is not None and text != self._seen:
            self._seen = text
            self._ring = _loaded(text) or self._ring
        return self._current()

    def _first_fetch(self) -> KeyRing:
        """Fetch the first set; requests that come meanwhile wait for it instead of failing."""
        if not self._fetching.acquire(timeout=FETCH_WAIT_SECONDS):
            raise CannotVerifyNow("keys_unavailable")
        try:
            ring = self._current()
            if ring is not None:
                return ring
            if self._is_cooling(FIRST):
                raise CannotVerifyNow("keys_unavailable")
            began = self._claim(FIRST)
            return self._fetch() if began is None else self._wait_for_another(began)
        finally:
            self._fetching.release()

    def _wait_for_another(self, began: float) -> KeyRing:
        """Return the first set that another process began to fetch so many seconds ago."""
        deadline = time.monotonic() + FETCH_WAIT_SECONDS - began
        while (ring := self._look()) is None:
            if time.monotonic() > deadline:
                raise CannotVerifyNow("keys_unavailable")
            time.sleep(WAIT_SECONDS)
        return ring

    def _fetch_if_allowed(self) -> KeyRing:
        if not self._fetching.acquire(blocking=False):
            raise CannotVerifyNow("keys_being_fetched")
        try:
            if self._is_cooling(NEXT) or self._claim(NEXT) is not None:
                raise CannotVerifyNow("unknown_kid_too_soon")
            return self._fetch()
        finally:
            self._fetching.release()

    def _refresh_in_background(self) -> None:
        if not self._is_cooling(NEXT):
            threading.Thread(target=self._refresh, daemon=True).start()

    def _refresh(self) -> None:
        try:
            self._fetch_if_allowed()
        except CannotVerifyNow:
            logger.info("The key set of %s was not refreshed this time.", self.host)
        finally:
            keeper().release()

    def _is_cooling(self, reason: str) -> bool:
        return time.monotonic() < self._cool_until[reason]

    def _claim(self, reason: str) -> float | None:
        """Return None if this process is to fetch, else how long ago another began to."""
        began = keeper().claim(f"{self.name}:{reason}", COOL_DOWN_SECONDS)
        pause = COOL_DOWN_SECONDS if began is None else ASK_AGAIN_SECONDS
        self._cool_until[reason] = time.monotonic() + pause
        return began

    def _fetch(self) -> KeyRing:
        began = time.monotonic()
        try:
            published = usable_keys(fetch_json(self.url))
            if not published:
                raise CannotFetch("it holds no usable RSA key")
        except CannotFetch as error:
            self._tell(Name.KEYS_NOT_FETCHED, began, logging.ERROR, f"{self.host}: {error}")
            raise CannotVerifyNow("keys_unavailable") from error
        self._tell(Name.KEYS_FETCHED, began, logging.DEBUG)
        # As it is kept now, or what another process was told to forget would come back.
        known = self._look() or KeyRing(0.0)
        return self._keep(known.renewed(published, time.time()))

    def _tell(self, name: Name, began: float, level: int, reason: str = "") -> None:
        seconds = time.monotonic() - began
        tell(Step(name, self.alias, reason=reason, seconds=seconds, level=level))

    def _keep(self, ring: KeyRing) -> KeyRing:
        self._ring, self._seen = ring, ring.dumps()
        keeper().save(self.name, self._seen)
        return ring


def _known(ring: KeyRing, kid: str) -> tuple[TrustedKey, ...]:
    found = ring.find(kid, time.time())
    if not found:
        raise NotProven("unknown_kid")
    return found


def _loaded(text: str | None) -> KeyRing | None:
    return None if text is None else KeyRing.loads(text)


def _is_young(ring: KeyRing) -> bool:
    return time.time() - ring.fetched_at <= KEEP_SECONDS

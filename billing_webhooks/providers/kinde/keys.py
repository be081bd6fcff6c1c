"""
The public keys of a Kinde tenant.

Kept in memory and in Django's cache, refreshed in the background, kept when Kinde is
down. Whoever sends tokens cannot make us fetch: an unknown key id leads to at most one
fetch per cool-down, for all processes that share the cache.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.core.cache import cache
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

from billing_webhooks.exceptions import CannotVerifyNow, NotProven
from billing_webhooks.providers.kinde.fetching import CannotFetch, fetch_json

logger = logging.getLogger(__name__)

REFRESH_AFTER_SECONDS = 60 * 60
KEEP_SECONDS = 7 * 24 * 60 * 60
COOL_DOWN_SECONDS = 30
FETCH_WAIT_SECONDS = 6.0

MAX_KEYS = 100
MAX_KEYS_PER_KID = 4
KEY_BITS = range(2048, 8192 + 1)
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})

# Key id → the usable keys of that id; a set may hold several.
Keys = Mapping[str, tuple[RSAPublicKey, ...]]


@dataclass(frozen=True)
class Fetched:
    """A key set and the Unix time at which it was fetched."""

    jwks: Any
    at: float
    keys: Keys


class KeySet:
    """The keys behind one JWKS URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        name = hashlib.sha256(url.encode()).hexdigest()[:32]
        self._cache_key = f"billing_webhooks:jwks:{name}"
        self._cool_down_key = f"billing_webhooks:jwks:{name}:cool_down"
        self._fetching = threading.Lock()
        self._current: Fetched | None = None
        self._cool_until = 0.0

    def find(self, kid: str) -> tuple[RSAPublicKey, ...]:
        """
        Return the keys with this id.

        Raise NotProven if a set fetched just now has no such key, and CannotVerifyNow
        if no set can be had or it is too early to fetch again.
        """
        current = self._current or self._load_shared()
        if current is None:
            try:
                return self._first_fetch().keys[kid]
            except KeyError:
                raise NotProven("unknown_kid") from None
        if kid in current.keys:
            if time.time() - current.at > REFRESH_AFTER_SECONDS:
                self._refresh_in_background()
            return current.keys[kid]
        # Another process may have seen the rotation before this one.
        shared = self._load_shared()
        if shared is not None and kid in shared.keys:
            return shared.keys[kid]
        try:
            return self._fetch_if_allowed().keys[kid]
        except KeyError:
            raise NotProven("unknown_kid") from None

    def _first_fetch(self) -> Fetched:
        """Fetch the first set; requests that come meanwhile wait for it instead of failing."""
        if not self._fetching.acquire(timeout=FETCH_WAIT_SECONDS):
            raise CannotVerifyNow("keys_unavailable")
        try:
            if self._current is not None:
                return self._current
            if self._is_cooling():
                raise CannotVerifyNow("keys_unavailable")
            return self._fetch()
        finally:
            self._fetching.release()

    def _fetch_if_allowed(self) -> Fetched:
        if not self._fetching.acquire(blocking=False):
            raise CannotVerifyNow("keys_being_fetched")
        try:
            if self._is_cooling() or not self._begin_cool_down():
                raise CannotVerifyNow("unknown_kid_too_soon")
            return self._fetch()
        finally:
            self._fetching.release()

    def _refresh_in_background(self) -> None:
        if not self._is_cooling():
            threading.Thread(target=self._refresh, daemon=True).start()

    def _refresh(self) -> None:
        try:
            self._fetch_if_allowed()
        except CannotVerifyNow:
            logger.info("The key set at %s was not refreshed this time.", self.url)

    def _fetch(self) -> Fetched:
        try:
            jwks = fetch_json(self.url)
            keys = usable_keys(jwks)
            if not keys:
                raise CannotFetch("it holds no usable RSA key")
        except CannotFetch as error:
            self._begin_cool_down()
            logger.error("No key set from %s: %s.", self.url, error)
            raise CannotVerifyNow("keys_unavailable") from error
        self._current = Fetched(jwks, time.time(), keys)
        self._share(self._current)
        return self._current

    def _is_cooling(self) -> bool:
        if time.monotonic() < self._cool_until:
            return True
        try:
            return cache.get(self._cool_down_key) is not None
        except Exception:
            return False

    def _begin_cool_down(self) -> bool:
        """Return whether this process may be the one to fetch."""
        self._cool_until = time.monotonic() + COOL_DOWN_SECONDS
        try:
            return cache.add(self._cool_down_key, 1, COOL_DOWN_SECONDS)
        except Exception:
            # A cache that is down must not keep genuine events out.
            logger.warning("The cache is out of reach; the key set is kept in memory only.")
            return True

    def _load_shared(self) -> Fetched | None:
        try:
            stored = cache.get(self._cache_key)
        except Exception:
            return None
        # Another release of this package may have stored something else.
        if not (isinstance(stored, dict) and isinstance(stored.get("at"), float)):
            return None
        if self._current is None or stored["at"] > self._current.at:
            jwks = stored.get("jwks")
            self._current = Fetched(jwks, stored["at"], usable_keys(jwks))
        return self._current

    def _share(self, fetched: Fetched) -> None:
        try:
            cache.set(self._cache_key, {"jwks": fetched.jwks, "at": fetched.at}, KEEP_SECONDS)
        except Exception:
            logger.warning("The cache is out of reach; the key set is kept in memory only.")


def usable_keys(jwks: Any) -> Keys:
    """
    Return the RSA signature keys of a JWKS document, by key id.

    Kinde publishes `{"keys": [{"kty": "RSA", "e": …, "n": …, "alg": "RS256",
    "use": "sig", "kid": …}]}`. Keys for anything else, too small or too large ones
    and malformed ones are passed over.
    """
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(entries, list):
        return {}
    found: defaultdict[str, list[RSAPublicKey]] = defaultdict(list)
    for entry in entries[:MAX_KEYS]:
        key = _public_key(entry) if isinstance(entry, dict) else None
        if key is not None and len(found[entry["kid"]]) < MAX_KEYS_PER_KID:
            found[entry["kid"]].append(key)
    return {kid: tuple(keys) for kid, keys in found.items() if keys}


def _public_key(entry: dict[str, Any]) -> RSAPublicKey | None:
    # In its payloads Kinde writes what is not there as null.
    jwk = {name: value for name, value in entry.items() if value is not None}
    operations = jwk.get("key_ops", ["verify"])
    if not (
        jwk.get("kty") == "RSA"
        and isinstance(jwk.get("kid"), str)
        and jwk.get("alg", "RS256") == "RS256"
        and jwk.get("use", "sig") == "sig"
        and isinstance(operations, list)
        and "verify" in operations
    ):
        return None
    if jwk.keys() & PRIVATE_MEMBERS:
        logger.error("A published key set holds a private key; only its public part is used.")
    public = {name: value for name, value in jwk.items() if name not in PRIVATE_MEMBERS}
    # A modulus of 8192 bits has 1366 base64url digits; longer ones are not worth parsing.
    if not isinstance(public.get("n"), str) or len(public["n"]) > 1400:
        return None
    try:
        key = RSAAlgorithm.from_jwk(public)
    except (InvalidKeyError, ValueError, TypeError, AttributeError):
        return None
    if not isinstance(key, RSAPublicKey) or key.key_size not in KEY_BITS:
        return None
    exponent = key.public_numbers().e
    return key if exponent >= 3 and exponent % 2 else None

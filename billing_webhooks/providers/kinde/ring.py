"""The keys that are trusted: those the issuer publishes, and for a grace those it did."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.algorithms import RSAAlgorithm

from billing_webhooks.providers.kinde.jwk import MAX_KEYS, Keys, usable_keys

# What is sent again may carry a signature by a key that has left the set meanwhile.
GRACE_SECONDS = 72 * 60 * 60


@dataclass(frozen=True)
class TrustedKey:
    """A key, and the Unix time at which the published set was first seen without it."""

    kid: str
    key: RSAPublicKey
    vanished_at: float | None = None

    def is_trusted(self, now: float) -> bool:
        return self.vanished_at is None or now - self.vanished_at <= GRACE_SECONDS

    @cached_property
    def identity(self) -> tuple[str, int, int]:
        """What makes it this key: under one id an issuer may come to publish another."""
        numbers = self.key.public_numbers()
        return self.kid, numbers.n, numbers.e


@dataclass(frozen=True)
class KeyRing:
    """Trusted keys, as of the Unix time at which the published set was last fetched."""

    fetched_at: float
    keys: tuple[TrustedKey, ...] = ()

    def find(self, kid: str, now: float) -> tuple[TrustedKey, ...]:
        return tuple(each for each in self.keys if each.kid == kid and each.is_trusted(now))

    def renewed(self, published: Keys, now: float) -> KeyRing:
        """Return the ring after a fetch: what has vanished stays for a grace."""
        fresh = tuple(TrustedKey(kid, key) for kid, keys in published.items() for key in keys)
        there = {each.identity for each in fresh}
        gone = [
            each if each.vanished_at is not None else replace(each, vanished_at=now)
            for each in self.keys
            if each.identity not in there and each.is_trusted(now)
        ]
        return KeyRing(now, fresh + tuple(gone[:MAX_KEYS]))

    def without(self, kids: Collection[str]) -> KeyRing:
        return replace(self, keys=tuple(each for each in self.keys if each.kid not in kids))

    def published(self) -> KeyRing:
        """Return the ring without the keys that have vanished."""
        return replace(self, keys=tuple(each for each in self.keys if each.vanished_at is None))

    def dumps(self) -> str:
        return json.dumps(
            {"fetched_at": self.fetched_at, "keys": [_dumped(each) for each in self.keys]}
        )

    @classmethod
    def loads(cls, text: str) -> KeyRing | None:
        """Return the ring in a text that `dumps` has made; None for any other."""
        try:
            stored = json.loads(text)
            keys = [_loaded(entry) for entry in stored["keys"]]
            fetched_at = float(stored["fetched_at"])
        except (ValueError, TypeError, KeyError, RecursionError):
            # Another release of this package may have written something else.
            return None
        return cls(fetched_at, tuple(keys))


def _dumped(trusted: TrustedKey) -> dict[str, Any]:
    jwk = RSAAlgorithm.to_jwk(trusted.key, as_dict=True)
    public = {name: jwk[name] for name in ("kty", "n", "e")}
    return {**public, "kid": trusted.kid, "vanished_at": trusted.vanished_at}


def _loaded(entry: dict[str, Any]) -> TrustedKey:
    jwk = {name: entry[name] for name in ("kty", "n", "e", "kid")}
    vanished_at = entry["vanished_at"]
    # Judged like a fetched one: what is usable is this release's to say.
    (key,) = usable_keys({"keys": [jwk]})[entry["kid"]]
    return TrustedKey(entry["kid"], key, None if vanished_at is None else float(vanished_at))

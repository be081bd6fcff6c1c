"""Bodies that the database cannot read: sealed with keys that only the settings have."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import settings

# No provider's body begins so. One that does all the same is escaped.
SEALED = b"\x00sealed:"
PLAIN = b"\x00plain:"


class Sealed(bytes):
    """Stored bytes that the configured keys do not open."""


def seal(body: bytes) -> bytes:
    """Return what is to be stored for a body: itself, if no key is configured."""
    if not body:
        return body
    keys = encryption_keys()
    if isinstance(body, Sealed):
        # It was read without its key, and is written back as it was.
        return bytes(body)
    if keys and settings.ENCRYPTION_KEYS[0] is not None:
        return SEALED + MultiFernet(keys).encrypt(body)
    return PLAIN + body if body.startswith((SEALED, PLAIN)) else body


def opened(stored: bytes) -> bytes:
    """Return the body of what was stored, or a Sealed one for which the key is missing."""
    if stored.startswith(PLAIN):
        return stored[len(PLAIN) :]
    if not stored.startswith(SEALED):
        return stored
    keys = encryption_keys()
    try:
        return MultiFernet(keys).decrypt(stored[len(SEALED) :]) if keys else Sealed(stored)
    except InvalidToken:
        return Sealed(stored)


def encryption_keys() -> Sequence[Fernet]:
    """Return the configured keys, or raise ImproperlyConfigured for what is none."""
    configured = settings.ENCRYPTION_KEYS
    if not configured:
        return ()
    try:
        return [Fernet(key) for key in configured if key is not None]
    except (ValueError, TypeError):
        # Its own message would not, but a key's place in a traceback is no place for it.
        raise ImproperlyConfigured(
            "BILLING_WEBHOOKS_ENCRYPTION_KEYS must hold keys as `Fernet.generate_key()` makes them."
        ) from None

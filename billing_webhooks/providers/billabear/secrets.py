"""Secrets that BillaBear's form accepts, and the URLs that hold them."""

from __future__ import annotations

import re
import secrets
from urllib.parse import urlsplit

RANDOM_BYTES = 24
USER = "billabear"

# What its form takes as it is; anything else would have to be written as %XX.
ACCEPTED = re.compile(r"[A-Za-z0-9_.-]*")

# What people write until they have a secret, and what hands type.
PLACEHOLDERS = re.compile(
    r"(change|replace|fill|insert|enter|put|add|set)[-_. ]?(me|this|it|in|your|here)"
    r"|(your|my)[-_. ]|(secret|password|passw0rd|placeholder|example|dummy|todo|xxx)([-_. 0-9]|$)"
    r"|billabear[-_. ]?(webhook[-_. ]?)?secret"
    r"|.*(12345678|abcdefgh|qwert[yz]|<.*>)",
    re.IGNORECASE,
)
# Any 20 random digits have as many, but for one in some ten thousand.
FEWEST_CHARACTERS = 5

# BillaBear keeps the URL in a column of 255 characters, and in another one the message of
# a failed delivery: some 143 characters, the host and the URL once more.
# Source: the sender's own classes, run and observed, 2026-04.
LONGEST_URL = 255
LONGEST_HOST_AND_URL = 105


def fresh_secret() -> str:
    """Return a random text of letters, digits, `-` and `_` that no placeholder looks like."""
    secret = secrets.token_urlsafe(RANDOM_BYTES)
    while is_no_random_text(secret):
        secret = secrets.token_urlsafe(RANDOM_BYTES)
    return secret


def is_accepted(secret: str) -> bool:
    """Return whether BillaBear's form takes a secret as it is."""
    return ACCEPTED.fullmatch(secret) is not None


def is_no_random_text(secret: str) -> bool:
    """Return whether a secret is a placeholder, or a few characters over and over."""
    is_periodic = secret in (secret + secret)[1:-1]
    return (
        is_periodic
        or len(set(secret)) < FEWEST_CHARACTERS
        or PLACEHOLDERS.match(secret) is not None
    )


def with_secret(url: str, secret: str) -> str:
    """Return the URL to give to BillaBear: with the secret as the password of its userinfo."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{USER}:{secret}@{rest}"


def length_problem(url: str) -> str:
    """Return what is wrong with the length of a URL that holds its secret; empty if nothing is."""
    host = urlsplit(url).hostname or ""
    if len(url) > LONGEST_URL:
        return f"The URL has {len(url)} characters, and BillaBear keeps {LONGEST_URL} at most."
    if len(host) + len(url) > LONGEST_HOST_AND_URL:
        return (
            f"Host and URL have {len(host)} + {len(url)} characters, more than "
            f"{LONGEST_HOST_AND_URL}: BillaBear itself fails when a delivery to it does."
        )
    return ""


SHORTEN = "Choose a shorter host, alias, or path in your urls.py."

"""
Ids of providers as parts of a path, which may hold anything: slashes, spaces, any script.

An ordinary id stands as it is. Of any other each byte that could be changed on its way is
written `~2F`: not as `%2F`, which servers and proxies decode before the path is split.
What has no id of the provider's is called by another name behind a word that no id can be
mistaken for, such as `~organization:org_1`.
"""

from __future__ import annotations

import re
import string
from typing import Any

from billing_webhooks.models import Customer, Plan

PLAIN = frozenset(f"{string.ascii_letters}{string.digits}-_.@:+=,")
# None begins with two hexadecimal digits.
WORD = re.compile(r"~(organization|name|event|row):")
ESCAPE = re.compile(rb"~([0-9A-Fa-f]{2})?")

# The kind of a name, and the name; "row" is our own key.
Name = tuple[str, str]


class NoSegment(ValueError):
    """This is no id as the API spells it."""


def spelled(text: str, kind: str = "id") -> str:
    """Return an id as a path has it; of another kind than the provider's id, with its word."""
    # Browsers and proxies take "." and ".." for steps.
    plain = frozenset() if not text.strip(".") else PLAIN
    written = "".join(each if each in plain else _escaped(each) for each in text)
    return written if kind == "id" else f"~{kind}:{written}"


def meant(segment: str) -> Name:
    """Return the kind and the text of a part of a path; raise NoSegment."""
    word = WORD.match(segment)
    rest = segment[word.end() :] if word else segment
    try:
        text = ESCAPE.sub(_unescaped, rest.encode()).decode()
    except UnicodeError as error:
        raise NoSegment("Not UTF-8.") from error
    if not text or "\0" in text:
        raise NoSegment("No text that a database could hold.")
    return (word[1] if word else "id"), text


def of_customer(row: Customer) -> str:
    """Return by what a customer is found: its id, else its organisation."""
    return customer(row.external_id, row.organization_code, row.pk)


def customer(external_id: str, organization_code: str, key: int) -> str:
    """Return by what a customer is found who has these names."""
    if external_id or not organization_code:
        return _by_id(external_id, key)
    return spelled(organization_code, "organization")


def of_plan(row: Plan) -> str:
    """Return by what a plan is found: its id, else its code, else its name."""
    if row.external_id or row.code or not row.name:
        return _by_id(row.external_id or row.code, row.pk)
    return spelled(row.name, "name")


def of_entry(row: Any) -> str:
    """Return by what a payment or a reading is found: its id, else the event's that told of it."""
    kind, _, text = row.identity.partition(":")
    return spelled(text, kind) if kind in {"id", "event"} and text else spelled(str(row.pk), "row")


def _by_id(text: str, key: int) -> str:
    return spelled(text) if text else spelled(str(key), "row")


def _escaped(character: str) -> str:
    return "".join(f"~{byte:02X}" for byte in character.encode())


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found[1] is None:
        raise NoSegment("A tilde that begins nothing.")
    return bytes.fromhex(found[1].decode())

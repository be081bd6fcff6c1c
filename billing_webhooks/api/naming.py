"""What parts of a path name; what can be no name is not found."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from billing_webhooks.api import segments

# A number of more digits is no key of ours, and no number to some databases.
MAX_DIGITS = 18


def name_in(segment: str) -> segments.Name:
    """Return the kind and the text of a name; raise Http404."""
    try:
        return segments.meant(segment)
    except segments.NoSegment as error:
        raise Http404 from error


def id_in(segment: str) -> str:
    """Return an id of a provider's; raise Http404."""
    kind, text = name_in(segment)
    if kind != "id":
        raise Http404
    return text


def key_in(text: str) -> int:
    """Return a primary key; raise Http404."""
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise Http404
    return int(text)


def uuid_in(segment: str) -> UUID:
    """Return the key of an event; raise Http404."""
    try:
        return UUID(segment)
    except ValueError as error:
        raise Http404 from error

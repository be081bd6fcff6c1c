"""What an event has changed, when it is applied more than once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from billing_webhooks.models.fields import ExactEncoder

Entry: TypeAlias = Mapping[str, Any]


def combined(earlier: Sequence[Entry], later: Sequence[Entry]) -> list[dict[str, Any]]:
    """
    Return the entries of an event that was applied again.

    What it changed before stays changed by it, and what was to be told is still to be
    told: a replay finds the rows as the event has left them, so by itself it changes
    nothing. A row that was deleted and is made anew, or was merged into another, is still
    the subject of what was told of it.
    """
    entries = [dict(entry) for entry in earlier]
    known = {_identity(entry): entry for entry in entries}
    for entry in json.loads(json.dumps(later, cls=ExactEncoder)):
        same = known.get(_identity(entry))
        if same is None:
            entries.append(entry)
        elif "model" in entry:
            if same["id"] != entry["id"]:
                same.setdefault("subject", f"{same['model']}:{same['id']}")
                same["id"] = entry["id"]
            same["fields"] = _combined_fields(same["fields"], entry["fields"])
            same["signals"] = list(dict.fromkeys([*same["signals"], *entry["signals"]]))
    return entries


def _identity(entry: Entry) -> str:
    if "model" in entry:
        return repr((entry["model"], entry["key"]))
    # A notice is of no row: it is what it says.
    return repr((entry["signals"], sorted(entry["data"].items())))


def _combined_fields(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(earlier)
    for name, (old, new) in later.items():
        fields[name] = [earlier[name][0] if name in earlier else old, new]
    return fields

"""The bytes that BillaBear sends."""

from __future__ import annotations

import json
from typing import Any


def billabear_body(event_type: str, **content: Any) -> bytes:
    r"""
    Return the body of an event as BillaBear's PHP encodes it.

    One line of ASCII, without spaces, `/` as `\/` and other characters as `\uXXXX`.
    """
    text = json.dumps({"type": event_type, **content}, separators=(",", ":"))
    return text.replace("/", r"\/").encode("ascii")

"""
What a label may be.

Each value is a time series for as long as the process lives, so nobody outside may make one:
not with an alias in a URL, a type, or an id.
"""

from __future__ import annotations

import re
import threading

from billing_webhooks.conf import settings

OTHER = "other"
# More receivers, or reasons, no project has.
MOST = 200
LONGEST = 255


def alias_label(alias: str) -> str:
    """Return an alias that is configured, else "other"."""
    return alias if alias in settings.PROVIDERS else OTHER


class Few:
    """Texts of ours that fit a pattern: the first so many, and "other" for the rest."""

    def __init__(self, pattern: str) -> None:
        self._pattern = re.compile(pattern)
        self._lock = threading.Lock()
        self._known: set[str] = set()

    def __call__(self, text: str) -> str:
        if text in self._known:
            return text
        with self._lock:
            if len(self._known) >= MOST or not self._pattern.fullmatch(text):
                return OTHER
            self._known.add(text)
            return text


reason_label = Few(r"[a-z][a-z0-9_]{0,49}")
# A dotted path, or what a project has chosen as dispatch_uid.
receiver_label = Few(rf"[ -~]{{1,{LONGEST}}}")

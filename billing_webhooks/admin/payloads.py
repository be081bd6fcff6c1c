"""JSON as a page shows it: its words told apart, and folded where it is long."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from billing_webhooks.admin.rendering import MAX_SHOWN, boxed, visible

UNFOLDED_LINES = 40

# In a document that is one already: what stands outside strings has no quotes.
_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=: ))'
    r'|(?P<string>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)"
    r"|(?P<literal>\b(?:true|false|null)\b)"
)


def document(text: str) -> SafeString:
    """Return indented JSON with its words marked; what is beyond its first lines is folded."""
    lines = visible(text[:MAX_SHOWN]).split("\n")
    if len(lines) <= UNFOLDED_LINES:
        return boxed(marked("\n".join(lines)), is_cut=len(text) > MAX_SHOWN)
    rest = len(lines) - UNFOLDED_LINES
    more = ngettext("Show %(count)d more line", "Show %(count)d more lines", rest)
    return format_html(
        '{}<details class="billing-webhooks-more"><summary>{}</summary>{}</details>',
        boxed(marked("\n".join(lines[:UNFOLDED_LINES]))),
        more % {"count": rest},
        boxed(marked("\n".join(lines[UNFOLDED_LINES:])), is_cut=len(text) > MAX_SHOWN),
    )


def marked(text: str) -> SafeString:
    """Return JSON, escaped, with its keys, strings, numbers and literals in spans."""
    return format_html_join("", '<span class="billing-webhooks-{}">{}</span>', _tokens(text))


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    end = 0
    for token in _TOKEN.finditer(text):
        if token.start() > end:
            yield "mark", text[end : token.start()]
        yield token.lastgroup or "mark", token[0]
        end = token.end()
    if end < len(text):
        yield "mark", text[end:]

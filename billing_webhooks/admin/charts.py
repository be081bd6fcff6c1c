"""
Charts, drawn on the server by pygal, each with a table that says the same.

Without pygal, which the extra `charts` installs, the table is all there is.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from billing_webhooks.admin.drawings import redrawn, swatch
from billing_webhooks.admin.rendering import number, visible

LIBRARY = "pygal"
WIDTH, HEIGHT = 900, 240
MAX_TICKS = 6
MAX_LABELS = 12
# Of a line's table; the picture shows the rest.
MAX_ROWS = 400


def stacked_bars(
    title: str,
    labels: Sequence[str],
    series: Mapping[str, Sequence[int]],
    links: Callable[[str, int], str] = lambda name, place: "",
    names: Mapping[str, str] | None = None,
) -> SafeString:
    """
    Return a bar for each label, with a part for each series, and the same as a table.

    `series` has a value for each label. `links` returns the URL behind a value, by the
    series' key and the label's number, "" for none. `names` says what people read for a key.
    Keys keep their colour and pattern, whether others are all zero or not.
    """
    labels = [visible(str(each)) for each in labels]
    titles = {key: visible(str((names or {}).get(key, key))) for key in series}
    keys = list(series)
    found = [key for key in keys if any(series[key])]
    if not found:
        return format_html("<p>{}</p>", _("Nothing in this time."))

    def told(which: int, place: int) -> tuple[str, str]:
        key = keys[which]
        text = _("%(when)s: %(count)s %(what)s")
        parts = {"when": labels[place], "count": series[key][place], "what": titles[key]}
        return links(key, place), text % parts

    return format_html(
        "{}{}{}",
        _picture(title, lambda: _bars(labels, series), told),
        _legend((number_, titles[key]) for number_, key in enumerate(keys) if key in found),
        _details(
            title, [_("when"), *(titles[key] for key in found)], _rows(labels, found, series, links)
        ),
    )


def line(title: str, points: Sequence[tuple[datetime, Decimal]]) -> SafeString:
    """Return a line through values by their times, which are aware, and the same as a table."""
    points = sorted(points)
    if not points:
        return format_html("<p>{}</p>", _("Nothing in this time."))
    moments = [visible(formats.localize(timezone.localtime(when))) for when, _value in points]

    def told(which: int, place: int) -> tuple[str, str]:
        return "", f"{moments[place]}: {number(points[place][1])}"

    rows = [
        (moment, (number(value),)) for moment, (_when, value) in zip(moments, points, strict=True)
    ]
    return format_html(
        "{}{}",
        _picture(title, lambda: _curve(points), told),
        _details(title, [_("when"), _("value")], rows[-MAX_ROWS:]),
    )


def is_drawn() -> bool:
    """Return whether there is something to draw with."""
    return find_spec(LIBRARY) is not None


def _picture(
    title: str, draw: Callable[[], Any], told: Callable[[int, int], tuple[str, str]]
) -> SafeString:
    if not is_drawn():
        hint = _("To see it as a picture, install the extra: %(name)s.")
        return format_html("<p>{}</p>", hint % {"name": "django-billing-webhooks[charts]"})
    name = f"billing-webhooks-{hashlib.sha256(title.encode(errors='replace')).hexdigest()[:12]}"
    drawing = redrawn(draw(), visible(title), told, name)
    return format_html('<div class="billing-webhooks-chart" tabindex="0">{}</div>', drawing)


def _bars(labels: Sequence[str], series: Mapping[str, Sequence[int]]) -> Any:
    pygal = _library()
    highest = max(sum(values) for values in zip(*series.values(), strict=True))
    chart = pygal.StackedBar(
        **_options(),
        x_labels_major_every=math.ceil(len(labels) / MAX_LABELS),
        show_minor_x_labels=False,
        y_labels=_ticks(highest),
    )
    chart.x_labels = labels
    for values in series.values():
        # What it draws is told apart by the numbers of the values.
        chart.add(
            "",
            [
                {"value": value, "label": str(place)} if value else None
                for place, value in enumerate(values)
            ],
        )
    return chart.render_tree()


def _curve(points: Sequence[tuple[datetime, Decimal]]) -> Any:
    pygal = _library()
    first, last = points[0][0], points[-1][0]
    chart = pygal.XY(**_options(), max_scale=MAX_TICKS, x_labels=_times(first, last))
    values = [
        {"value": (when.timestamp(), float(value)), "label": str(place)}
        for place, (when, value) in enumerate(points)
    ]
    chart.add("", values)
    return chart.render_tree()


def _library() -> Any:
    before = [*sys.meta_path]
    import pygal

    # Its finder of maps is of an old kind, of which Python 3.11 warns at every later import.
    sys.meta_path[:] = [
        each for each in sys.meta_path if each in before or hasattr(each, "find_spec")
    ]
    return pygal


def _options() -> dict[str, Any]:
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "js": (),
        "css": (),
        "show_legend": False,
        "truncate_label": -1,
        # What it would write beside the values is left out.
        "formatter": lambda value: "",
        "value_formatter": _on_axis,
        "dots_size": 4,
    }


def _on_axis(value: float) -> str:
    return number(Decimal(repr(value)))


def _ticks(highest: int) -> list[int]:
    """Return whole numbers for the axis, from zero to at least the highest."""
    step = 1
    while highest / step > MAX_TICKS - 1:
        # 1, 2, 5, 10, 20, 50 and so on.
        step = step * 5 // 2 if str(step).startswith("2") else step * 2
    return [*range(0, highest + step, step)]


def _times(first: datetime, last: datetime) -> list[dict[str, Any]]:
    is_short = timedelta(0) < last - first < timedelta(days=2)
    shape = "TIME_FORMAT" if is_short else "SHORT_DATE_FORMAT"
    moments = {first + (last - first) * part / (MAX_TICKS - 1) for part in range(MAX_TICKS)}
    return [
        {
            "value": moment.timestamp(),
            "label": formats.date_format(timezone.localtime(moment), shape),
        }
        for moment in sorted(moments)
    ]


def _legend(series: Iterable[tuple[int, str]]) -> SafeString:
    lines = format_html_join(
        "", "<li>{}{}</li>", ((swatch(number_), name) for number_, name in series)
    )
    return format_html('<ul class="billing-webhooks-legend">{}</ul>', lines)


def _rows(
    labels: Sequence[str],
    keys: Sequence[str],
    series: Mapping[str, Sequence[int]],
    links: Callable[[str, int], str],
) -> list[tuple[str, list[Any]]]:
    return [
        (label, [_linked(series[key][place], links(key, place)) for key in keys])
        for place, label in enumerate(labels)
    ]


def _linked(value: int, url: str) -> Any:
    shown = formats.localize(value)
    return format_html('<a href="{}">{}</a>', url, shown) if url and value else shown


def _details(
    title: str, headings: Iterable[str], rows: Iterable[tuple[str, Iterable[Any]]]
) -> SafeString:
    head = format_html_join(
        "", '<th scope="col" dir="auto">{}</th>', ((capfirst(each),) for each in headings)
    )
    body = format_html_join(
        "",
        '<tr><th scope="row" dir="auto">{}</th>{}</tr>',
        (
            (first, format_html_join("", "<td>{}</td>", ((each,) for each in cells)))
            for first, cells in rows
        ),
    )
    return format_html(
        '<details{}><summary>{}</summary><div class="billing-webhooks-table" tabindex="0">'
        "<table><caption>{}</caption><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
        "</details>",
        "" if is_drawn() else SafeString(" open"),
        _("The same as a table"),
        visible(title),
        head,
        body,
    )

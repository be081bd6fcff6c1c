"""Charts as pictures, and as tables that say the same."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.utils.safestring import SafeString

from billing_webhooks.admin.charts import line, stacked_bars
from tests.once import on_one_database

on_one_database()

HOSTILE = "<script>alert(1)</script>\x00\ud800\ufffe\u202e\"'&]]>"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def picture(html: str) -> ElementTree.Element:
    [svg] = re.findall(r'<svg viewBox="0 0 900.*?</svg>', html, re.DOTALL)
    return ElementTree.fromstring(svg)  # noqa: S314 - our own text


def tags(html: SafeString) -> set[str]:
    return {element.tag for element in picture(html).iter()}


def test_bars__are_links_with_words() -> None:
    html = stacked_bars("Per hour", ["1", "2"], {"a": [3, 0], "b": [0, 5]}, lambda k, n: f"/{k}{n}")
    links = picture(html).findall(".//a")

    assert [link.get("href") for link in links] == ["/a0", "/b1"]
    assert [link.get("aria-label") for link in links] == ["1: 3 a", "2: 5 b"]
    assert [title.text for title in picture(html).iter("title")] == ["1: 3 a", "2: 5 b"]
    assert '<td><a href="/a0">3</a></td><td>0</td>' in html


def test_bars__keep_their_pattern_whatever_is_beside_them() -> None:
    def fills(**series: list[int]) -> list[str]:
        html = stacked_bars("Per hour", ["1"], series)
        return [rect.get("fill", "")[-2:-1] for rect in picture(html).findall(".//g/rect")]

    assert fills(a=[1], b=[2], c=[3]) == ["0", "1", "2"]
    assert fills(a=[0], b=[0], c=[3]) == ["2"]


def test_bars__patterns_are_there() -> None:
    svg = picture(stacked_bars("Per hour", ["1"], {name: [1] for name in "abcdefgh"}))
    there = {f"url(#{pattern.get('id')})" for pattern in svg.iter("pattern")}

    assert {rect.get("fill") for rect in svg.findall(".//g/rect")} == there


@pytest.mark.parametrize("highest", [1, 2, 7, 99, 12_345, 10**12])
def test_bars__axis_of_whole_numbers(highest: int) -> None:
    svg = picture(stacked_bars("Per hour", ["x"], {"a": [highest]}))
    ticks = [int(text.text or "") for text in svg.iter("text") if text.text != "x"]

    assert 2 <= len(ticks) <= 8
    assert ticks[-1] >= highest


@pytest.mark.parametrize(
    "html",
    [
        stacked_bars(HOSTILE, [HOSTILE], {HOSTILE: [1]}, lambda *_: '/?a=1&b="<x>'),
        line(HOSTILE, [(NOON, Decimal(1))]),
    ],
    ids=["bars", "line"],
)
def test_chart__hostile_texts(html: SafeString) -> None:
    assert "<script" not in html
    assert not set("\x00\ud800\ufffe\u202e") & set(html)
    assert tags(html) <= {
        "svg", "defs", "pattern", "g", "a", "rect", "path", "circle", "text", "title"
    }  # fmt: skip


def test_chart__no_styles() -> None:
    html = stacked_bars("x", ["1"], {"a": [1]}) + line("x", [(NOON, Decimal(1))])
    assert not re.search(r"style|onload|javascript|xlink|http", html)


def test_line__through_its_points() -> None:
    points = [(NOON + timedelta(days=number), Decimal(number * 10)) for number in range(5)]
    html = line("Seats", points[::-1])
    svg = picture(html)

    assert (svg.get("role"), svg.get("aria-label")) == ("img", "Seats")
    assert len([*svg.iter("circle")]) == 5 + sum(
        len(p.findall("circle")) for p in svg.iter("pattern")
    )
    assert '<th scope="row" dir="auto">March 2, 2026, 1 p.m.</th><td>0</td>' in html
    assert "March 6, 2026, 1 p.m.: 40" in [title.text for title in svg.iter("title")]


@pytest.mark.parametrize(
    "values",
    [["0"], ["0", "0"], ["-5", "5"], ["1E+15", "0.000001"], ["19.90"]],
    ids=" ".join,
)
def test_line__odd_values(values: list[str]) -> None:
    html = line("Seats", [(NOON, Decimal(value)) for value in values])
    assert html.count('<th scope="row"') == len(values)
    assert "circle" in tags(html)


def test_chart__of_nothing() -> None:
    assert line("Seats", []) == stacked_bars("Events", ["1"], {"a": [0]})
    assert stacked_bars("Events", [], {}) == "<p>Nothing in this time.</p>"


def test_library__leaves_imports_as_they_were() -> None:
    stacked_bars("x", ["1"], {"a": [1]})
    assert all(hasattr(finder, "find_spec") for finder in sys.meta_path)

"""
Drawings that may stand in a page of any policy: no styles, no scripts, nothing of a sender's.

What the library draws is not mended but drawn anew, from the shapes and lengths in it.
Colours come by classes, and with each a pattern, so that none has to be told by its colour.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from xml.etree import ElementTree

from django.utils.safestring import SafeString, mark_safe

SHAPES = frozenset({"svg", "g", "path", "rect", "circle", "text"})
LENGTHS = frozenset(
    {"viewBox", "transform", "x", "y", "width", "height", "cx", "cy", "r", "d", "text-anchor"}
)
CLASSES = frozenset({"axis", "guide", "line", "dot", "bar", "series", "x", "y"})
TILE = 8

# By the number of a series: what is drawn on a tile of its colour.
PATTERNS: tuple[tuple[tuple[str, Mapping[str, str]], ...], ...] = (
    (),
    (("path", {"d": "M-2 2 l4 -4 M0 8 l8 -8 M6 10 l4 -4"}),),
    (("circle", {"cx": "4", "cy": "4", "r": "1.5"}),),
    (("path", {"d": "M0 4 h8"}),),
    (("path", {"d": "M4 0 v8"}),),
    (("path", {"d": "M0 0 l8 8 M8 0 l-8 8"}),),
    (("path", {"d": "M0 4 h8 M4 0 v8"}),),
)

# Of the bar or point that a series' number and a value's number name: its link, "" for none,
# and what it says.
Told = Callable[[int, int], tuple[str, str]]


def redrawn(tree: Any, label: str, told: Told, name: str) -> SafeString:
    """
    Return a drawing of the library's as a picture with a label, to be put into a page.

    `name` tells its patterns from those of other drawings in the same page.
    """
    [svg] = _shapes(tree, None, told, name)
    # Links in what is an image would be hidden from those who cannot see it.
    has_links = svg.find(".//a") is not None
    svg.attrib.update({"role": "group" if has_links else "img", "aria-label": label})
    svg.insert(0, _definitions(name))
    return _text(svg)


def swatch(number: int) -> SafeString:
    """Return the colour and pattern of a series, as a little square."""
    name = f"billing-webhooks-swatch-{number}"
    svg = ElementTree.Element("svg", {"viewBox": "0 0 16 16", "aria-hidden": "true"})
    svg.append(_definitions(name, number))
    ElementTree.SubElement(
        svg, "rect", {"width": "16", "height": "16", "fill": f"url(#{name}-{number})"}
    )
    return _text(svg)


def _text(svg: ElementTree.Element) -> SafeString:
    # The serializer escapes; there is no empty element in HTML.
    return mark_safe(ElementTree.tostring(svg, "unicode", short_empty_elements=False))  # noqa: S308


def _definitions(name: str, only: int | None = None) -> ElementTree.Element:
    definitions = ElementTree.Element("defs")
    for number, shapes in enumerate(PATTERNS):
        if only in {None, number}:
            sizes = {"width": str(TILE), "height": str(TILE), "patternUnits": "userSpaceOnUse"}
            pattern = ElementTree.SubElement(
                definitions, "pattern", {"id": f"{name}-{number}", **sizes}
            )
            tile = {"width": str(TILE), "height": str(TILE), "class": f"series-{number}"}
            ElementTree.SubElement(pattern, "rect", tile)
            for tag, attributes in shapes:
                ElementTree.SubElement(pattern, tag, {**attributes, "class": "pattern"})
    return definitions


def _shapes(
    element: Any, series: int | None, told: Told, name: str
) -> Iterator[ElementTree.Element]:
    """Yield what is kept of an element: the shape anew, or nothing."""
    tag = _local(element.tag)
    classes = (element.get("class") or "").split()
    if tag not in SHAPES or "background" in classes or _is_empty(element):
        return
    series = next((int(each[6:]) for each in classes if each.startswith("serie-")), series)
    lengths = {key: value for key, value in element.attrib.items() if key in LENGTHS}
    kept = " ".join(each for each in classes if each in CLASSES)
    shape = ElementTree.Element(tag, {**lengths, **({"class": kept} if kept else {})})
    for child in element:
        shape.extend(_shapes(child, series, told, name))
    if tag == "text":
        shape.text = element.text
    if tag == "g" and not len(shape):
        return
    number = _number(element)
    yield shape if series is None or number is None else _spoken(shape, series, number, told, name)


def _spoken(
    shape: ElementTree.Element, series: int, number: int, told: Told, name: str
) -> ElementTree.Element:
    """Return a bar or point that says what it is, and leads to what is behind it."""
    url, text = told(series, number)
    for drawn in shape:
        ElementTree.SubElement(drawn, "title").text = text
        if drawn.tag == "rect":
            drawn.set("fill", f"url(#{name}-{series % len(PATTERNS)})")
    if not url:
        return shape
    # The table has the same links, so none is a stop on the way through the page.
    link = ElementTree.Element("a", {"href": url, "tabindex": "-1", "aria-label": text})
    link.append(shape)
    return link


def _number(element: Any) -> int | None:
    """Return the number of the value that a group draws, which was given as its label."""
    for child in element:
        if _local(child.tag) == "desc" and child.get("class") == "label":
            return int(child.text)
    return None


def _is_empty(element: Any) -> bool:
    return _local(element.tag) == "rect" and float(element.get("height") or 0) <= 0


def _local(tag: Any) -> str:
    """Return the name of an element without its namespace; comments have none."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""

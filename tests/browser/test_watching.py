"""What the other tests rely on: a page that does wrong is heard, and one with faults is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.csp import POLICY
from tests.browser.needs import needs_browser
from tests.once import on_one_database

on_one_database()
needs_browser()

from tests.browser.watching import faults, is_wider_than_screen, watch  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture
def blank(browser: Browser) -> Page:
    return browser.new_page()


def show(page: Page, body: str) -> list[str]:
    """Show a body under the strict policy, and return what is heard of it."""
    complaints = watch(page)
    headers = {"Content-Security-Policy": POLICY, "Content-Type": "text/html"}
    html = f"<!doctype html><html lang=en><title>It</title><main>{body}</main></html>"
    page.route("http://nowhere.test/", lambda route: route.fulfill(body=html, headers=headers))
    page.goto("http://nowhere.test/")
    return complaints


@pytest.mark.parametrize(
    "body",
    [
        "<script>document.title = 'Mine'</script>",
        "<p style='color: red'>It</p>",
        "<style>p { color: red }</style>",
        "<img alt='' src='http://elsewhere.test/it.png'>",
        "<button onclick='alert(1)' autofocus>It</button><img alt='' src=data: onerror='alert(1)'>",
    ],
    ids=["script", "style attribute", "style element", "foreign image", "handler"],
)
def test_watch__forbidden__is_heard(body: str, blank: Page) -> None:
    assert any("Violated" in complaint for complaint in show(blank, body))
    assert blank.title() == "It"


def test_watch__nothing_forbidden__is_silent(blank: Page) -> None:
    assert show(blank, "<h1>It</h1>") == []


def test_faults__input_without_label__is_found(blank: Page) -> None:
    blank.set_content("<main><h1>It</h1><input name=it></main>")

    assert any(fault.startswith("label:") for fault in faults(blank))


def test_is_wider_than_screen__wide_table__is_seen(blank: Page) -> None:
    blank.set_content("<div style='width: 5000px'>It</div>")

    assert is_wider_than_screen(blank)

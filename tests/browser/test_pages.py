"""Each page in a browser: it obeys a strict policy, is accessible, and fits its screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.needs import needs_browser
from tests.once import on_one_database

on_one_database()
needs_browser()

from tests.browser.watching import faults, is_wider_than_screen  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Open

EVENTS = "/admin/billing_webhooks/webhookevent/"
CUSTOMERS = "/admin/billing_webhooks/customer/"
LISTS = [
    "/admin/",
    "/admin/billing_webhooks/",
    EVENTS,
    CUSTOMERS,
    "/admin/billing_webhooks/receiverrun/",
    "/admin/billing_webhooks/subscription/",
    "/admin/billing_webhooks/refusal/",
]
FIRST_OF = {"event": EVENTS + "?state__exact=pending", "customer": CUSTOMERS}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

both_themes = pytest.mark.parametrize("theme", ["light", "dark"])


def first_of(open_page: Open, path: str, **options: object) -> Page:
    """Return the page of the first row of a list."""
    page = open_page(path, **options)
    page.locator("#result_list tbody th a").first.click()
    return page


@both_themes
@pytest.mark.parametrize("path", LISTS)
def test_list__theme__is_accessible(path: str, theme: str, open_page: Open) -> None:
    assert faults(open_page(path, color_scheme=theme, bypass_csp=True)) == []


@both_themes
@pytest.mark.parametrize("path", FIRST_OF.values(), ids=FIRST_OF)
def test_row__theme__is_accessible(path: str, theme: str, open_page: Open) -> None:
    assert faults(first_of(open_page, path, color_scheme=theme, bypass_csp=True)) == []


@pytest.mark.parametrize("path", LISTS)
def test_list__phone__does_not_scroll_to_the_side(path: str, open_page: Open) -> None:
    assert not is_wider_than_screen(open_page(path, **PHONE))


@pytest.mark.parametrize("path", FIRST_OF.values(), ids=FIRST_OF)
def test_row__phone__does_not_scroll_to_the_side(path: str, open_page: Open) -> None:
    assert not is_wider_than_screen(first_of(open_page, path, **PHONE))

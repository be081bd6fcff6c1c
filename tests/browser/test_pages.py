"""Each page in a browser: it obeys a strict policy, is accessible, and fits its screen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.browser.needs import needs_browser
from tests.once import on_one_database

on_one_database()
needs_browser()

from tests.browser.watching import faults, follow, is_wider_than_screen  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.browser.conftest import Open

EVENTS = "/admin/billing_webhooks/webhookevent/"
CUSTOMERS = "/admin/billing_webhooks/customer/"
LISTS = [
    "/admin/",
    "/admin/billing_webhooks/",
    "/admin/billing_webhooks/webhookevent/overview/",
    EVENTS,
    CUSTOMERS,
]
FIRST_OF = {"event": EVENTS + "?state__exact=pending", "customer": CUSTOMERS}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


def row_of(path: str, open_page: Open, **options: object) -> Page:
    """Return the page of the first row of a list."""
    page = open_page(path, **options)
    follow(page.locator("#result_list tbody th a").first)
    return page


def confirmation(open_page: Open, **options: object) -> Page:
    """Return the page that asks before an event is retried."""
    page = row_of(FIRST_OF["event"], open_page, **options)
    follow(page.get_by_role("link", name="Retry now").first)
    return page


def preview(open_page: Open, **options: object) -> Page:
    """Return the page of a job that has told what a replay would do."""
    page = row_of(FIRST_OF["event"], open_page, **options)
    follow(page.get_by_role("link", name="Preview a replay"))
    follow(page.get_by_role("button", name="Preview a replay"))
    return page


def linking(open_page: Open, **options: object) -> Page:
    """Return the page on which a user is looked for."""
    page = row_of(FIRST_OF["customer"], open_page, **options)
    follow(page.get_by_role("link", name="Link a user"))
    return page


def export(open_page: Open, **options: object) -> Page:
    """Return the page that says what an export will hold."""
    page = open_page(EVENTS, **options)
    page.locator("#result_list tbody input[type=checkbox]").first.check()
    page.get_by_label("Action:").select_option("export_csv")
    follow(page.get_by_role("button", name="Go"))
    return page


BEHIND = pytest.mark.parametrize("go", [confirmation, preview, linking, export])


def faults_in_both_themes(page: Page) -> list[str]:
    """Return the faults in the light theme, and of the colours in the dark one."""
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    # Colours change little by little.
    page.evaluate("Promise.all(document.getAnimations().map((each) => each.finished))")
    return found + faults(page, "color-contrast")


@pytest.mark.parametrize("path", LISTS)
def test_list__both_themes__is_accessible(path: str, open_page: Open) -> None:
    assert faults_in_both_themes(open_page(path, bypass_csp=True)) == []


@pytest.mark.parametrize("path", FIRST_OF.values(), ids=FIRST_OF)
def test_row__both_themes__is_accessible(path: str, open_page: Open) -> None:
    assert faults_in_both_themes(row_of(path, open_page, bypass_csp=True)) == []


@pytest.mark.parametrize("path", LISTS)
def test_list__phone__does_not_scroll_to_the_side(path: str, open_page: Open) -> None:
    assert not is_wider_than_screen(open_page(path, **PHONE))


@pytest.mark.parametrize("path", FIRST_OF.values(), ids=FIRST_OF)
def test_row__phone__does_not_scroll_to_the_side(path: str, open_page: Open) -> None:
    assert not is_wider_than_screen(row_of(path, open_page, **PHONE))


@BEHIND
def test_page_behind__both_themes__is_accessible(go: Callable[..., Page], open_page: Open) -> None:
    assert faults_in_both_themes(go(open_page, bypass_csp=True)) == []


@BEHIND
def test_page_behind__phone__does_not_scroll_to_the_side(
    go: Callable[..., Page], open_page: Open
) -> None:
    assert not is_wider_than_screen(go(open_page, **PHONE))

"""A job that takes long: its page follows it to the end by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.browser.needs import needs_browser
from tests.once import on_one_database

on_one_database()
needs_browser()

from playwright.sync_api import expect  # noqa: E402

from tests.browser.watching import follow  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVENTS = "/admin/billing_webhooks/webhookevent/"


def test_many_events__are_worked_in_the_background_and_followed(page: Page) -> None:
    page.goto(f"{EVENTS}?state__exact=processed")
    page.get_by_label("Select all objects").check()
    page.get_by_label("Action:").select_option("preview")
    follow(page.get_by_role("button", name="Go"))
    expect(page.get_by_role("heading", name="For 100 webhook events")).to_be_visible()
    follow(page.get_by_role("button", name="Preview a replay"))
    expect(page.get_by_label("Under way")).to_be_visible()

    # The page loads itself anew when the job is over.
    expect(page.get_by_text("events would be replayed.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("nothing would change or run").first).to_be_visible()
    expect(page.get_by_label("Under way")).to_have_count(0)

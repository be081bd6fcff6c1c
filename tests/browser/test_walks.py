"""What support does in the admin, from the question to its answer."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

from billing_webhooks.testing import billabear_body
from tests.browser.needs import needs_browser
from tests.browser.site import SECRET
from tests.once import on_one_database

on_one_database()
needs_browser()

from playwright.sync_api import expect  # noqa: E402

from tests.browser.watching import follow, is_wider_than_screen  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

APP = "/admin/billing_webhooks/"
RECEIVER = "example_project.journal.receivers.send_receipt"
RIGHT_TO_LEFT = "\u202e\u200f"
HARM = f"{RIGHT_TO_LEFT}<script>alert('owned')</script><img src=x onerror=alert(1)>"


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text).first


def test_failing_receiver__fault_removed__is_retried_and_seen_to_succeed(page: Page) -> None:
    page.goto(APP)
    follow(page.get_by_role("link", name="Overview").first)
    follow(row(page, RECEIVER).get_by_role("link", name="The mail server is down"))
    follow(page.locator("main a[href*='/webhookevent/']").first)
    event = page.url
    expect(row(page, RECEIVER)).to_contain_text("The mail server is down")

    remove_fault(page)
    page.goto(event)
    follow(row(page, RECEIVER).get_by_role("link", name="Retry now"))
    follow(page.get_by_role("button", name="Retry now"))
    page.goto(event)
    expect(row(page, RECEIVER)).to_contain_text("succeeded")
    expect(page.get_by_text("processed", exact=True)).to_be_visible()


def test_failing_receiver__fault_removed__all_its_runs_are_run_again(page: Page) -> None:
    remove_fault(page)
    page.goto(f"{APP}webhookevent/overview/")
    follow(row(page, RECEIVER).get_by_role("link", name=re.compile(r"^[0-9]+$")))
    page.get_by_label("Select all objects").check()
    page.get_by_label("Action:").select_option("run_again")
    follow(page.get_by_role("button", name="Go"))
    expect(page.get_by_text(RECEIVER).first).to_be_visible()
    follow(page.get_by_role("button", name="Run again"))

    expect(page.get_by_text("receivers are run again.")).to_be_visible()
    page.goto(f"{APP}receiverrun/?receiver={RECEIVER}&state__exact=failed")
    expect(page.locator("#result_list")).to_have_count(0)


def remove_fault(page: Page) -> None:
    page.goto("/admin/journal/outage/")
    follow(page.get_by_role("link", name="the mail server"))
    page.get_by_label("is down").uncheck()
    follow(page.get_by_role("button", name="Save", exact=True))


def test_quarantined__readable_after_all__is_released(page: Page) -> None:
    page.goto(f"{APP}webhookevent/?state__exact=quarantined&provider=billabear")
    follow(page.locator("#result_list tbody th a").nth(1))
    event = page.url
    expect(page.get_by_text("The body is compressed")).to_be_visible()
    expect(page.get_by_text("grete@logic.example").first).to_be_visible()

    follow(page.get_by_role("link", name="Release from quarantine"))
    follow(page.get_by_role("button", name="Release from quarantine"))

    page.goto(event)
    expect(page.get_by_role("link", name="grete@logic.example").first).to_be_visible()
    expect(page.get_by_text("processed", exact=True)).to_be_visible()


def test_customer_of_both_providers__is_explained(page: Page) -> None:
    page.goto(f"{APP}customer/?provider=billabear")
    follow(page.get_by_role("link", name="mira@papermill.example"))
    has = page.get_by_role("region", name="What this customer has")
    expect(has).to_contain_text("No: ")
    expect(has).to_contain_text("cancelled")

    users = page.get_by_role("region", name="Linked users")
    expect(users.get_by_role("link", name="mira", exact=True)).to_be_visible()
    expect(users).to_contain_text("Yes: It is active. (of 2 customers together)")
    follow(users.get_by_role("link", name="mira@papermill.example", exact=True))
    expect(has).to_contain_text("Yes: mira@papermill.example has access.")
    expect(page.get_by_role("region", name="Usage")).to_contain_text("exports")


def test_hostile_payload__is_shown_and_does_nothing(page: Page) -> None:
    address = page.url.split("/admin/")[0]
    key = "0b1e5c1e-1111-4222-8333-0123456789ab"
    post(address, billabear_body("customer_created", customer={"id": key, "email": HARM}))
    name = HARM + "endless" * 7_200
    plan = {"id": key, "name": name, "code": HARM, "has_trial": False}
    post(address, billabear_body("plan_created", plan=plan))

    for path in ("webhookevent/", "customer/", "plan/"):
        page.goto(APP + path)
        assert RIGHT_TO_LEFT not in page.locator("body").inner_text()
        follow(page.locator("#result_list tbody th a").first)
        assert not is_wider_than_screen(page)
        expect(page.get_by_text("<script>alert('owned')</script>").first).to_be_visible()
        assert page.locator("main img[src=x], main script:not([src])").count() == 0
        assert RIGHT_TO_LEFT not in page.title() + page.locator("body").inner_text()


def post(address: str, body: bytes) -> None:
    url = f"{address}/webhooks/billabear/{SECRET}"
    request = urllib.request.Request(url, data=body, method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310
        assert answer.status == 200

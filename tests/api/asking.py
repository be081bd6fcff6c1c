"""Asking the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.test import Client

from tests.api.conforming import complaints

ROOT = "/billing/v1/"

# Address below the root, and parameters of the query; the answer has `.json()`.
Ask = Callable[..., Any]


def asking(client: Client) -> Ask:
    def ask(address: str, method: str = "get", **query: Any) -> Any:
        headers = query.pop("headers", None)
        url = address if address.startswith("/") else f"{ROOT}{address}"
        answer = client.generic(method.upper(), url, headers=headers, query_params=query or None)
        if answer.content and "json" in answer.headers["Content-Type"]:
            found = complaints(url, method, answer.status_code, answer.json())
            assert not found, found
        return answer

    return ask


def ids(answer: Any) -> list[str]:
    """Return the ids of what is on a page."""
    assert answer.status_code == 200, answer.content
    return [row["id"] for row in answer.json()["results"]]


def walk(ask: Ask, address: str, **query: Any) -> list[str]:
    """Return the ids of all rows, page by page."""
    answer = ask(address, **query)
    found = ids(answer)
    while following := answer.json()["next"]:
        answer = ask(following)
        found += ids(answer)
    return found


def problem(answer: Any, status: int) -> str:
    """Return the code of a problem, once it is seen to be one of this status."""
    told = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json", answer.content
    assert (answer.status_code, told["status"]) == (status, status), told
    assert told["type"].endswith(told["code"])
    return str(told["code"])

"""A stand-in for BillaBear's REST API, on this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.billabear.deliveries import CUSTOMER, CUSTOMER_ID, PAYMENT_ID, PLAN_ID, SUBSCRIPTION_ID

API_KEY = "an-api-key-that-is-in-no-log"
PREFIX = "/api/v1"

Answer = tuple[int, dict[str, str], bytes]


class StandIn:
    """
    Answers as BillaBear does, of what is in its tables; `page` is how many rows it gives at most.

    `requests` are the paths that were asked, `keys` the keys that came with them. `instead`
    answers everything in another way, and `meanwhile` is done before each answer.
    """

    def __init__(self) -> None:
        self.customers: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, list[dict[str, Any]]] = {}
        self.payments: dict[str, list[dict[str, Any]]] = {}
        self.plans: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self.keys: set[str | None] = set()
        self.page = 100
        self.instead: Answer | None = None
        self.meanwhile: Callable[[], object] = lambda: None

    def __enter__(self) -> StandIn:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}{PREFIX}"

    def commit(self) -> None:
        """Know of everything that the genuine deliveries tell of."""
        self.customers[CUSTOMER_ID] = {
            "id": CUSTOMER_ID,
            "email": CUSTOMER["email"],
            "brand": "default",
            "status": "active",
        }
        self.subscriptions[CUSTOMER_ID] = [subscription_row("active")]
        self.payments[CUSTOMER_ID] = [payment_row()]
        self.plans = [
            {
                "id": PLAN_ID,
                "name": "Pro",
                "code_name": "pro",
                "has_trial": True,
                "trial_length_days": 14,
                "is_trial_standalone": False,
            }
        ]

    def answer(self, path: str, query: dict[str, str], key: str | None) -> Answer:
        if self.instead is not None:
            return self.instead
        if key != API_KEY:
            return 401, {}, b"[]"
        found = self._found(path.removeprefix(PREFIX).strip("/").split("/"), query)
        return (404, {}, b"[]") if found is None else (200, {}, json.dumps(found).encode())

    def _found(self, parts: list[str], query: dict[str, str]) -> Any:
        match parts:
            case ["customer"]:
                return self._page(list(self.customers.values()), query)
            case ["customer", customer]:
                return self.customers.get(customer)
            case ["customer", customer, "payment"] if customer in self.customers:
                return self._page(self.payments.get(customer, []), query)
            case ["customer", customer, "subscription"] if customer in self.customers:
                return {"data": self.subscriptions.get(customer, []), "has_more": False}
            case ["payment"]:
                return self._page([row for rows in self.payments.values() for row in rows], query)
            case ["subscription", "plans"]:
                return self._page(self.plans, query)
        return None

    def _page(self, rows: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        first = int(query.get("last_key", 0))
        last = first + min(self.page, int(query.get("limit", 10)))
        return {"data": rows[first:last], "has_more": last < len(rows), "last_key": str(last)}


def subscription_row(status: str, plan_name: str = "Pro", **row: Any) -> dict[str, Any]:
    return {"id": SUBSCRIPTION_ID, "status": status, "plan": {"name": plan_name}, **row}


def payment_row(**row: Any) -> dict[str, Any]:
    return {"id": PAYMENT_ID, "amount": 3000, "currency": "EUR", "status": "completed", **row}


def _handler(api: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            key = self.headers.get("X-API-KEY")
            api.requests.append(self.path)
            api.keys.add(key)
            api.meanwhile()
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, headers, body = api.answer(parts.path, query, key)
            try:
                self.send_response(status)
                for name, value in {"Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)
            except OSError:
                # Whoever asked has heard enough.
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler

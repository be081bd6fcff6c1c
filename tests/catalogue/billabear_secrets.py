"""Deliveries to BillaBear's address that do not know the secret, or say it in odd ways."""

from __future__ import annotations

import base64

from tests.billabear.deliveries import request_of
from tests.catalogue.cases import (
    DJANGO,
    Case,
    Expected,
    Make,
    applied,
    not_reached,
    on_both,
    on_gunicorn,
    refused,
)
from tests.catalogue.sending import post
from tests.catalogue.settings import SECOND_SECRET
from tests.conftest import SECRET, basic
from tests.endpoint.deliveries import BODY

PLACES = {
    "user": "http://{}@host/webhooks/billabear/",
    "user-and-password": "http://{}:x@host/webhooks/billabear/",
    "password": "http://billabear:{}@host/webhooks/billabear",
    "path": "http://host/webhooks/billabear/{}",
    "path-and-slash": "http://host/webhooks/billabear/{}/",
    "query": "http://host/webhooks/billabear?token={}",
    "query-after-slash": "http://host/webhooks/billabear/?token={}",
    "query-among-others": "http://host/webhooks/billabear/?a=1&token={}&b=",
}
WRONG = {
    "wrong": "wrong",
    "cut": SECRET[:-1],
    "longer": SECRET + "x",
    "upper-case": SECRET.upper(),
    "non-ascii": "s%C3%BC%C3%9F",
    "invalid-utf8": "%FF%FE",
    "lone-surrogate": "%ED%A0%80",
    "nul-behind": SECRET + "%00",
    "newline-behind": SECRET + "%0a",
    "space-before": "%20" + SECRET,
    "fake-log-line": "%0d%0aERROR%20fake%1b%5b31m",
}
AUTHORIZATIONS: dict[str, str | bytes] = {
    "scheme-alone": "Basic",
    "nothing-behind-the-scheme": "Basic ",
    "not-base64": "Basic !!!!",
    "bad-padding": "Basic YQ",
    "non-ascii": "Basic \u00e9\u00e9\u00e9\u00e9",
    "latin-1": b"Basic \xe9\xe9\xe9\xe9",
    "no-utf8-inside": "Basic " + base64.b64encode(b"\xff:\xfe").decode(),
    "nul-inside": "Basic " + base64.b64encode(SECRET.encode() + b"\0").decode(),
    "no-scheme": SECRET,
    "bare-base64": base64.b64encode(SECRET.encode()).decode(),
    "bearer": f"Bearer {SECRET}",
    "other-scheme": basic(SECRET).replace("Basic", "Digest"),
    "7-kb": "Basic " + "QUFB" * 1_700,
}
NOT_PROVEN = refused(401, "secret")
EMPTY = ("", "/", "?token=", "?token", "/?token=")


def of_url(url: str, body: bytes = BODY) -> Make:
    """Return what posts a body as BillaBear's HTTP client does to an endpoint with this URL."""
    path, headers = request_of(url)
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return lambda world: post(path, body, *lines)


def authorized(value: str | bytes) -> Make:
    line = b"Authorization: " + (value if isinstance(value, bytes) else value.encode())
    return lambda world: post("/webhooks/billabear", BODY, line)


def _of_places(row: int, name: str, secret: str, expected: Expected) -> list[Case]:
    """Return the same for every place of a secret; where it stands in the path, on both servers."""
    return [
        Case(
            (row,),
            f"{name}-as-{place}",
            of_url(url.format(secret)),
            (on_both if place in {"path", "query"} else on_gunicorn)(expected),
        )
        for place, url in PLACES.items()
    ]


# A secret where none belongs is nobody's business either.
ODD_PLACES = {
    "{}//": NOT_PROVEN,
    "{}/x/": NOT_PROVEN,
    "{}/x": NOT_PROVEN,
    "/{}": NOT_PROVEN,
    "/{}/": NOT_PROVEN,
    "%0a{}": NOT_PROVEN,
}
CASES = [
    *_of_places(66, "right-secret", SECRET, applied()),
    *(case for name, wrong in WRONG.items() for case in _of_places(66, name, wrong, NOT_PROVEN)),
    *_of_places(67, "secret-of-another-alias", SECOND_SECRET, NOT_PROVEN),
    *(
        Case((66,), f"authorization-{name}", authorized(value), on_both(NOT_PROVEN))
        for name, value in AUTHORIZATIONS.items()
    ),
    Case(
        (66,),
        "scheme-in-lower-case",
        authorized(basic(SECRET).replace("B", "b", 1)),
        on_both(applied()),
    ),
    *(
        Case(
            (66,),
            f"empty{rest} of {alias}",
            of_url(f"http://host/webhooks/{alias}{rest}"),
            on_gunicorn(NOT_PROVEN),
        )
        for alias in ("billabear", "locked")
        for rest in EMPTY
    ),
    *(
        Case(
            (66,),
            f"empty-user-of-{alias}",
            of_url(f"http://:@host/webhooks/{alias}"),
            on_both(NOT_PROVEN),
        )
        for alias in ("billabear", "locked")
    ),
    Case(
        (66,),
        "secret-as-another-parameter",
        of_url(f"http://host/webhooks/billabear?secret={SECRET}"),
        on_both(NOT_PROVEN),
    ),
    Case(
        (66,),
        "secret-as-another-header",
        lambda world: post("/webhooks/billabear", BODY, f"X-Token: {SECRET}"),
        on_both(NOT_PROVEN),
    ),
    *(
        Case(
            (66,),
            f"odd-place-{number}",
            of_url(f"http://host/webhooks/billabear/{place.format(SECRET)}"),
            on_both(expected),
        )
        for number, (place, expected) in enumerate(ODD_PLACES.items())
    ),
    *(
        Case(
            (66, 100),
            f"slash-too-many-{number}",
            of_url(f"http://host/webhooks/{path}"),
            on_both(not_reached(404, DJANGO)),
        )
        for number, path in enumerate((f"/billabear/{SECRET}", f"/{SECRET}/", f"nobody/{SECRET}"))
    ),
    Case(
        (67,),
        "secret-to-another-alias",
        of_url(f"http://host/webhooks/second/{SECRET}"),
        on_both(NOT_PROVEN),
    ),
    Case(
        (67,),
        "secret-of-the-second-to-the-second",
        of_url(f"http://host/webhooks/second/{SECOND_SECRET}"),
        on_both(applied()),
    ),
    Case(
        (66,),
        "longer-than-a-request-line",
        of_url("http://host/webhooks/billabear/" + "x" * 50_000),
        on_both(not_reached(414), uvicorn=NOT_PROVEN),
    ),
]

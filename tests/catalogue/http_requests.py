"""Requests that HTTP itself makes odd: methods, headers, lengths, addresses."""

from __future__ import annotations

import gzip

from tests.catalogue.cases import (
    DJANGO,
    HOST_CHECK,
    Case,
    Expected,
    Make,
    applied,
    not_reached,
    of_token,
    on_both,
    quarantined,
    refused,
)
from tests.catalogue.sending import Request, post, raw
from tests.conftest import SECRET, basic
from tests.endpoint.deliveries import BODY
from tests.kinde.tokens import EVENT

PATH = f"/webhooks/billabear/{SECRET}"
# Where our view is not asked, nobody takes a secret out of what the server logs: the path, and
# the user of Basic userinfo, but not its password.
PLACE = "/webhooks/billabear"
PASSWORD = f"Authorization: {basic('billabear', SECRET)}"
LENGTH = f"Content-Length: {len(BODY)}"
COMPRESSED = "The body is compressed"


def sent(what: Make | Request) -> Make:
    return (lambda world: what) if isinstance(what, Request) else what


def with_token(*headers: str | bytes, path: str = "/webhooks/kinde") -> Make:
    return lambda world: post(path, world.issuer.sign(EVENT), *headers)


def case(
    row: int, name: str, make: Make | Request, expected: Expected, uvicorn: Expected | None = None
) -> Case:
    return Case((row,), name, sent(make), on_both(expected, uvicorn=uvicorn))


METHODS = [
    case(87, f"{method}-{place}", post(path, BODY, method=method), not_reached(405, DJANGO))
    for method in ("GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO")
    for place, path in {"kinde": "/webhooks/kinde", "billabear": PATH}.items()
]

CONTENT_TYPES: dict[str, str | bytes] = {
    "empty": "",
    "text": "text/plain",
    "json": "application/json",
    "jwt": "application/jwt",
    "form": "application/x-www-form-urlencoded",
    "multipart": "multipart/form-data",
    "multipart-with-boundary": "multipart/form-data; boundary=x",
    "charset-bogus": "text/plain; charset=bogus",
    "charset-utf-7": "text/plain; charset=utf-7",
    "charset-utf-16": "text/plain; charset=utf-16",
    "form-in-latin-1": "application/x-www-form-urlencoded; charset=latin-1",
    "latin-1": b"\xfc/\xfc",
    "7-kb": "x" * 7_000,
}


def content_type(value: str | bytes) -> bytes:
    return b"Content-Type: " + (value if isinstance(value, bytes) else value.encode())


ROW_OF_TYPE = {"charset-bogus": 89, "charset-utf-7": 89, "charset-utf-16": 89}
ROW_OF_TYPE |= dict.fromkeys(("multipart", "multipart-with-boundary", "form-in-latin-1"), 90)
TYPES = [
    *(
        case(ROW_OF_TYPE.get(name, 88), f"{to}-content-type-{name}", make, applied())
        for name, value in CONTENT_TYPES.items()
        for to, make in {
            "kinde": with_token(content_type(value), path="/webhooks/kinde?a=b"),
            "billabear": sent(post(PATH, BODY, content_type(value))),
        }.items()
    ),
    case(88, "kinde-content-type-missing", with_token(), applied()),
    case(88, "billabear-content-type-missing", post(PATH, BODY), applied()),
    case(
        88,
        "content-type-twice",
        with_token("Content-Type: application/jwt", "Content-Type: text/plain"),
        not_reached(400),
        applied(),
    ),
    case(
        90,
        "1500-form-fields",
        post(PATH, b"a=b&" * 1500, content_type("application/x-www-form-urlencoded")),
        quarantined(400),
    ),
    case(91, "kinde-gzip", with_token("Content-Encoding: gzip"), refused(415, "content_encoding")),
    case(91, "kinde-identity", with_token("Content-Encoding: Identity"), applied()),
    *(
        case(
            91,
            f"billabear-{encoding}",
            post(PATH, gzip.compress(BODY), f"Content-Encoding: {encoding}"),
            quarantined(400, COMPRESSED),
        )
        for encoding in ("gzip", "br", "x-unknown", "gzip, identity")
    ),
    *(
        case(91, f"billabear-{name}", post(PATH, BODY, f"Content-Encoding: {value}"), applied())
        for name, value in {"identity": "identity", "Identity": "Identity", "empty": ""}.items()
    ),
]

EVIL = Expected(400, log=(HOST_CHECK,))
HOSTS = [
    case(
        98, "host-evil", raw(PLACE, PASSWORD, LENGTH, content=BODY, host="evil.example.net"), EVIL
    ),
    case(
        98,
        "host-missing",
        raw(PLACE, PASSWORD, LENGTH, content=BODY, host=None),
        applied(),
        not_reached(400),
    ),
    case(
        98,
        "host-twice",
        raw(PLACE, PASSWORD, "Host: evil.example.net", LENGTH, content=BODY),
        not_reached(400),
    ),
    case(98, "host-of-no-form", raw(PLACE, PASSWORD, LENGTH, content=BODY, host="a b/\\"), EVIL),
]
ADDRESSES = [
    *(
        case(99, f"{to}{name}", make, applied())
        for name, slash in {"-without-slash": "", "-with-slash": "/"}.items()
        for to, make in {
            "kinde": with_token(path=f"/webhooks/kinde{slash}"),
            "billabear-secret": sent(post(f"{PATH}{slash}", BODY)),
            "billabear": sent(post(f"/webhooks/billabear{slash}", BODY, PASSWORD)),
        }.items()
    ),
    *(
        case(100, f"address-{number}", post(path, BODY, PASSWORD), not_reached(404, DJANGO))
        for number, path in enumerate(
            (
                "/webhooks/nobody",
                "/webhooks/nobody/",
                "/webhooks/BillaBear",
                "/webhooks/billabear%00",
                "/webhooks/billabear%0a",
                "/webhooks/%2e%2e/billabear",
                "/webhooks//billabear",
                "//webhooks/billabear",
                "/webhooks/",
                "/webhooks",
            )
        )
    ),
    # Django's checks of CSRF and of the login are on in every case; these look like a browser.
    case(
        101,
        "from-another-site",
        with_token("Origin: https://evil.example.net", "Cookie: csrftoken=x; sessionid=y"),
        applied(),
    ),
]
HEADERS = [
    case(102, "nul-in-a-header", with_token(b"X-Odd: a\0b"), not_reached(400)),
    case(
        102,
        "control-characters-in-a-header",
        with_token(b"User-Agent: \x1b[31m\x07"),
        not_reached(400),
        applied(),
    ),
    case(102, "latin-1-in-a-header", with_token(b"User-Agent: \xe9\xff"), applied()),
    case(102, "underscore-in-a-header", with_token("X_Forwarded_For: 1"), applied()),
    case(
        102,
        "100-kb-of-a-header",
        with_token("X-Odd: " + "x" * 100_000),
        not_reached(431),
        applied(),
    ),
    case(
        102,
        "200-headers",
        with_token(*[f"X-Odd-{n}: x" for n in range(200)]),
        not_reached(431),
        applied(),
    ),
    case(102, "folded-header", with_token(b"X-Odd: a\r\n b"), not_reached(400), applied()),
    case(
        102,
        "no-http",
        Request(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"),
        not_reached(400),
    ),
    case(
        102,
        "http-9",
        Request(f"POST {PLACE} HTTP/9.9\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()),
        not_reached(400),
        refused(401, "secret"),
    ),
]
QUERIES = [
    case(102, f"query-{name}", post(f"/webhooks/billabear?{query}", BODY), refused(401, "secret"))
    for name, query in {
        "many": "a&" * 1_500,
        "percent": "%",
        "no-utf8": "%ff%fe",
        "equals": "=",
        "ampersand": "&",
        "semicolon": ";",
        "repeated": f"token={SECRET}&token=x",
        "long": "token=x" + "y" * 3_500,
    }.items()
]
CASES = [
    *METHODS,
    *TYPES,
    *HOSTS,
    *ADDRESSES,
    *HEADERS,
    *QUERIES,
    case(
        100,
        "token-to-nobody",
        of_token(lambda issuer: b"x", "nobody"),
        not_reached(404, DJANGO),
    ),
]

"""Bodies that come in pieces, end too soon, are too long, or whose length is told twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tests.catalogue.cases import (
    Case,
    Make,
    World,
    applied,
    no_answer,
    not_reached,
    on_gunicorn,
    quarantined,
    refused,
)
from tests.catalogue.http_requests import (
    LENGTH,
    PASSWORD,
    PATH,
    PLACE,
    case,
    sent,
)
from tests.catalogue.sending import Request, chunked, ended, post, raw
from tests.endpoint.deliveries import BODY
from tests.kinde.tokens import EVENT

KIB = 1024
SHORT = "The body is shorter than its Content-Length"


def token_in_pieces(size: int, end: bytes = b"0\r\n\r\n") -> Make:
    def make(world: World) -> Request:
        return chunked("/webhooks/kinde", pieces(world.issuer.sign(EVENT), size), end)

    return make


def pieces(body: bytes, size: int) -> Sequence[bytes]:
    return [body[start : start + size] for start in range(0, len(body), size)]


CUT = {
    "without-end": b"",
    "in-a-part": b"5\r\nab",
    "in-a-size": b"5",
    "of-no-size": b"zz\r\nab\r\n0\r\n\r\n",
}
# What came before the break gunicorn gives to nobody. To uvicorn a sender who says that there will
# be no more has hung up: it asks nobody at all.
CHUNKED = [
    *(
        case(92, f"chunks-of-{size}", chunked(PATH, pieces(BODY, size)), applied())
        for size in (1, 7, 1000)
    ),
    *(case(92, f"kinde-chunks-of-{size}", token_in_pieces(size), applied()) for size in (7, 1000)),
    *(
        case(
            93,
            f"chunks-{name}",
            replace(ended(chunked(PATH, [BODY], end)), body=b""),
            quarantined(400, SHORT),
            not_reached(400) if name == "of-no-size" else no_answer(),
        )
        for name, end in CUT.items()
    ),
    case(
        93,
        "kinde-chunks-without-end",
        lambda world: ended(token_in_pieces(50, b"")(world)),
        refused(400, "truncated"),
        no_answer(),
    ),
    case(
        96,
        "chunks-too-large",
        chunked(PATH, [b"x" * KIB] * KIB + [b"x"]),
        refused(413, "too_large"),
    ),
]

LENGTHS = [
    *(
        case(
            94,
            f"shorter-{name}",
            ended(raw(PATH, LENGTH, content=content)),
            quarantined(400, SHORT),
            no_answer(),
        )
        for name, content in {"nothing": b"", "some": BODY[:7], "most": BODY[:-1]}.items()
    ),
    case(
        94,
        "kinde-shorter",
        lambda world: ended(
            raw("/webhooks/kinde", "Content-Length: 9999", content=world.issuer.sign(EVENT))
        ),
        refused(400, "truncated"),
        no_answer(),
    ),
    case(94, "billabear-no-length-at-all", raw(PATH), quarantined(400)),
    case(94, "kinde-no-length-at-all", raw("/webhooks/kinde"), refused(400, "not_compact_jws")),
    case(96, "billabear-3-mb", post(PATH, b"x" * 3_000_000), refused(413, "too_large")),
    case(96, "kinde-3-mb", post("/webhooks/kinde", b"e" * 3_000_000), refused(413, "too_large")),
    case(
        96,
        "kinde-at-its-limit",
        post("/webhooks/kinde", b"e" * 256 * KIB),
        refused(400, "not_compact_jws"),
    ),
    case(
        96,
        "kinde-above-its-limit",
        post("/webhooks/kinde", b"e" * (256 * KIB + 1)),
        refused(413, "too_large"),
    ),
    case(96, "billabear-at-its-limit", post(PATH, b"x" * KIB * KIB), quarantined(400)),
    case(
        96,
        "billabear-above-its-limit",
        post(PATH, b"x" * (KIB * KIB + 1)),
        refused(413, "too_large"),
    ),
    Case(
        (96,),
        "a-terabyte-is-refused-unread",
        sent(raw(PATH, f"Content-Length: {10**12}")),
        on_gunicorn(refused(413, "too_large")),
    ),
]

# What a server makes of two statements about the length is the server's to answer for.
FRAMINGS = [
    case(
        95,
        "length-and-chunks",
        replace(
            raw(
                PLACE,
                PASSWORD,
                LENGTH,
                "Transfer-Encoding: chunked",
                content=b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY),
            ),
            body=BODY,
        ),
        not_reached(400),
        applied(),
    ),
    case(
        95,
        "two-lengths",
        raw(PLACE, PASSWORD, LENGTH, "Content-Length: 2", content=BODY),
        not_reached(400),
    ),
    *(
        case(
            95,
            f"length-{length}",
            raw(PLACE, PASSWORD, f"Content-Length: {length}", content=BODY),
            not_reached(400),
        )
        for length in ("-1", "+7", "0_7", "abc")
    ),
]
CASES = [*CHUNKED, *LENGTHS, *FRAMINGS]

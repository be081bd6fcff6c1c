"""Proving a delivery of Kinde's, against the bare signature and against PyJWT's decoder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from benchmarks.bench import Bench
from benchmarks.clock import Preparation, interleaved, timed
from benchmarks.posts import of
from benchmarks.table import NO_DATABASE, Row, at_most, timing
from billing_webhooks.providers.base import Delivery
from billing_webhooks.providers.kinde import KindeProvider
from billing_webhooks.testing import KindeIssuer

RAW, OURS, PYJWT = "verify, raw RSA", "verify, KindeProvider", "verify, PyJWT jwt.decode"
TARGET = at_most(2.5, "× raw RSA")
TIMES_AS_MANY = 5


def rows(bench: Bench) -> Iterator[Row]:
    """Yield how long each takes for one token, with the keys at hand."""
    with KindeIssuer() as issuer:
        signed = next(of(bench.posts, "kinde"))
        token = issuer.sign(jwt.decode(signed.text, options={"verify_signature": False}))
        sizes = bench.sizes
        times = TIMES_AS_MANY * sizes.calls
        works = {what: timed(work, times) for what, work in _works(issuer, token).items()}
        measured = interleaved(works, sizes.turns, sizes.calls_seconds, warm_up=1)
    for what, samples in measured.items():
        yield timing(
            what,
            samples,
            of=NO_DATABASE,
            basis=measured[RAW],
            unit=TARGET.unit,
            target=TARGET if what == OURS else None,
        )


def _works(issuer: KindeIssuer, token: bytes) -> dict[str, Preparation]:
    provider = KindeProvider("kinde", {"ISSUER": issuer.url, "MAX_AGE": None})
    delivery = Delivery(body=token, received_at=datetime.now(UTC))
    public = issuer.key.public_key()
    signed, _, encoded = token.rpartition(b".")
    signature = jwt.utils.base64url_decode(encoded)
    padded, sha256 = padding.PKCS1v15(), hashes.SHA256()
    return {
        RAW: lambda: lambda: public.verify(signature, signed, padded, sha256),
        OURS: lambda: lambda: provider.verify(delivery),
        PYJWT: lambda: lambda: jwt.decode(token, public, algorithms=["RS256"]),
    }

"""
Key sets under which a rightly signed token is accepted, and those under which nothing is.

Source: RFC 7517, sections 4 and 5; RFC 7518, section 6.3; the cases that Wycheproof has.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from tests.vectors import published
from tests.vectors.published import A2_KEY, COOKBOOK_KEY
from tests.vectors.signing import MODULUS, P, Q, encoded
from tests.vectors.tokens import TOKEN
from tests.vectors.verifier import ACCEPTED, NO_KEYS, Vector

OTHER = {**A2_KEY, "kid": "other"}
OCTETS = {"kty": "oct", "k": "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T", "kid": "secret"}
CURVE = published.PUBLIC_KEYS["keys"][0]
PRIVATE = {**COOKBOOK_KEY, "d": published.COOKBOOK_PRIVATE_EXPONENT}


def text(value: int) -> str:
    return encoded(value.to_bytes((value.bit_length() + 7) // 8 or 1, "big")).decode()


def key(**members: Any) -> dict[str, Any]:
    """Return the right key with members replaced, or left out where they are None."""
    return {name: value for name, value in {**COOKBOOK_KEY, **members}.items() if value is not None}


def keys(*entries: Any) -> dict[str, Any]:
    return {"keys": list(entries)}


# Of these keys none may be used, although the token is signed by what they hold.
UNUSABLE: dict[str, dict[str, Any]] = {
    "use is encryption": key(use="enc"),
    "use is both": key(use="sig enc"),
    "use is empty": key(use=""),
    "use in capitals": key(use="SIG"),
    "use is a list": key(use=["sig"]),
    "for encryption": key(alg="RSA1_5", use="enc"),
    **{
        f"algorithm {name!r}": key(alg=name)
        for name in ("RSA1_5", "RSA-OAEP", "RS384", "RS512", "PS256", "HS256", "none", "rs256", "")
    },
    "algorithm is a list": key(alg=["RS256"]),
    **{
        f"operations {names}": key(key_ops=names)
        for names in ([], ["sign"], ["encrypt", "decrypt"], ["wrapKey"], ["VERIFY"], [None])
    },
    "operations are a text": key(key_ops="verify"),
    "operations are an object": key(key_ops={"verify": True}),
    "use is encryption although operations verify": key(use="enc", key_ops=["verify"]),
    "kind missing": key(kty=None),
    **{f"kind {name!r}": key(kty=name) for name in ("rsa", "EC", "oct", "OKP", "RSA ", "")},
    "modulus missing": key(n=None),
    "modulus is a number": key(n=MODULUS),
    "modulus is zero": key(n="AA"),
    "modulus is one": key(n="AQ"),
    "modulus empty": key(n=""),
    "modulus of 1024 bits": key(n=text(P)),
    "modulus of 2047 bits": key(n=text(MODULUS >> 1 | 1)),
    "modulus of 16384 bits": key(n=text(MODULUS**8)),
    "exponent missing": key(e=None),
    "exponent is a number": key(e=65537),
    "exponent empty": key(e=""),
    "exponent is zero": key(e="AA"),
    "exponent is one": key(e="AQ"),
    "exponent is two": key(e="Ag"),
    "exponent is even": key(e=text(65536)),
    "exponent is the modulus": key(e=text(MODULUS)),
    "exponent is larger than the modulus": key(e=text(MODULUS + 2)),
    "id missing": key(kid=None),
    "id is a number": key(kid=1),
    "id is a list": key(kid=[COOKBOOK_KEY["kid"]]),
}

# The key is the right one, and what else is said of it or beside it does no harm.
USABLE: dict[str, Any] = {
    "alone": keys(key()),
    "use not said": keys(key(use=None)),
    "algorithm said": keys(key(alg="RS256")),
    "operations said": keys(key(key_ops=["verify"])),
    "operations and use said": keys(key(key_ops=["verify"], use="sig")),
    "members that nobody knows": keys(key(x5t="x", iat=1, nested={"use": "enc"})),
    "null for what is not there": keys({**key(), "alg": None, "key_ops": None, "x5c": None}),
    "certificates of somebody else": keys(key(x5c=["MIIB"], x5u="http://127.0.0.1:1/x5u")),
    "beside a secret": keys(OCTETS, key()),
    "beside a secret of its name": keys({**OCTETS, "kid": COOKBOOK_KEY["kid"]}, key()),
    "beside a curve": keys(CURVE, key()),
    "beside what is no key": keys(None, 1, "key", [], {}, key()),
    "beside one of its name": keys({**OTHER, "kid": COOKBOOK_KEY["kid"]}, key()),
    "beside one of its name for encryption": keys(
        {**OTHER, "kid": COOKBOOK_KEY["kid"], "use": "enc"}, key()
    ),
    "twice": keys(key(), key()),
    "fourth of its name": keys(*[{**OTHER, "kid": COOKBOOK_KEY["kid"]}] * 3, key()),
    "hundredth": keys(*[{**OTHER, "kid": str(number)} for number in range(99)], key()),
    "set with members of its own": {**keys(key()), "next": "http://127.0.0.1:1/", "alg": "none"},
    # RFC 7517, appendix A.2 publishes private keys: one that is, still verifies.
    "with its private part": keys(PRIVATE),
}

# The set has usable keys, and the token's is not among them.
OTHERS: dict[str, Any] = {
    "another key": keys(OTHER),
    "the right modulus under another name": keys(key(kid="other")),
    "RFC 7517, A.1": published.PUBLIC_KEYS,
    "hundred and first": keys(*[{**OTHER, "kid": str(number)} for number in range(100)], key()),
}


def looks_hard(modulus: int) -> bool:
    """Return whether a modulus has no small factor, which would make it no key at all."""
    return all(modulus % divisor for divisor in range(2, 1 << 11))


# The name is right and the key is not.
WRONG: dict[str, Any] = {
    "another key of that name": keys({**OTHER, "kid": COOKBOOK_KEY["kid"]}),
    "exponent 3": keys(key(e="Aw")),
    "exponent 65539": keys(key(e=text(65539))),
    "next modulus": keys(key(n=text(next(n for n in count(MODULUS + 2, 2) if looks_hard(n))))),
    "fifth of its name": keys(*[{**OTHER, "kid": COOKBOOK_KEY["kid"]}] * 4, key()),
}
# What is no key set.
NOTHING: dict[str, Any] = {
    "null": None,
    "list of keys": [key()],
    "a key": key(),
    "text": "keys",
    "empty": {},
    "keys are null": {"keys": None},
    "keys are an object": {"keys": {"0": key()}},
    "keys are a key": {"keys": key()},
    "keys by name": {COOKBOOK_KEY["kid"]: key()},
    "name in capitals": {"Keys": [key()]},
    "no keys": keys(),
    "keys in a list": keys([key()]),
    "key as text": keys(str(key())),
    "secret": keys(OCTETS),
    "curve": keys(CURVE),
}


def each(verdict: str, group: str, documents: dict[str, Any]) -> dict[str, Vector]:
    return {f"{group}: {name}": Vector(verdict, TOKEN, jwks) for name, jwks in documents.items()}


VECTORS: dict[str, Vector] = {
    **each(NO_KEYS, "unusable", {name: keys(entry) for name, entry in UNUSABLE.items()}),
    **each(
        "unknown_kid",
        "unusable beside",
        {name: keys(entry, OTHER) for name, entry in UNUSABLE.items()},
    ),
    **each(ACCEPTED, "usable", USABLE),
    **each("unknown_kid", "others", OTHERS),
    **each("signature", "wrong", WRONG),
    **each(NO_KEYS, "nothing", NOTHING),
}

# Two primes that the library of the smart cards of 2017 would make: powers of 65537 modulo the
# first 126 primes, which is soon told from the modulus, and soon factored.
# Source: Nemec and others, "The Return of Coppersmith's Attack", 2017.
OF_WEAK_PRIMES = (
    "3nCq4vN_jVRWg9qjza3ukp6oDKtzVH3sShETNy-y0_P3eU6yLZqYeDIo7K7HbdvDG-jcCVJux3d9atTY6MmrcNvu"
    "IoBRyLAP0f_5VUAKfmdwXHlVllMYcjmsHINpa8B23-IuXwv-6KXUBV8Rw-PU-yRN4uhLaDeUTY-xSsisXqwazDoc"
    "LipQmyEcki1PEerY0QGO5-loCQQEhiHNpAnmzfL12LcaNoG826PuKQlU19yG73fFzqXAQjO_Sbys0A8egcAYrteK"
    "ZbUT5IrVD-XQtzo5xCE6s4I-PXXZ2YGS-AEZQnEJkg4fHFpmtyXaLF2NfMH1bqNHox8yYkaY4b1JLQ"
)
# Moduli that anybody factors, and so signs for.
WEAK: dict[str, Any] = {
    "even": keys(key(n=text(MODULUS * 2))),
    "divided by three": keys(key(n=text(MODULUS * 3))),
    "a square": keys(key(n=text(P * P))),
    "a product of squares": keys(key(n=text(P * P * Q * Q))),
    "of weak primes": keys(key(n=OF_WEAK_PRIMES)),
}

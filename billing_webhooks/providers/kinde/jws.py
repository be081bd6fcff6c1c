"""A strict reader of the one form in which Kinde signs: compact JWS, RS256."""

from __future__ import annotations

import binascii
import hashlib
import re
import string
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from billing_webhooks.exceptions import NotAnEvent, NotProven
from billing_webhooks.providers.strict_json import NotStrictJSON, parse

MAX_KID_LENGTH = 256

# A JOSE header is a JSON object, and every "{" followed by a quote or white space is
# encoded as "e" and one of w to z. Three segments that begin otherwise are no JWS.
_BEGINNING = re.compile(rb"e[w-z]")
_PRINTABLE = bytes(range(0x21, 0x7F))
_BASE64URL = (string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_").encode()
# By how many characters are left over from groups of four: the last of two has four bits to
# spare, and that of three has two, which could spell the same bytes in several ways.
_LAST = {0: _BASE64URL, 2: _BASE64URL[::16], 3: _BASE64URL[::4]}
_TO_BASE64 = bytes.maketrans(b"-_", b"+/")

# RS256, by RFC 7518 section 3.3.
_PADDING, _HASH = PKCS1v15(), SHA256()


@dataclass(frozen=True)
class CompactJWS:
    """
    A compact JWS whose header asks for RS256 by a named key; not yet verified.

    Nothing in the header but `alg` and `kid` is ever acted upon, so a token cannot
    say where its key is to be had.
    """

    kid: str
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    encoded_payload: bytes = field(repr=False)

    @classmethod
    def parse(cls, body: bytes) -> CompactJWS:
        """
        Return the parts of a body, passing over ASCII white space around it.

        Raise NotAnEvent for what is no compact JWS, NotProven for one that is not
        RS256 by a named key. PyJWT's own errors quote the token, so none is shown.
        """
        encoded_header, encoded_payload, encoded_signature = _segments(body)
        return cls(
            kid=_key_id(encoded_header),
            signing_input=b"%s.%s" % (encoded_header, encoded_payload),
            signature=_decode(encoded_signature),
            encoded_payload=encoded_payload,
        )

    @cached_property
    def payload(self) -> bytes:
        return _decode(self.encoded_payload)

    @property
    def kid_digest(self) -> str:
        """Eight hex digits that stand for the key id in logs; the id is the sender's text."""
        return hashlib.sha256(self.kid.encode(errors="surrogatepass")).hexdigest()[:8]

    def is_signed_by(self, key: RSAPublicKey) -> bool:
        try:
            key.verify(self.signature, self.signing_input, _PADDING, _HASH)
        except InvalidSignature:
            return False
        return True


def payload_of(body: bytes) -> bytes:
    """
    Return the payload of a body whose signature was verified before.

    Raise NotAnEvent, or NotProven, for what cannot have been.
    """
    encoded_header, encoded_payload, _ = _segments(body)
    _key_id(encoded_header)
    return _decode(encoded_payload)


def _segments(body: bytes) -> list[bytes]:
    token = body.strip(b" \t\r\n\v\f")
    is_compact = token.count(b".") == 2 and _BEGINNING.match(token)
    if not is_compact or token.translate(None, _PRINTABLE):
        raise NotAnEvent("not_compact_jws")
    return token.split(b".")


def _decode(segment: bytes) -> bytes:
    """Return the bytes of a base64url segment in its one canonical spelling."""
    bare = segment.rstrip(b"=")
    last = _LAST.get(len(bare) % 4, b"")
    # What is left without the alphabet is foreign to it; binascii would pass over that.
    if bare[-1:] not in last or bare.translate(None, _BASE64URL):
        raise NotProven("encoding")
    return binascii.a2b_base64(bare.translate(_TO_BASE64) + b"=" * (-len(bare) % 4))


# An issuer's few headers come again and again. A refusal is not kept, and what anybody may
# fill is small.
@lru_cache(maxsize=16)
def _key_id(encoded_header: bytes) -> str:
    try:
        document = parse(_decode(encoded_header))
    except NotStrictJSON:
        raise NotProven("header") from None
    header = document.value
    if not isinstance(header, dict) or document.repeated_keys:
        raise NotProven("header")
    # A list would compare unequal too, but only a text can be meant.
    if header.get("alg") != "RS256":
        raise NotProven("alg")
    # RFC 7515 section 4.1.11: what is critical and not understood must be refused,
    # and here nothing is. RFC 7797: "b64" would change what was signed.
    if "crit" in header or header.get("b64", True) is not True:
        raise NotProven("crit")
    # RFC 7519 section 5.2: so a token says that it holds another one.
    if isinstance(cty := header.get("cty"), str) and cty.upper() in {"JWT", "APPLICATION/JWT"}:
        raise NotProven("nested")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= MAX_KID_LENGTH:
        raise NotProven("kid")
    return kid

"""A strict reader of the one form in which Kinde signs: compact JWS, RS256."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import string
from dataclasses import dataclass, field
from functools import cached_property

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
_BASE64URL = (string.ascii_letters + string.digits + "-_").encode()
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
        token = body.strip(b" \t\r\n\v\f")
        is_compact = token.count(b".") == 2 and _BEGINNING.match(token)
        if not is_compact or token.translate(None, _PRINTABLE):
            raise NotAnEvent("not_compact_jws")
        signing_input, _, encoded_signature = token.rpartition(b".")
        encoded_header, _, encoded_payload = signing_input.partition(b".")
        return cls(
            kid=_key_id(_decode(encoded_header)),
            signing_input=signing_input,
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


def _decode(segment: bytes) -> bytes:
    """Return the bytes of a base64url segment in its one canonical spelling."""
    bare = segment.rstrip(b"=")
    # What is left without the alphabet is foreign to it; binascii would pass over that.
    if bare.translate(None, _BASE64URL) or len(bare) % 4 == 1:
        raise NotProven("encoding")
    decoded = binascii.a2b_base64(bare.translate(_TO_BASE64) + b"=" * (-len(bare) % 4))
    # Only bits of the last character can be unused, and so have several spellings.
    end = len(decoded) - len(decoded) % 3
    if base64.urlsafe_b64encode(decoded[end:]).rstrip(b"=") != bare[len(bare) - len(bare) % 4 :]:
        raise NotProven("encoding")
    return decoded


def _key_id(header_json: bytes) -> str:
    try:
        document = parse(header_json)
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

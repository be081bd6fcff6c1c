"""
Signatures that are right, and those that a careless verifier takes to be.

PKCS #1 version 1.5 has one right block for a message. Whoever parses the block instead of
building it and comparing lets variants in, and with a small exponent a variant can be made
without the private key.

Source: RFC 8017, section 8.2.2 and appendix A.2.4; the kinds of padding are those that
Wycheproof tries.
"""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding

from tests.vectors.published import COOKBOOK_KEY
from tests.vectors.signing import (
    KEYS,
    MODULUS,
    PRIVATE_KEY,
    SHA256_PREFIX,
    SIZE,
    block_of,
    encoded,
    right_block,
    signature_of,
    signing_input_of,
    token_of,
)
from tests.vectors.verifier import ACCEPTED, NO_KEYS, Vector

# The digest of this one is odd, and so has a cube root modulo every power of two.
SIGNING_INPUT = signing_input_of(b'{"event_id":"event_1"}')
DIGEST = hashlib.sha256(SIGNING_INPUT).digest()
RIGHT_BLOCK = right_block(SIGNING_INPUT)
RIGHT = signature_of(RIGHT_BLOCK)

OID = "0609608648016503040201"
HASH = DIGEST.hex()

# What may be said of the digest, as hex: each says it in another way than DER does, or
# says something else.
INFOS: dict[str, str] = {
    "length in the long form": f"308131300d{OID}05000420{HASH}",
    "length with a leading zero": f"30820031300d{OID}05000420{HASH}",
    "length of the algorithm in the long form": f"303230810d{OID}05000420{HASH}",
    "length of the name in the long form": f"3032300e06810960864801650304020105000420{HASH}",
    "length of null in the long form": f"3032300e{OID}0581000420{HASH}",
    "length of the digest in the long form": f"3032300d{OID}0500048120{HASH}",
    "length beyond 32 bits": f"30850100000031300d{OID}05000420{HASH}",
    "length beyond 64 bits": f"3089010000000000000031300d{OID}05000420{HASH}",
    "length too small": f"3030300d{OID}05000420{HASH}",
    "length too large": f"3032300d{OID}05000420{HASH}",
    "indefinite length": f"3080300d{OID}05000420{HASH}0000",
    "indefinite length of the algorithm": f"30333080{OID}050000000420{HASH}",
    "null missing": f"302f300b{OID}0420{HASH}",
    "null of one byte": f"3032300e{OID}0501000420{HASH}",
    "null twice": f"3033300f{OID}050005000420{HASH}",
    "null replaced by a sequence": f"3031300d{OID}30000420{HASH}",
    "null replaced by octets": f"3031300d{OID}04000420{HASH}",
    "null replaced by false": f"3032300e{OID}0101000420{HASH}",
    "parameters full of garbage": f"3071304d{OID}0440{'00' * 64}0420{HASH}",
    "null behind": f"3033300d{OID}05000420{HASH}0500",
    "zeros behind": f"3033300d{OID}05000420{HASH}0000",
    "zeros behind that nothing counts": f"3031300d{OID}05000420{HASH}0000",
    "one byte behind that nothing counts": f"3031300d{OID}05000420{HASH}01",
    "garbage behind that nothing counts": f"3031300d{OID}05000420{HASH}{'ab' * 100}",
    "wrapped once more": f"30333031300d{OID}05000420{HASH}",
    "sequence dropped": f"300d{OID}05000420{HASH}",
    "set for a sequence": f"3131300d{OID}05000420{HASH}",
    "bits for octets": f"3032300d{OID}0500032100{HASH}",
    "octets of octets": f"3033300d{OID}050004220420{HASH}",
    "name of SHA-224": f"3031300d06096086480165030402040500 0420{HASH}",
    "name of SHA-512": f"3031300d06096086480165030402030500 0420{HASH}",
    "name of SHA-1": f"302d300906052b0e03021a05000420{HASH}",
    "name of sha256WithRSAEncryption": f"3031300d06092a864886f70d01010b05000420{HASH}",
    "name cut": f"3030300c060860864801650304020500 0420{HASH}",
    "no name": f"302630020500 0420{HASH}",
    "digest alone": HASH,
    "digest as octets": f"0420{HASH}",
    "digest cut": f"3030300d{OID}0500041f{HASH[:-2]}",
    "digest and a byte": f"3032300d{OID}05000421{HASH}00",
    "digest empty": f"3011300d{OID}05000400",
    "digest reversed": f"3031300d{OID}05000420{DIGEST[::-1].hex()}",
    "digest in text": f"3051300d{OID}05000440{HASH.encode().hex()}",
    "nothing": "",
}

# Where the right words are, and the block around them is wrong.
INFO = SHA256_PREFIX + DIGEST
PAD = SIZE - 3 - len(INFO)
BLOCKS: dict[str, bytes] = {
    "type 0": b"\0\0" + b"\0" * PAD + b"\0" + INFO,
    "type 0 and ones": b"\0\0" + b"\xff" * PAD + b"\0" + INFO,
    "type 2": b"\0\2" + b"\xff" * PAD + b"\0" + INFO,
    "type 255": b"\0\xff" + b"\xff" * PAD + b"\0" + INFO,
    "first byte not zero": b"\1\1" + b"\xff" * PAD + b"\0" + INFO,
    "no leading zero": b"\1" + b"\xff" * (PAD + 1) + b"\0" + INFO,
    "separator not zero": b"\0\1" + b"\xff" * PAD + b"\1" + INFO,
    "separator missing": b"\0\1" + b"\xff" * (PAD + 1) + INFO,
    "separator twice": b"\0\1" + b"\xff" * (PAD - 1) + b"\0\0" + INFO,
    "first byte of the padding": b"\0\1\xfe" + b"\xff" * (PAD - 1) + b"\0" + INFO,
    "last byte of the padding": b"\0\1" + b"\xff" * (PAD - 1) + b"\xfe\0" + INFO,
    "padding of zeros": b"\0\1" + b"\0" * PAD + b"\0" + INFO,
    "padding random": b"\0\1" + bytes(range(1, PAD + 1)) + b"\0" + INFO,
    "no padding": b"\0\1\0" + INFO + b"\xab" * PAD,
    "eight bytes of padding": b"\0\1" + b"\xff" * 8 + b"\0" + INFO + b"\xab" * (PAD - 8),
    "seven bytes of padding": b"\0\1" + b"\xff" * 7 + b"\0" + INFO + b"\xab" * (PAD - 7),
    "no block at all": INFO,
    "complement": bytes(255 - byte for byte in RIGHT_BLOCK),
    "other digest": block_of(SHA256_PREFIX + hashlib.sha256(b"something else").digest()),
    "SHA-1": block_of(bytes.fromhex("3021300906052b0e03021a05000414") + DIGEST[:20]),
    "SHA-512": block_of(
        bytes.fromhex("3051300d060960864801650304020305000440")
        + hashlib.sha512(SIGNING_INPUT).digest()
    ),
    "SHA-384": block_of(
        bytes.fromhex("3041300d060960864801650304020205000430")
        + hashlib.sha384(SIGNING_INPUT).digest()
    ),
    "MD5": block_of(bytes.fromhex("3020300c06082a864886f70d020505000410") + DIGEST[:16]),
}

# Numbers and bytes that are no signature, or the right one in another spelling.
BYTES: dict[str, bytes] = {
    "empty": b"",
    "one byte": b"\1",
    "zero": bytes(SIZE),
    "one": (1).to_bytes(SIZE, "big"),
    "two": (2).to_bytes(SIZE, "big"),
    "modulus": MODULUS.to_bytes(SIZE, "big"),
    "modulus less one": (MODULUS - 1).to_bytes(SIZE, "big"),
    "modulus and one": (MODULUS + 1).to_bytes(SIZE, "big"),
    "all ones": b"\xff" * SIZE,
    "negative": (MODULUS - int.from_bytes(RIGHT, "big")).to_bytes(SIZE, "big"),
    "more than the modulus": (MODULUS + int.from_bytes(RIGHT, "big")).to_bytes(SIZE + 1, "big"),
    "zero before": b"\0" + RIGHT,
    "zero behind": RIGHT + b"\0",
    "byte missing": RIGHT[:-1],
    "byte missing before": RIGHT[1:],
    "reversed": RIGHT[::-1],
    "twice": RIGHT * 2,
    "not raised to the exponent": RIGHT_BLOCK,
    "of 100 KB": RIGHT * 400,
}


def of_cube_root() -> bytes:
    """
    Return a signature under exponent 3 that nobody needed a private key for.

    Its cube begins like a right block with little padding, and goes on with whatever a cube
    happens to go on with.
    """
    beginning = b"\0\1" + b"\xff" * 8 + b"\0" + INFO
    least = int.from_bytes(beginning.ljust(SIZE, b"\0"), "big")
    root = cube_root(least) + 1
    assert root**3 < MODULUS
    assert (root**3).to_bytes(SIZE, "big").startswith(beginning)
    return root.to_bytes(SIZE, "big")


def cube_root(cube: int) -> int:
    """Return the largest whole number whose cube is not larger."""
    low, high = 0, 1 << (cube.bit_length() // 3 + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**3 <= cube else (low, middle - 1)
    return low


def of_suffix() -> bytes:
    """
    Return a signature under exponent 3 whose cube ends like a right block.

    A verifier that looks for the digest from behind is content with it.
    """
    root, ending = 0, int.from_bytes(b"\0" + INFO, "big")
    for bit in range(8 * (len(INFO) + 1)):
        if (root**3 - ending) >> bit & 1:
            root |= 1 << bit
    assert (root**3).to_bytes(SIZE, "big").endswith(b"\0" + INFO)
    return root.to_bytes(SIZE, "big")


def by_private_key(scheme: padding.AsymmetricPadding, algorithm: hashes.HashAlgorithm) -> bytes:
    return PRIVATE_KEY.private_key().sign(SIGNING_INPUT, scheme, algorithm)


def with_exponent(exponent: int) -> dict[str, object]:
    size = (exponent.bit_length() + 7) // 8
    text = encoded(exponent.to_bytes(size, "big")).decode()
    return {"keys": [{**COOKBOOK_KEY, "e": text}]}


# The counter at which the signature happens to begin with a zero.
ZERO_FIRST = signing_input_of(
    b"attempt 23", b'{"alg":"RS256","kid":"bilbo.baggins@hobbiton.example"}'
)
PSS = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)

VECTORS: dict[str, Vector] = {
    "right": Vector(ACCEPTED, token_of(SIGNING_INPUT, RIGHT), KEYS),
    "right, begins with a zero": Vector(ACCEPTED, token_of(ZERO_FIRST), KEYS),
    "right, its first zero left out": Vector(
        "signature",
        token_of(ZERO_FIRST, signature_of(right_block(ZERO_FIRST)).lstrip(b"\0")),
        KEYS,
    ),
    **{
        f"info: {name}": Vector(
            "signature", token_of(SIGNING_INPUT, signature_of(block_of(bytes.fromhex(info)))), KEYS
        )
        for name, info in INFOS.items()
    },
    **{
        f"block: {name}": Vector("signature", token_of(SIGNING_INPUT, signature_of(block)), KEYS)
        for name, block in BLOCKS.items()
    },
    **{
        f"bytes: {name}": Vector("signature", token_of(SIGNING_INPUT, content), KEYS)
        for name, content in BYTES.items()
    },
    "exponent 3: cube root": Vector(
        "signature", token_of(SIGNING_INPUT, of_cube_root()), with_exponent(3)
    ),
    "exponent 3: suffix": Vector(
        "signature", token_of(SIGNING_INPUT, of_suffix()), with_exponent(3)
    ),
    "exponent 1: the block itself": Vector(
        NO_KEYS, token_of(SIGNING_INPUT, RIGHT_BLOCK), with_exponent(1)
    ),
    "PSS by the right key": Vector(
        "signature", token_of(SIGNING_INPUT, by_private_key(PSS, hashes.SHA256())), KEYS
    ),
    "SHA-1 by the right key": Vector(
        "signature",
        token_of(SIGNING_INPUT, by_private_key(padding.PKCS1v15(), hashes.SHA1())),  # noqa: S303
        KEYS,
    ),
    "by the right key and a library": Vector(
        ACCEPTED,
        token_of(SIGNING_INPUT, by_private_key(padding.PKCS1v15(), hashes.SHA256())),
        KEYS,
    ),
}

"""Moduli of RSA keys that can be factored without effort, and so prove nothing."""

from __future__ import annotations

from math import gcd, isqrt, prod

SMALLEST_FACTOR = 1 << 11
GENERATOR = 65537


def is_weak_modulus(modulus: int) -> bool:
    """Return whether a modulus has a small factor, is a square, or was made by a broken library."""
    return (
        gcd(modulus, PRODUCT_OF_SMALL_PRIMES) != 1
        or isqrt(modulus) ** 2 == modulus
        or _is_of_weak_primes(modulus)
    )


def _is_of_weak_primes(modulus: int) -> bool:
    """
    Return whether the primes of a modulus are powers of 65537, seen by small primes.

    Source: Nemec and others, "The Return of Coppersmith's Attack", 2017 (CVE-2017-15361).
    """
    return all(modulus % prime in powers for prime, powers in POWERS.items())


def _primes(below: int) -> list[int]:
    return [n for n in range(2, below) if all(n % divisor for divisor in range(2, isqrt(n) + 1))]


def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(GENERATOR, exponent, prime) for exponent in range(prime))


PRODUCT_OF_SMALL_PRIMES = prod(_primes(SMALLEST_FACTOR))
# The primes below 168 make up the constant from which the broken library builds.
POWERS = {prime: _powers(prime) for prime in _primes(168) if prime > 2}

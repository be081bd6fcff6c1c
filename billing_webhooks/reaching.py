"""Whether what is posted to an endpoint reaches it, and who answers instead if not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.urls import NoReverseMatch

from billing_webhooks.addresses import Base, allowed_hosts, path_info_of, public_base
from billing_webhooks.findings import FURTHER_REASON, Finding, Level, explained
from billing_webhooks.probing import (
    Answer,
    NoAnswer,
    Probe,
    inside,
    leads_to_the_endpoint,
    outside,
    who_answers,
)
from billing_webhooks.providers.base import Provider

SMALL = 16


def diagnose(provider: Provider, base: Base | None) -> Iterator[Finding]:
    """
    Yield who answers posts to a provider's endpoint.

    The project itself is asked first, then, with a `base`, who stands before it.
    """
    alias = provider.alias
    try:
        path = path_info_of(alias)
    except NoReverseMatch:
        yield _not_included(alias)
        return
    most = provider.max_body_bytes - 1
    probes = [_probe(path, size, base) for size in (SMALL, most)]
    problems = (_inside_problem(alias, probe, inside(probe)) for probe in probes)
    # The large one would meet whatever the small one meets.
    if problem := next(filter(None, problems), None):
        yield problem
        return
    what = f"{alias!r}: posts to {path} reach the endpoint, up to {most} bytes, and are refused."
    yield Finding(Level.OK, what)
    if base is not None:
        yield _from_outside(alias, base.endpoint(alias), probes)


def _not_included(alias: str) -> Finding:
    return Finding(
        Level.PROBLEM,
        f"{alias!r}: it has no address, because the URLs of this app are not included.",
        "Add path('webhooks/', include('billing_webhooks.urls')) to the urlpatterns of "
        "ROOT_URLCONF.",
    )


def _probe(path: str, size: int, base: Base | None) -> Probe:
    seen_as = base or public_base()
    host = seen_as.host if seen_as else next(iter(allowed_hosts()), "localhost")
    # Providers are given https URLs, so that is what is asked unless somebody says otherwise.
    return Probe(path, size, host, is_secure=not base or base.scheme == "https")


def _inside_problem(alias: str, probe: Probe, answer: Answer) -> Finding | None:
    if answer.is_refusal and answer.status != 503:
        return None
    what = f"{alias!r}: {_named(probe)} to {probe.path} is answered {_told(answer)}"
    if answer.is_refusal:
        return Finding(
            Level.PROBLEM, f"{what} by the endpoint.", "Look at the log of billing_webhooks.views."
        )
    culprit = who_answers(probe)
    if culprit is None:
        what = f"{what}, and asked again by the endpoint."
        return Finding(Level.PROBLEM, what, "Look for something that limits how often one may ask.")
    if not culprit and leads_to_the_endpoint(probe.path):
        what = f"{what}: it is taken, though it proves nothing."
        return Finding(Level.PROBLEM, what, "Correct the provider's verify().")
    by = f" by {culprit}" if culprit else ""
    advice = _advice(answer, probe, culprit)
    return Finding(Level.PROBLEM, f"{what}{by}, and not by the endpoint.", advice)


def _advice(answer: Answer, probe: Probe, culprit: str) -> str:
    """Return what to do about an answer that is not the endpoint's refusal."""
    if not culprit:
        return "Put the include of billing_webhooks.urls before whatever pattern takes its path."
    if not answer.knows_host:
        return f"Add {probe.host!r} to ALLOWED_HOSTS, or name the right host by --url."
    if culprit.endswith(".SecurityMiddleware") and answer.location:
        return (
            "SECURE_SSL_REDIRECT is on: post to https, by --url https://…, and set "
            "SECURE_PROXY_SSL_HEADER if a proxy ends TLS."
        )
    if culprit.endswith(".CommonMiddleware") and answer.location:
        return "Set PREPEND_WWW = False, or give the providers a URL that begins with 'www.'."
    if answer.status in {400, 413} and _is_too_large_to_be_read(probe.size):
        return (
            "Something reads the body before the endpoint does: raise DATA_UPLOAD_MAX_MEMORY_SIZE "
            f"to more than {probe.size} bytes."
        )
    return f"Let {culprit} pass {probe.path} on untouched."


def _is_too_large_to_be_read(size: int) -> bool:
    """Return whether Django keeps a middleware from reading a body of so many bytes."""
    limit: int | None = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return limit is not None and size > limit


def _from_outside(alias: str, url: str, probes: Sequence[Probe]) -> Finding:
    for probe in probes:
        what = f"{alias!r}: {_named(probe)} to {url}"
        try:
            answer = outside(url, probe.size)
        except NoAnswer as failure:
            return _unanswered(what, failure, probe)
        expected = inside(probe).status
        if answer.status != expected:
            what = f"{what} is answered {_told(answer)}, where the project itself says {expected}."
            return Finding(Level.PROBLEM, what, _advice_outside(answer.status, probe))
    most = max(probe.size for probe in probes)
    what = f"{alias!r}: posts to {url} reach the project over the network, up to {most} bytes."
    return Finding(Level.OK, what)


def _unanswered(what: str, failure: NoAnswer, probe: Probe) -> Finding:
    why, advice = explained(failure.__cause__ or failure)
    if probe.size > SMALL:
        # The small one was answered a moment ago.
        advice = f"Raise what your proxy or server takes of a body and the time for it. {advice}"
    return Finding(Level.PROBLEM, f"{what} gets no answer: {why}.", advice)


def _advice_outside(status: int, probe: Probe) -> str:
    if 300 <= status < 400:
        return (
            "Let your proxy or server pass this path on without a redirect, or use the address "
            "that it leads to: a redirected POST arrives as an empty GET."
        )
    if status == 413:
        return (
            f"Raise the limit of your proxy above {probe.size} bytes: client_max_body_size in "
            "nginx, LimitRequestBody in Apache."
        )
    return OUTSIDE_ADVICE.get(status, FURTHER_REASON)


OUTSIDE_ADVICE = {
    200: "Something answers in place of the project: look at the proxy, and at the address.",
    400: "Look at ALLOWED_HOSTS, and at the Host header that your proxy passes on.",
    401: "Let your proxy ask for no password at this path.",
    403: "Let your proxy or its firewall rules pass posts to this path.",
    404: "Look at the path, and whether your proxy passes it on to this project.",
    405: "Look at the path, and whether your proxy passes POST on to this project.",
    502: "Your proxy does not reach the project: look whether its server runs.",
    503: "Your proxy does not reach the project: look whether its server runs.",
    504: "The project does not answer your proxy in time: look at its server.",
}


def _told(answer: Answer) -> str:
    return f"{answer.status} to {answer.location}" if answer.location else str(answer.status)


def _named(probe: Probe) -> str:
    return "a small post" if probe.size == SMALL else f"a post of {probe.size} bytes"

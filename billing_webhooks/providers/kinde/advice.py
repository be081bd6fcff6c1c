"""What to do about a refusal, by its reason."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

ADVICE = {
    "signature": _(
        "The signature is not by the key that it names. If genuine events are refused so, "
        "something on the way changes their bodies."
    ),
    "unknown_kid": _(
        "It is signed with a key that ISSUER does not publish. Is ISSUER the tenant, and the "
        "environment, in which the webhook was made?"
    ),
    "unknown_kid_too_soon": _(
        "It is signed with a key that ISSUER did not publish within the last 30 seconds. If it "
        "goes on, ISSUER is not the tenant in which the webhook was made."
    ),
    "forgotten_key": _("It is signed with a key that was dropped by `keys --forget`."),
    "keys_unavailable": _("The key set of ISSUER cannot be fetched: try `doctor`, which says why."),
    "keys_being_fetched": _("The key set was being fetched; it is sent again."),
    "issuer": _("It says that another tenant has issued it. Is ISSUER right?"),
    "not_a_webhook": _("It is an access or ID token of this tenant, and no webhook."),
    "too_old": _("It was built longer ago than MAX_AGE. Is the clock of this machine right?"),
    "expired": _("It says that it has expired."),
    "not_compact_jws": _(
        "The body is no signed event. Did somebody open the URL by hand, or is it another sender's?"
    ),
    "truncated": _("The body broke off on its way."),
    "content_encoding": _("The body is compressed, which Kinde does not do: does a proxy?"),
    "too_large": _("The body is larger than 256 KiB, which no event of Kinde is."),
}

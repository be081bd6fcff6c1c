"""
`path("webhooks/", include("billing_webhooks.urls"))` answers on webhooks/<alias>.

With and without a slash at the end, because a redirect would lose the body; and with
anything behind the alias, for providers whose secret may be in the path. Whatever stands
there is taken, also where a slash too many leaves the alias empty, so that no secret ends
in the log line of a 404.
"""

from django.urls import path, re_path

from billing_webhooks.views import receive

app_name = "billing_webhooks"

urlpatterns = [
    path("<str:alias>", receive, name="receive"),
    path("<str:alias>/", receive),
    # The path converter would leave out a line feed.
    re_path(r"^(?P<alias>[^/]*)/(?P<token>(?s:.+))\Z", receive, name="receive_with_token"),
]

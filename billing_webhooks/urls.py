"""
`path("webhooks/", include("billing_webhooks.urls"))` answers on webhooks/<alias>.

With and without a slash at the end, because a redirect would lose the body; and with
one more part for providers whose secret may be in the path.
"""

from django.urls import path

from billing_webhooks.views import receive

app_name = "billing_webhooks"

urlpatterns = [
    path("<str:alias>", receive, name="receive"),
    path("<str:alias>/", receive),
    path("<str:alias>/<str:token>", receive, name="receive_with_token"),
    path("<str:alias>/<str:token>/", receive),
]

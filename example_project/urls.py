from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    # /webhooks/kinde and /webhooks/billabear, with and without a slash at the end.
    path("webhooks/", include("billing_webhooks.urls")),
    path("admin/", admin.site.urls),
    path("", login_not_required(RedirectView.as_view(pattern_name="admin:index"))),
]

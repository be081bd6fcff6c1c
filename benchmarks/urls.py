from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Do nothing: what is left is Django and the web server."""
    return HttpResponse(status=200)


urlpatterns = [
    path("bare", bare),
    path("webhooks/", include("billing_webhooks.urls")),
]

"""The endpoint without a web server: Django's own WSGI handler, called with an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.test import RequestFactory, override_settings

from benchmarks.posts import Post

FACTORY = RequestFactory()


class Endpoint:
    """A handler that has loaded its middleware: the settings', or that which it is given."""

    def __init__(self, middleware: list[str] | None = None) -> None:
        changed = {} if middleware is None else {"MIDDLEWARE": middleware}
        with override_settings(**changed):
            self._handler = WSGIHandler()

    def call(self, post: Post) -> Callable[[], int]:
        """Return what answers a delivery, and returns the status."""
        environ = self._environ(post)

        def answer() -> int:
            response = self._handler(environ, _begin)
            # Django ends a request here, and with it what it does for the database.
            response.close()
            return int(response.status_code)

        return answer

    def expect(self, status: int, post: Post) -> None:
        """Answer a delivery; raise RuntimeError for another status."""
        answered = self.call(post)()
        if answered != status:
            raise RuntimeError(f"{post.path} was answered {answered}, not {status}.")

    def _environ(self, post: Post) -> dict[str, Any]:
        headers = dict(post.headers)
        content_type = headers.pop("Content-Type", "")
        request = FACTORY.generic(
            "POST", post.path, post.body, content_type=content_type, headers=headers
        )
        return request.environ


def _begin(status: str, headers: list[tuple[str, str]], error: Any = None) -> Callable[..., object]:
    """Be the server that is told of an answer."""
    return lambda data: None

"""What the schema says of every operation beside its own answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from billing_webhooks.api.problems import MEDIA_TYPE, Code
from billing_webhooks.replaying import Reason

Direction = Literal["request", "response"]
OURS = "billing_webhooks."

ANYWHERE = (401, 403, 405, 406, 429, 503)
TITLES = {
    304: "Not modified",
    400: "A parameter is unknown, or has no usable value",
    401: "Not authenticated, where the project's first way to authenticate has a challenge",
    403: "Not authenticated, or not permitted",
    404: "Not found, or not yours to see",
    405: "Method not allowed",
    406: "Not acceptable",
    409: "Not possible as things stand",
    429: "Too many requests",
    503: "The database cannot be asked now",
}


class ParameterErrorSerializer(serializers.Serializer[Any]):
    parameter = serializers.CharField(help_text="Its name.")
    detail = serializers.CharField(help_text="What it takes.")


class ProblemSerializer(serializers.Serializer[Any]):
    """Problem details (RFC 9457); `code` is what a program goes by."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.ChoiceField(choices=[(str(code), str(code)) for code in Code])
    reason = serializers.ChoiceField(
        choices=[(str(reason), str(reason)) for reason in Reason],
        required=False,
        help_text="With `not_possible`: why.",
    )
    # Of an answer; the framework's own of that name are of what is sent, and nothing is.
    errors = ParameterErrorSerializer(many=True, required=False)  # type: ignore[assignment]


class ProblemSchema(AutoSchema):
    """The framework's schema, with problem details, entity tags, and names of our own."""

    view: Any

    def get_operation_id(self) -> str:
        basename = self.view.basename
        return f"billing_{basename}_{self.view.action}" if basename else super().get_operation_id()

    def get_tags(self) -> list[str]:
        basename = self.view.basename
        return [f"billing {basename.partition('_')[0]}"] if basename else super().get_tags()

    def get_serializer_name(self, serializer: Any, direction: Direction) -> str:
        # In a project's schema there may well be a Customer of its own.
        name = super().get_serializer_name(serializer, direction)
        return f"Billing{name}" if type(serializer).__module__.startswith(OURS) else name

    def get_request_serializer(self) -> Any:
        return None

    def get_override_parameters(self) -> Any:
        parameters = [*self.view.parameters.get(self.view.action, ()), *self._path_parameters()]
        if self._has_tag:
            parameters.append(
                OpenApiParameter(
                    "If-None-Match",
                    str,
                    OpenApiParameter.HEADER,
                    description="The entity tag of what was seen last.",
                )
            )
        return parameters

    def _path_parameters(self) -> Iterator[OpenApiParameter]:
        for name, kind, description in self.view.identifiers if self._is_of_one else ():
            yield OpenApiParameter(
                name, kind, OpenApiParameter.PATH, description=description, required=True
            )

    def _get_response_bodies(self, direction: Direction = "response") -> Any:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        problem = self.resolve_serializer(ProblemSerializer, direction).ref
        if self._has_tag:
            bodies["200"]["headers"] = {"ETag": {"schema": {"type": "string"}}}
            bodies["304"] = {"description": TITLES[304]}
        for code in self._refusals():
            content = {MEDIA_TYPE: {"schema": problem}}
            bodies[str(code)] = {"content": content, "description": TITLES[code]}
        return dict(sorted(bodies.items()))

    def _refusals(self) -> Iterator[int]:
        yield from (400, *ANYWHERE)
        if self._is_of_one:
            yield 404
        if self.method == "POST":
            yield 409

    @property
    def _is_of_one(self) -> bool:
        return "{" in self.path

    @property
    def _has_tag(self) -> bool:
        return bool(self.view.action == "retrieve")


PROVIDER = ("provider", OpenApiTypes.STR, "The alias under which the account is configured.")
ID = ("id", OpenApiTypes.STR, "The `id` that this API tells.")
UUID = ("id", OpenApiTypes.UUID, "The `id` that this API tells.")

"""Status objects, as the API server answers what it does not do.

Words and reasons: k8s.io/apimachinery/pkg/api/errors/errors.go, and where another file is named.
"""

from __future__ import annotations

import json
from typing import Any


class ApiError(Exception):
    """An answer other than success."""

    def __init__(self, status: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        super().__init__(status["message"])
        self.status = status
        self.headers = headers or {}


def failure(code: int, reason: str, message: str, **more: Any) -> dict[str, Any]:
    metadata = more.pop("metadata", {})
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": metadata,
        "status": "Failure",
        "message": message,
        "reason": reason,
        **more,
        "code": code,
    }


def not_found(resource: str, name: str) -> ApiError:
    message = f'{resource} "{name}" not found'
    return ApiError(
        failure(404, "NotFound", message, details={"name": name, "kind": resource})
    )


def unauthorized() -> ApiError:
    return ApiError(failure(401, "Unauthorized", "Unauthorized"))


def bad_request(message: str) -> ApiError:
    return ApiError(failure(400, "BadRequest", message))


def conflict(resource: str, name: str, why: str) -> ApiError:
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(
        failure(409, "Conflict", message, details={"name": name, "kind": resource})
    )


def already_exists(resource: str, name: str) -> ApiError:
    message = f'{resource} "{name}" already exists'
    return ApiError(
        failure(409, "AlreadyExists", message, details={"name": name, "kind": resource})
    )


def invalid(message: str) -> ApiError:
    return ApiError(failure(422, "Invalid", message))


def immutable(resource: str, name: str, field: str, value: str) -> ApiError:
    """k8s.io/apimachinery/pkg/api/validation/objectmeta.go, ValidateImmutableField."""
    why = f'Invalid value: "{value}": field is immutable'
    details = {
        "name": name,
        "kind": resource,
        "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}],
    }
    message = f'{resource} "{name}" is invalid: {field}: {why}'
    return ApiError(failure(422, "Invalid", message, details=details))


def not_acceptable(message: str) -> ApiError:
    return ApiError(failure(406, "NotAcceptable", message))


def unsupported_media_type() -> ApiError:
    return ApiError(failure(415, "UnsupportedMediaType", "415: Unsupported Media Type"))


def method_not_allowed() -> ApiError:
    return ApiError(
        failure(
            405, "MethodNotAllowed", "the server does not allow this method on the requested resource"
        )
    )


def expired_watch(asked: int, oldest: int) -> dict[str, Any]:
    """cacher/watch_cache.go, getAllEventsSinceLocked."""
    return failure(410, "Expired", f"too old resource version: {asked} ({oldest})")


def expired_continue(token: str) -> ApiError:
    """etcd3/errors.go, handleCompactedErrorForPaging: `token` goes on with the list as it is now."""
    message = (
        "The provided continue parameter is too old to display a consistent list result. You can "
        "start a new list without the continue parameter, or use the continue token in this "
        "response to retrieve the remainder of the results. Continuing with the provided token "
        "results in an inconsistent list - objects that were created, modified, or deleted between "
        "the time the first chunk was returned and now may show up in the list."
    )
    return ApiError(failure(410, "Expired", message, metadata={"continue": token}))


def too_large_version(asked: int, current: int) -> ApiError:
    """k8s.io/apiserver/pkg/storage/errors.go, NewTooLargeResourceVersionError."""
    details = {
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}],
        "retryAfterSeconds": 1,
    }
    message = f"Timeout: Too large resource version: {asked}, current: {current}"
    return ApiError(
        failure(504, "Timeout", message, details=details), headers={"Retry-After": "1"}
    )


def encode(status: dict[str, Any]) -> bytes:
    return json.dumps(status, separators=(",", ":")).encode() + b"\n"

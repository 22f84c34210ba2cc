"""Payloads as JSON. Knows dataclasses, and nothing of events."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from .errors import PayloadError


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a {type(value).__name__} is not JSON")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain
)


def encode(value: Any) -> bytes:
    """The JSON of a value, whose floats are finite and whose texts are Unicode."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise PayloadError(f"the payload cannot be written as JSON: {error}", "payload") from error


def decode(payload: bytes) -> Any:
    """The value of a JSON payload."""
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise PayloadError(f"the payload is not JSON: {error}", "payload") from error

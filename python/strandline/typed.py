"""Events of dataclasses: what a type is called in the store, and what older versions of it become."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Callable, Dict, Tuple, Type, TypeVar

from ._strandline import Event, NewEvent, Store
from .errors import InvalidInput, PayloadError

T = TypeVar("T")
# `Optional[int]`, and `int | None` where Python has it.
_UNIONS = (typing.Union, getattr(types, "UnionType", typing.Union))
Upcast = Callable[[Dict[str, Any]], Dict[str, Any]]


class Registry:
    """The types of an application's events, each a dataclass with a name.

    >>> import dataclasses, strandline, tempfile
    >>> registry = strandline.Registry()
    >>> @registry.event("account.deposited", version=2)
    ... @dataclasses.dataclass
    ... class Deposited:
    ...     amount: int
    ...     currency: str
    >>> @registry.upcast("account.deposited", from_version=1)
    ... def _(old):
    ...     return {**old, "currency": "EUR"}
    >>> with strandline.Store.open(tempfile.mkdtemp() + "/bank.strand") as store:
    ...     receipts = store.append_batch([
    ...         strandline.NewEvent("account:1", "account.deposited", {"amount": 5}),
    ...         registry.new("account:1", Deposited(7, "CHF")),
    ...     ])
    ...     [registry.read(store, event) for event in store.snapshot().stream("account:1")]
    [Deposited(amount=5, currency='EUR'), Deposited(amount=7, currency='CHF')]
    """

    def __init__(self) -> None:
        self._by_name: Dict[str, Tuple[type, int]] = {}
        self._names: Dict[type, Tuple[str, int]] = {}
        self._upcasts: Dict[Tuple[str, int], Upcast] = {}

    def event(self, name: str, *, version: int = 1) -> Callable[[Type[T]], Type[T]]:
        """Decorates a dataclass: its events are of the kind with this name."""

        def register(cls: Type[T]) -> Type[T]:
            if not dataclasses.is_dataclass(cls):
                raise InvalidInput(f"{cls.__name__} is no dataclass", "invalid_input")
            if name in self._by_name or cls in self._names:
                raise InvalidInput(f"{name} is registered already", "invalid_input")
            self._by_name[name] = (cls, version)
            self._names[cls] = (name, version)
            return cls

        return register

    def upcast(self, name: str, *, from_version: int) -> Callable[[Upcast], Upcast]:
        """Decorates what makes the fields of the next version of those of ``from_version``."""

        def register(function: Upcast) -> Upcast:
            self._upcasts[name, from_version] = function
            return function

        return register

    def new(self, entity: str, value: Any, **event: Any) -> NewEvent:
        """An event of a value, to append; keywords as those of ``NewEvent``."""
        known = self._names.get(type(value))
        if known is None:
            raise InvalidInput(f"{type(value).__name__} is not registered", "invalid_input")
        name, version = known
        return NewEvent(entity, name, value, version=version, **event)

    def read(self, store: Store, event: Event) -> Any:
        """The value of an event, in the version that is registered."""
        name = store.kind_name(event.kind)
        known = self._by_name.get(name) if name else None
        if name is None or known is None:
            raise PayloadError(f"no type is registered for {name or event.kind}", "payload")
        cls, newest = known
        fields = event.json()
        for version in range(event.version, newest):
            upcast = self._upcasts.get((name, version))
            if upcast is None:
                raise PayloadError(f"nothing reads version {version} of {name}", "payload")
            fields = upcast(fields)
        if event.version > newest:
            raise PayloadError(f"{name} is of the later version {event.version}", "payload")
        return _value(cls, fields, name)


def _value(hint: Any, value: Any, place: str) -> Any:
    """The value of a type, of what JSON has of it: dataclasses within dataclasses, lists, dicts and tuples."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise PayloadError(f"{place} is no object", "payload")
        hints = typing.get_type_hints(hint)
        names = {field.name for field in dataclasses.fields(hint) if field.init}
        given = {
            name: _value(hints[name], value[name], f"{place}.{name}")
            for name in names
            if name in value
        }
        try:
            return hint(**given)
        except (TypeError, ValueError) as error:
            raise PayloadError(f"{place}: {error}", "payload") from error
    if origin in (list, tuple) and isinstance(value, list):
        each = [
            _value(arguments[0] if arguments else Any, one, f"{place}[{index}]")
            if origin is list or arguments[1:] == (...,)
            else _value(arguments[index] if index < len(arguments) else Any, one, place)
            for index, one in enumerate(value)
        ]
        return each if origin is list else tuple(each)
    if origin is dict and isinstance(value, dict):
        return {key: _value(arguments[1], one, f"{place}.{key}") for key, one in value.items()}
    if origin in _UNIONS and value is not None:
        others = [one for one in arguments if one is not type(None)]
        return _value(others[0], value, place) if len(others) == 1 else value
    plain = {int: (int,), str: (str,), bool: (bool,), float: (float, int)}.get(hint)
    if plain and (not isinstance(value, plain) or (hint is not bool and isinstance(value, bool))):
        raise PayloadError(f"{place} is no {hint.__name__}", "payload")
    return value

"""Reading and writing registered meta, key by key in the order of registration, up to the first that is refused."""

from typing import Any

from integrator.standins.wordpress.answers import Call, WpError
from integrator.standins.wordpress.kses import text_field
from integrator.standins.wordpress.posts import Post
from integrator.standins.wordpress.schema import Invalid, check, clean, list_of
from integrator.standins.wordpress.site import Site
from integrator.standins.wordpress.types import MetaKey


def read(keys: list[MetaKey], post: Post, *, edit: bool) -> dict[str, Any] | list[Any]:
    """All keys with their values; what was never set reads as its default, and some are shown to editors only."""
    shown = (key for key in keys if edit or not key.is_private)
    return {key.name: _shown(key, post.meta.get(key.name, key.default)) for key in shown} or []


def _shown(key: MetaKey, value: Any) -> Any:
    # PHP writes 7.0 as 7.
    return int(value) if isinstance(value, float) and value.is_integer() else value


def write(site: Site, call: Call, post: Post, values: dict[str, Any], changed: list[str]) -> None:
    """Write what is registered, ignore the rest without a word; `changed` gets the keys that became different.

    Errors: WpError for the first bad key. What is registered before it has been written by then.
    """
    for key in site.types[post.type].meta:
        if key.name in values:
            before = post.meta.get(key.name)
            _write_one(site, call, post, key, values[key.name])
            if post.meta.get(key.name) != before:
                changed.append(f"meta.{key.name}")


def _write_one(site: Site, call: Call, post: Post, key: MetaKey, value: Any) -> None:
    if value is None or (value == [] and not key.single):
        _forget(site, call, post, key)
        return
    if not key.single and isinstance(value, list) and None in value:
        raise _bad_stored(key)
    try:
        check(value, key.schema, f"meta.{key.name}")
    except Invalid as error:
        raise WpError(error.code, error.message, 400, None, [error.data] if error.data else None) from error
    _allow(site, call, key, "rest_cannot_update")
    stored = clean(value, key.schema)
    if key.sanitised:
        stored = text_field(stored)
    post.meta[key.name] = stored if key.single else _merged(post.meta.get(key.name, []), stored)


def _forget(site: Site, call: Call, post: Post, key: MetaKey) -> None:
    # An integer that was never set cannot be set to null: "" is what WordPress finds, and "" is no integer.
    if key.single and not _may_be_forgotten(key, post):
        raise _bad_stored(key)
    _allow(site, call, key, "rest_cannot_delete")
    post.meta.pop(key.name, None)


def _may_be_forgotten(key: MetaKey, post: Post) -> bool:
    kind = key.schema["type"]
    if kind in {"integer", "number"}:
        return key.name in post.meta
    return kind != "boolean" or post.meta.get(key.name) is True


def _merged(stored: list[Any], wanted: list[Any]) -> list[Any]:
    """The rows of a list key: those that stay keep their place, new ones come behind them."""
    stay = [row for row in stored if row in wanted]
    fresh = [row for row in wanted if stored.count(row) != 1]
    return [row for row in stay if stored.count(row) == 1] + fresh


def _allow(site: Site, call: Call, key: MetaKey, code: str) -> None:
    is_sync = call.user is not None and call.user.role == "course_sync"
    mine = not is_sync if key.owner == "editor" else is_sync
    if key.locked or (site.strict_meta and not mine):
        message = f"Sorry, you are not allowed to edit the {key.name} custom field."
        raise WpError(code, message, call.refused(), {"key": key.name})


def _bad_stored(key: MetaKey) -> WpError:
    message = f"The {key.name} property has an invalid stored value, and cannot be updated to null."
    return WpError("rest_invalid_stored_value", message, 500)


def as_seeded(key: MetaKey, value: Any) -> Any:
    """A seeded value in its stored form. Errors: ValueError."""
    try:
        check(value, key.schema, key.name)
    except Invalid as error:
        raise ValueError(error.message) from error
    return clean(value, key.schema) if key.single else list(list_of(value) or [])

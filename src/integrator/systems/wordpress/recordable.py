"""What of WordPress's traffic may stay in a recording: the interface's own words, and the fields we own.

What editors and plugins keep there (ed_*, everything unmapped) is replaced, and so is who we are over there.
"""

import re
from pathlib import Path

from integrator.systems.recordable import Anywhere, Call, Fields, Items, May, Recordable, Shape
from integrator.systems.wordpress.fields import Field, load_fields

_MOMENTS = frozenset({"start", "end", "updated_at", "missing_since", "synced_at"})
_CODES = frozenset({"id", "main_id", "hash", "language", "currency", "status"})
_SESSION = Items(Fields({"date": May.MOMENT, "from": May.MOMENT, "to": May.MOMENT, "venue": May.TEXT}))
_POST: dict[str, Shape] = {
    "id": May.NUMBER,
    "slug": May.CODE,
    "status": May.CODE,
    "type": May.CODE,
    "date": May.MOMENT,
    "modified": May.MOMENT,
}
_ERROR: dict[str, Shape] = {"code": May.CODE, "data": Fields({"status": May.NUMBER})}
_SCHEMA = Anywhere(
    {
        **dict.fromkeys(("type", "format", "enum", "context", "method", "methods", "namespace"), May.CODE),
        **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength", "minimum", "maximum"), May.NUMBER),
        **dict.fromkeys(("required", "readonly", "additionalProperties", "allow_batch", "v1"), May.YESNO),
    }
)
_QUERY = {
    **dict.fromkeys(("context", "status", "orderby", "order", "_fields", "slug", "force", "include"), May.CODE),
    **dict.fromkeys(("page", "per_page"), May.NUMBER),
}


def recordable(mapping: Path) -> Recordable:
    """Read the mapping file, and say what may stay. Errors  ConfigError"""
    fields = load_fields(mapping)
    owned = [field for kind in fields.types.values() for field in (*kind.owned, *kind.seeds)]
    post = _post(owned, {fields.trainer.of_course: Items(May.NUMBER)})
    trainer = _post([], {"title.raw": May.NAME, fields.trainer.email: May.EMAIL})
    part = Fields({"method": May.CODE, "path": May.CODE, "body": post})
    answered = Fields({"status": May.NUMBER, "body": post})
    described: dict[str, Shape] = {"endpoints": _SCHEMA, "namespace": May.CODE, "methods": May.CODE}
    batch = Fields({"responses": Items(answered), "failed": May.CODE, **described, **_ERROR})
    collection = Fields({**post.of, "schema": _SCHEMA, **described})
    return Recordable(
        (
            Call(re.compile(r"/wp-json/wp/v2/users/me"), answer=_ME, query=_QUERY),
            Call(re.compile(r"/wp-json/batch/v1"), Fields({"requests": Items(part)}), batch, _QUERY),
            Call(re.compile(rf"/wp-json/wp/v2/{re.escape(fields.trainer.post_type)}"), answer=trainer, query=_QUERY),
            Call(re.compile(r"/wp-json/wp/v2/[A-Za-z0-9_-]+(/\d+)?"), post, collection, _QUERY),
        )
    )


_ME = Fields({"id": May.NUMBER, "slug": May.LOGIN, "name": May.NAME, "email": May.EMAIL, "roles": May.CODE, **_ERROR})


def _post(fields: list[Field], read: dict[str, Shape]) -> Fields:
    """A post: its own words, and below title, meta and acf what the mapping owns or seeds, and what is only read."""
    tree: dict[str, dict[str, Shape]] = {"title": {}, "meta": {}, "acf": {}}
    for target, leaf in ({field.target: _leaf(field) for field in fields} | read).items():
        group, _, name = target.partition(".")
        tree.setdefault(group, {})[name or "raw"] = leaf
    groups: dict[str, Shape] = {}
    for group, of in tree.items():
        # A title goes out as plain text, and comes back as {"raw": ..., "rendered": ...}.
        groups[group] = Fields({**of, "rendered": of["raw"]}, rest=of["raw"]) if "raw" in of else Fields(of)
    return Fields({**_POST, **_ERROR, **groups})


def _leaf(field: Field) -> Shape:
    if field.source == "days":
        return _SESSION
    if field.source in _MOMENTS:
        return May.MOMENT
    return May.CODE if field.source in _CODES else May.TEXT

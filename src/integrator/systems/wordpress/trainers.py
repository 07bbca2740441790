"""The trainers that editors entered on the site: read for the courses that need them, and never written."""

from collections.abc import Collection, Iterator, Mapping
from html import unescape
from itertools import islice
from typing import Any

from integrator.domain.courses import Trainer
from integrator.errors import BadAnswer, Refused
from integrator.systems.wordpress.api import Api
from integrator.systems.wordpress.fields import PostType, TrainerFields

_PER_PAGE = 100
_HINT = "install config/wordpress/ili-courses.php there, or edit [trainer] in config/wordpress.toml"
Item = dict[str, Any]


class Trainers:
    """Two or three lists of posts, each a page of 100 for every 100 courses or trainers that are asked for."""

    def __init__(self, api: Api, course: PostType, names: TrainerFields) -> None:
        self._api = api
        self._course = course
        self._names = names

    def of(self, posts: Mapping[str, int | None]) -> dict[str, list[Trainer]]:
        """The trainers of each course, in the editors' order; a course without a post is not in the answer.

        Shape   posts: our id → the id of its post as far as we know it; "25172-04": 31. The trainer's email is
                what was typed, None where nothing was. One in the trash is nobody's trainer
        Errors  Refused: the site has no such type or field; Unavailable; BadAnswer
        """
        chosen = self._chosen(posts)
        people = self._people(sorted({post_id for ids in chosen.values() for post_id in ids}))
        return {key: [people[post_id] for post_id in ids if post_id in people] for key, ids in chosen.items()}

    def _chosen(self, posts: Mapping[str, int | None]) -> dict[str, list[int]]:
        """The ids of trainers by course: of its post as we remember it, else of the one with its slug."""
        chosen: dict[str, list[int]] = {}
        fields = f"id,slug,meta.{self._course.identity},{self._names.of_course}"
        remembered = {post_id: key for key, post_id in posts.items() if post_id is not None}
        for item in self._items(self._course.post_type, "include", list(remembered), fields):
            key = remembered.get(item["id"])
            if key is not None and self._identity(item) == key:  # a post of that id may be another one by now
                chosen[key] = self._ids(item)
        slugs = {self._course.slug(key): key for key in posts if key not in chosen}
        for item in self._items(self._course.post_type, "slug", list(slugs), fields):
            key = slugs.get(str(item.get("slug")))
            if key is not None and self._identity(item) in (key, ""):
                chosen.setdefault(key, self._ids(item))
        return chosen

    def _people(self, ids: Collection[int]) -> dict[int, Trainer]:
        fields = f"id,title.raw,{self._names.email}"
        found = {}
        for item in self._items(self._names.post_type, "include", list(ids), fields):
            title = item.get("title")
            name = unescape(str(title.get("raw") or "")) if isinstance(title, dict) else ""
            email = self._value(self._names.post_type, item, self._names.email)
            typed = email.strip() if isinstance(email, str) else ""
            found[item["id"]] = Trainer(str(item["id"]), name.strip() or None, typed or None)
        return found

    def _identity(self, item: Item) -> str:
        return str(self._value(self._course.post_type, item, f"meta.{self._course.identity}") or "")

    def _ids(self, item: Item) -> list[int]:
        value = self._value(self._course.post_type, item, self._names.of_course)
        several = value if isinstance(value, list) else [value]
        return list(dict.fromkeys(one for one in several if isinstance(one, int) and one > 0))

    def _items(self, post_type: str, by: str, values: list[Any], fields: str) -> Iterator[Item]:
        """The posts with these ids or slugs, the trash left out. Nothing is asked for no value."""
        rest = iter(values)
        while some := list(islice(rest, _PER_PAGE)):
            yield from self._page(post_type, {by: ",".join(map(str, some)), "_fields": fields})

    def _page(self, post_type: str, which: dict[str, str]) -> list[Item]:
        doing = f"read {post_type} posts"
        # With context=edit somebody who is not really logged in gets an error, not what visitors see.
        query = {**which, "status": "any", "context": "edit", "orderby": "id", "order": "asc"}
        query["per_page"] = str(_PER_PAGE)
        reply = self._api.get(f"/wp/v2/{post_type}", doing=doing, params=query, ok=(200, 404))
        if reply.status == 404:
            raise Refused(f"wordpress: the site has no post type {post_type}", hint=_HINT)
        items = reply.json()
        if not isinstance(items, list) or not all(
            isinstance(one, dict) and type(one.get("id")) is int for one in items
        ):
            raise BadAnswer(f"wordpress: {doing}: answered with something else than a list of posts", code="not_a_list")
        return items

    def _value(self, post_type: str, item: Item, target: str) -> Any:
        """The value at a target. A field that is not there at all is one the site does not know."""
        group, _, name = target.partition(".")
        values = item.get(group)
        if not isinstance(values, dict) or name not in values:
            raise Refused(f"wordpress: the site does not have {post_type}.{target}", hint=_HINT)
        return values[name]

"""What is on the site now: every post of our types, read once a run and indexed by our id."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from integrator.errors import BadAnswer, Unavailable
from integrator.systems.wordpress.api import Api
from integrator.systems.wordpress.fields import PostType

PER_PAGE = 100
_UNSET: tuple[Any, ...] = ("", 0, False, None)


@dataclass(slots=True)
class Post:
    """One post. values holds the current value of every field we own, by target."""

    id: int
    slug: str
    status: str
    values: dict[str, Any]


@dataclass
class Site:
    """Posts of one type by our id, and by slug those that carry none.

    duplicates  by our id, the further posts that carry it too: reported, never touched
    complete    nothing was added or deleted while we read
    """

    posts: dict[str, Post] = field(default_factory=dict)
    unclaimed: dict[str, Post] = field(default_factory=dict)
    duplicates: dict[str, list[int]] = field(default_factory=dict)
    complete: bool = True

    def get(self, key: str, slug: str) -> Post | None:
        """The post of a record: by our id, else by the slug it would have (that one is adopted)."""
        return self.posts.get(key) or self.unclaimed.get(slug) or self.unclaimed.get(f"{slug}__trashed")


class Reader:
    """Reads posts of one type. Never takes a list for proof that a post is not there: see find()."""

    def __init__(self, api: Api, post_type: PostType) -> None:
        self._api = api
        self._type = post_type
        self.route = f"/wp/v2/{post_type.post_type}"
        targets = {owned.target for owned in post_type.owned}
        self.fields = ",".join(["id", "slug", "status", *sorted(targets)])

    def read(self) -> Site:
        """Every post, the trash included; read again once when posts were added or deleted meanwhile.

        Errors  Unavailable: the list kept changing, or does not show all it counts; Refused, BadAnswer
        """
        for _ in range(2):
            site = self._read_once()
            if site.complete:
                return site
        raise Unavailable(
            f"wordpress: list {self._type.post_type}: twice it listed not as many posts as it counts; nothing was sent",
            hint="may the user edit all posts (role course_sync)? if so, somebody was busy: the next run tries again",
        )

    def find(self, key: str) -> list[Post]:
        """The posts with the slug of this record, the trash included. The slug is ours, so this never lies."""
        return self.find_many([key]).get(key, [])

    def find_many(self, keys: list[str]) -> dict[str, list[Post]]:
        """The same for up to 50 records with one request."""
        slugs = {self._type.slug(key): key for key in keys}
        # A trashed post has "__trashed" behind its slug; both are found with one request.
        wanted = ",".join(f"{slug},{slug}__trashed" for slug in slugs)
        found: dict[str, list[Post]] = {}
        for item in self._page({"slug": wanted}, 1)[0]:
            post = self.post_from(item)
            if key := slugs.get(post.slug.removesuffix("__trashed")):
                found.setdefault(key, []).append(post)
        return {key: sorted(posts, key=lambda post: post.id) for key, posts in found.items()}

    def fetch(self, post_id: int) -> Post | None:
        """One post by its own id, None when it is not there any more."""
        query = {"context": "edit", "_fields": self.fields}
        doing = f"look at {self._type.post_type} {post_id}"
        reply = self._api.get(f"{self.route}/{post_id}", doing=doing, params=query, ok=(200, 404))
        answer = reply.json()
        if reply.status == 404:
            return None
        if not isinstance(answer, dict):
            raise BadAnswer(f"wordpress: {doing}: answered with something else than a post", code="bad_post")
        return self.post_from(answer)

    def post_from(self, item: dict[str, Any]) -> Post:
        """A post from the REST answer. Errors  BadAnswer"""
        try:
            values = {owned.target: _value(item, owned.target) for owned in self._type.owned}
            return Post(int(item["id"]), str(item["slug"]), str(item["status"]), values)
        except (AttributeError, KeyError, TypeError, ValueError):  # a filter of a plugin can make null of a post
            raise BadAnswer(
                f"wordpress: list {self._type.post_type}: a post without id, slug or status", code="bad_post"
            ) from None

    def _read_once(self) -> Site:
        site = Site()
        totals: list[int] = []
        read = 0
        for items, total in self._pages():
            totals.append(total)
            read += len(items)
            for item in items:
                self._index(site, item)
        site.complete = {read} == set(totals)
        return site

    def _pages(self) -> Iterator[tuple[list[dict[str, Any]], int]]:
        number = 1
        while True:
            items, total, pages = self._page({}, number)
            yield items, total
            if number >= pages or not items:
                return
            number += 1

    def _page(self, params: dict[str, str], number: int) -> tuple[list[dict[str, Any]], int, int]:
        query = {
            **params,
            "status": "any,trash",  # "any" alone leaves the trash out
            "per_page": str(PER_PAGE),
            "page": str(number),
            "orderby": "id",
            "order": "asc",
            "context": "edit",
            "_fields": self.fields,
        }
        doing = f"list {self._type.post_type}"
        reply = self._api.get(self.route, doing=doing, params=query, ok=(200, 400))
        items = reply.json()
        if reply.status == 400 and isinstance(items, dict) and items.get("code") == "rest_post_invalid_page_number":
            return [], 0, number  # posts were deleted during the walk: the counts will not agree
        if reply.status != 200 or not isinstance(items, list):
            raise BadAnswer(
                f"wordpress: {doing}: answered {reply.status} with something else than a list", code="not_a_list"
            )
        try:
            return items, int(reply.headers["X-WP-Total"]), int(reply.headers["X-WP-TotalPages"])
        except (KeyError, ValueError):
            raise Unavailable(f"wordpress: {doing}: the answer does not say how many posts there are") from None

    def _index(self, site: Site, item: dict[str, Any]) -> None:
        post = self.post_from(item)
        key = str(post.values.get("meta." + self._type.identity) or "")
        if not key:
            site.unclaimed[post.slug] = post
            return
        other = site.posts.get(key)
        if other is None or (other.status == "trash" and post.status != "trash"):
            site.posts[key] = post
        elif post.status != "trash":
            # The lowest id counts, whatever the order they came in.
            kept, spare = sorted((other, post), key=lambda found: found.id)
            site.posts[key] = kept
            site.duplicates.setdefault(key, []).append(spare.id)


def same(current: Any, wanted: Any) -> bool:
    """Whether the site's value says what we want. Unknown and the type's default look the same over there."""
    if wanted is None or wanted == []:
        return current in _UNSET or current == []
    if isinstance(wanted, bool) or isinstance(current, bool):
        return bool(current) == bool(wanted)
    if isinstance(wanted, int) and isinstance(current, str):
        return current.strip() == str(wanted)
    return bool(current == wanted)


def _value(item: dict[str, Any], target: str) -> Any:
    """The value at a target in the REST form; None when it is not there."""
    group, _, name = target.partition(".")
    value = item.get(group)
    if group == "title":
        return value.get("raw") if isinstance(value, dict) else value
    return value.get(name) if isinstance(value, dict) else None

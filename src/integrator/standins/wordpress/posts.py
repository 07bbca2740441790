"""The posts of the site: ids, slugs that give way to one another, the trash and the revisions."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrator.standins.wordpress.dates import to_gmt, to_local
from integrator.standins.wordpress.slugs import LONGEST, cut, slug_of

FIRST_ID = 4  # a fresh WordPress has made a post, a page and a privacy page of its own
UNDATED = {"draft", "pending", "auto-draft"}
RESERVED = {"feed", "rdf", "rss", "rss2", "atom", "embed"}
TRASHED = "__trashed"


@dataclass
class Post:
    """One post; date and modified are site time, *_gmt None stands for WordPress' 0000-00-00."""

    id: int
    type: str
    date: datetime
    date_gmt: datetime | None
    modified: datetime
    modified_gmt: datetime | None
    title: str = ""
    content: str = ""
    excerpt: str = ""
    status: str = "draft"
    slug: str = ""
    password: str = ""
    guid: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    acf: dict[str, Any] = field(default_factory=dict)
    revisions: list[tuple[int, tuple[str, str, str]]] = field(default_factory=list)
    wanted_slug: str = ""  # of a trashed post: the one it had

    @property
    def texts(self) -> tuple[str, str, str]:
        return self.title, self.content, self.excerpt

    @property
    def path(self) -> str:
        """Where the site shows it; a post that is not published has no pretty address."""
        if self.status in {"publish", "private"} and self.slug:
            return f"/{self.type}/{self.slug}/"
        return f"/?post_type={self.type}&p={self.id}"


class Posts:
    """All posts. Not locked by itself: the stand-in's lock is held around every request."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._posts: dict[int, Post] = {}
        self._by_slug: dict[tuple[str, str], set[int]] = defaultdict(set)
        self._last_id = FIRST_ID - 1
        self.danish_slugs = False

    def now(self) -> datetime:
        """UTC, naive, whole seconds, as the database keeps it."""
        return self._clock().astimezone(UTC).replace(tzinfo=None, microsecond=0)

    def get(self, post_id: int) -> Post | None:
        return self._posts.get(post_id)

    def __iter__(self) -> Iterator[Post]:
        return iter(self._posts.values())

    def of_type(self, kind: str) -> list[Post]:
        return [post for post in self._posts.values() if post.type == kind]

    def with_slug(self, kind: str, slug: str) -> list[Post]:
        return [self._posts[post_id] for post_id in sorted(self._by_slug.get((kind, slug), ()))]

    def next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def skip_to(self, post_id: int) -> None:
        """Let the next post have this id, if it is still free."""
        self._last_id = max(self._last_id, post_id - 1)

    def slug_from(self, text: str) -> str:
        return slug_of(text, danish=self.danish_slugs)

    def new(self, kind: str) -> Post:
        """A post that is not stored yet."""
        now = self.now()
        return Post(0, kind, to_local(now), None, to_local(now), None)

    def unique(self, slug: str, post: Post, status: str) -> str:
        """The slug, or with -2, -3 … behind it when another post of the type has it; drafts may share."""
        if status in UNDATED or not slug:
            return slug
        if slug not in RESERVED and not self._taken(slug, post):
            return slug
        number = 2
        while self._taken(other := f"{cut(slug, LONGEST - 1 - len(str(number)))}-{number}", post):
            number += 1
        return other

    def _taken(self, slug: str, post: Post) -> bool:
        return bool(self._by_slug.get((post.type, slug), set()) - {post.id})

    def save(self, post: Post, before: Post | None) -> None:
        """Store a post as wp_insert_post does: date, status, slug, then (on an update) a revision.

        `before` is the stored state of an update, None for a new post.
        """
        now = self.now()
        self._date(post, now)
        self._status(post, now)
        if before is None:
            post.id = self.next_id()
        self._slug(post, before)
        if before is None:
            post.modified, post.modified_gmt = post.date, post.date_gmt
            post.guid = post.path
        else:
            post.modified, post.modified_gmt = to_local(now), now
            self._by_slug[before.type, before.slug].discard(post.id)
        self._posts[post.id] = post
        self._by_slug[post.type, post.slug].add(post.id)

    def _date(self, post: Post, now: datetime) -> None:
        if post.date_gmt is None:  # nobody has set it: it follows the clock until the post is published
            post.date = to_local(now)
            if post.status not in UNDATED:
                post.date_gmt = now

    def _status(self, post: Post, now: datetime) -> None:
        moment = post.date_gmt or to_gmt(post.date)
        if post.status == "publish" and moment > now:
            post.status = "future"
        elif post.status == "future" and moment <= now:
            post.status = "publish"

    def _slug(self, post: Post, before: Post | None) -> None:
        was = before.status if before else "new"
        if was == "trash" and post.status != "trash" and post.wanted_slug:
            post.slug, post.wanted_slug = post.wanted_slug, ""
        elif post.status == "trash" and was != "trash" and not post.slug.endswith(TRASHED):
            post.wanted_slug = post.slug
            post.slug = cut(post.slug, LONGEST - len(TRASHED)) + TRASHED
        if not post.slug and post.status not in UNDATED:
            post.slug = self.slug_from(post.title) or str(post.id)
        post.slug = self.unique(post.slug, post, post.status)

    def revise(self, post: Post) -> None:
        """Keep a revision when there is none yet or a text has changed; it takes an id like a post."""
        if not post.revisions or post.revisions[-1][1] != post.texts:
            post.revisions.append((self.next_id(), post.texts))

    def put(self, post: Post) -> None:
        """Store a post as it is, without any of WordPress' care: for seeding."""
        self.skip_to(post.id + 1)
        self._posts[post.id] = post
        self._by_slug[post.type, post.slug].add(post.id)

    def remove(self, post: Post) -> None:
        self._by_slug[post.type, post.slug].discard(post.id)
        del self._posts[post.id]

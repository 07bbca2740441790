"""What one record asks of the site: nothing, a new post, or the few fields that differ."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Literal

import msgspec

from integrator.systems.wordpress.fields import PostType
from integrator.systems.wordpress.site import Post, Site, same

_SHOWN = ("publish", "future")  # what visitors see, or will by themselves
Action = Literal["nothing", "create", "update", "leave", "wait"]


@dataclass(frozen=True)
class Memory:
    """What only we know of a post.

    made         it was there once, by our hand
    cleaned      target → [hash of what we sent, hash of what came back], where the site changed our text
    asked        a status we began to give it ("draft", "publish"), and whose outcome is not known
    unpublished  we took it off the site ourselves
    restored     it is older than a restore: we may have taken it off the site since
    """

    made: bool = False
    cleaned: Mapping[str, list[str]] = field(default_factory=dict)
    asked: str | None = None
    unpublished: bool = False
    restored: bool = False


_NOTHING = Memory()


@dataclass(frozen=True)
class Plan:
    """One record's way to the site.

    fields   target → value to send; changes  (target, the site's value, ours), for people
    shown    the status this plan gives the post ("publish", "draft"), None: it stays as it is
    decided  what to remember about the status: "draft" we unpublish it, "publish" we show it, None nothing
    """

    action: Action
    key: str
    slug: str
    facts: Mapping[str, Any] = field(default_factory=dict, repr=False)
    post: Post | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    changes: list[tuple[str, Any, Any]] = field(default_factory=list)
    shown: str | None = None
    decided: str | None = None
    reason: str = ""

    def body(self) -> dict[str, Any]:
        """The REST body: only what differs, never a whole meta."""
        body: dict[str, Any] = {"status": self.shown} if self.shown else {}
        if self.action == "create":
            body["slug"] = self.slug
        for target, value in self.fields.items():
            group, _, name = target.partition(".")
            if group in ("meta", "acf"):
                body.setdefault(group, {})[name] = value
            else:
                body[group] = "" if value is None else value
        return body

    @property
    def single(self) -> bool:
        """ACF is not validated in a batch, so it goes alone."""
        return any(target.startswith("acf.") for target in self.fields)


class Planner:
    """Compares records with the site as it was read. Knows nothing of HTTP."""

    def __init__(
        self,
        post_type: PostType,
        site: Site,
        *,
        memory: Mapping[str, Memory],
        main_post_id: Callable[[str], int | None],
        main_is_trashed: Callable[[str], bool],
        synced_at: str,
    ) -> None:
        self._type = post_type
        self._site = site
        self._memory = memory
        self._main_post_id = main_post_id
        self._main_is_trashed = main_is_trashed
        self._synced_at = synced_at

    def plan(self, key: str, facts: Mapping[str, Any]) -> Plan:
        """What the record asks for now."""
        slug = self._type.slug(key)
        post = self._site.get(key, slug)
        if post is None and not facts["current"] and (self._recall(key).made or facts["missing_since"]):
            plan = Plan("leave", key, slug, reason="it was deleted on the site, and the source has moved on")
        elif post is None and "main_id" in facts and self._main_is_trashed(facts["main_id"]):
            plan = Plan("leave", key, slug, reason=f"the post of its main course {facts['main_id']} is in the trash")
        elif post is None:
            plan = self._create(key, slug, self._with_extras(facts))
        elif post.status == "trash":
            plan = Plan("leave", key, slug, post=post, reason=f"post {post.id} is in the trash: left there")
        else:
            plan = self._update(key, slug, self._with_extras(facts), post)
        return replace(plan, facts=facts)

    def _with_extras(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        main_id = facts.get("main_id")
        return {
            **facts,
            "hash": digest(facts),
            "synced_at": self._synced_at,
            "main_post_id": self._main_post_id(main_id) if main_id else None,
        }

    def _create(self, key: str, slug: str, facts: dict[str, Any]) -> Plan:
        fields = {
            target: value
            for target, value in (self._type.wanted(facts, seeds=True) | self._type.stamps(facts)).items()
            if not same(None, value)
        }
        stamps = self._type.stamps(facts)
        changes = [(target, None, value) for target, value in fields.items() if target not in stamps]
        show = str(facts["show"])
        waits = "main_id" in facts and facts["main_post_id"] is None
        return Plan(
            "wait" if waits else "create",
            key,
            slug,
            fields=fields,
            changes=changes,
            shown=show,
            decided=show,  # also "publish": a post before it, that is gone, may have been unpublished by us
            reason=f"its main course {facts.get('main_id')} has no post yet" if waits else "",
        )

    def _update(self, key: str, slug: str, facts: dict[str, Any], post: Post) -> Plan:
        fields = {}
        memory = self._recall(key)
        for target, value in self._type.wanted(facts).items():
            if not same(post.values.get(target), value) and not _was_cleaned(memory, target, value, post):
                fields[target] = value
        shown, decided = self._status(facts, post, memory)
        changes = [(target, post.values.get(target), value) for target, value in fields.items()]
        if shown:
            changes.append(("status", post.status, shown))
        if fields or shown:
            sent = fields | self._type.stamps(facts)
            return Plan("update", key, slug, post=post, fields=sent, changes=changes, shown=shown, decided=decided)
        # Nothing to send, but what we decided about its status may still have to be written down.
        return Plan("nothing", key, slug, post=post, decided=decided)

    def _status(self, facts: Mapping[str, Any], post: Post, memory: Memory) -> tuple[str | None, str | None]:
        """(status to send, what to remember). An editor's own draft or private post is neither shown nor hidden by us.

        Once unpublished, an editor may show it again: we take it down one time. What we asked for and cannot tell the
        outcome of counts as done when the site is so, and as not done when it is not.
        """
        if self._type.kind == "main_course":
            return None, None  # its status belongs to the editors after the first day
        is_shown = post.status in _SHOWN
        if memory.asked:
            ours = not is_shown  # hidden, and we have asked for something: it is hidden by us
            settled: str | None = "publish" if is_shown else "draft"
        else:
            knows = memory.made and not memory.restored
            ours = memory.unpublished or (not knows and self._was_taken_down(post))
            settled = "draft" if ours and not memory.unpublished else None  # known from now on
        if facts["show"] == "draft":
            return ("draft", "draft") if is_shown and not ours else (None, settled)
        if ours and post.status == "draft":
            return "publish", "publish"
        return None, "publish" if ours or settled else None

    def _recall(self, key: str) -> Memory:
        return self._memory.get(key, _NOTHING)

    def _was_taken_down(self, post: Post) -> bool:
        """Without a memory (a lost store), or with an old one (a restored store): a draft that says since when it was
        missing, or that it is cancelled, was unpublished by us."""
        since = any(post.values.get(target) for target in self._type.targets_of("missing_since"))
        cancelled = any(post.values.get(target) == "cancelled" for target in self._type.targets_of("status"))
        return post.status == "draft" and (since or cancelled)


def digest(value: Any) -> str:
    """A short, stable hash of any plain value, as hexadecimal text."""
    return blake2b(msgspec.json.encode(value, order="deterministic"), digest_size=16).hexdigest()


def _was_cleaned(memory: Memory, target: str, value: Any, post: Post) -> bool:
    """The site stores another text than we send (it cleans HTML): equal means, both are as they were last time."""
    return memory.cleaned.get(target) == [digest(value), digest(post.values.get(target))]

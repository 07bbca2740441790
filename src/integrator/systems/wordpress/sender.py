"""Writing posts: in batches where that is safe, alone where it is not, and looked up after any doubt."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from integrator.effects import Done, Message, Preview
from integrator.errors import (
    Conflict,
    InDoubt,
    IntegratorError,
    Postponed,
    Refused,
    Rejected,
    Unavailable,
)
from integrator.systems.wordpress.api import Api
from integrator.systems.wordpress.fields import PostType
from integrator.systems.wordpress.planning import Memory, Plan, Planner, digest
from integrator.systems.wordpress.requests import Answer, Part, Requests
from integrator.systems.wordpress.schema import complaint
from integrator.systems.wordpress.site import Post, Reader, Site, same

CREATES_AT_ONCE = 10


class Posts:
    """The outbox's sender for one kind of record."""

    resends = True

    def __init__(
        self,
        api: Api,
        post_type: PostType,
        *,
        site: Site,
        schema: Mapping[str, Any],
        memory: Mapping[str, Memory],
        main_post_id: Callable[[str], int | None],
        main_is_trashed: Callable[[str], bool],
        requests: Requests,
        settle_s: float,
        synced_at: str,
    ) -> None:
        self.settle_s = settle_s
        self._requests = requests
        self._type = post_type
        self._site = site
        self._schema = schema
        self._reader = Reader(api, post_type)
        self._planner = Planner(
            post_type,
            site,
            memory=memory,
            main_post_id=main_post_id,
            main_is_trashed=main_is_trashed,
            synced_at=synced_at,
        )
        self._plans: dict[int, Plan] = {}

    # what the job asks ------------------------------------------------------------------------

    def plan(self, key: str, facts: Mapping[str, Any]) -> Plan:
        """What this record asks of the site now."""
        return self._planner.plan(key, facts)

    def needs_writing(self, key: str, facts: Mapping[str, Any]) -> bool:
        """Whether the site differs, or a decision about the post has to be remembered."""
        plan = self.plan(key, facts)
        return plan.action in ("create", "update", "wait") or plan.decided is not None

    def post_id(self, key: str) -> int | None:
        """The post that shows a record, None while there is none (or it is in the trash)."""
        post = self._site.get(key, self._type.slug(key))
        return post.id if post and post.status != "trash" else None

    def is_trashed(self, key: str) -> bool:
        """Whether the post of a record lies in the trash."""
        post = self._site.get(key, self._type.slug(key))
        return post is not None and post.status == "trash"

    def duplicates(self) -> dict[str, list[int]]:
        """Further posts with the same id, by our key."""
        return self._site.duplicates

    # what the outbox asks ----------------------------------------------------------------------

    def groups(self, messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
        """Nothing to send; creates, at most 10 at once; updates by batch; what carries ACF, or failed before, alone."""
        plans = {message.id: self.plan(message.key, message.body) for message in messages}
        self._plans.update(plans)
        piles: dict[str, list[Message]] = {"still": [], "create": [], "update": [], "alone": []}
        for message in messages:
            plan = plans[message.id]
            if plan.action not in ("create", "update"):
                piles["still"].append(message)
            elif plan.single or message.attempts:
                piles["alone"].append(message)
            else:
                piles[plan.action].append(message)
        creates = min(CREATES_AT_ONCE, self._requests.batch_size)
        sizes = {"still": 200, "create": creates, "update": self._requests.most_at_once, "alone": 1}
        for name, pile in piles.items():
            for start in range(0, len(pile), sizes[name]):
                yield pile[start : start + sizes[name]]

    def send(self, group: Sequence[Message]) -> Sequence[Done | IntegratorError]:
        """Errors  Unavailable (nothing left), InDoubt, Refused: we may not write this type at all"""
        plans = [self._plans.pop(message.id) for message in group]
        if plans[0].action == "create":
            return self._create(plans)
        results: list[Done | IntegratorError] = [self._without_request(plan) for plan in plans]
        if plans[0].action == "update":
            results = self._update(plans)
        return results

    def asks(self, message: Message) -> str | None:
        """The status that sending this message gives a post, where it has to be remembered before; else None."""
        plan = self._plans.get(message.id)
        if plan is None or self._type.kind == "main_course" or plan.action not in ("create", "update"):
            return None
        return None if plan.action == "create" and plan.shown == "publish" else plan.shown

    def look_up(self, message: Message) -> Done | None:
        """Is the site as the message wants it? Asks for the post anew; what was read at the start may be older."""
        self._see_again(message.key)
        plan = self.plan(message.key, message.body)
        if plan.action != "nothing" or not plan.post:
            return None
        return self._written(plan, plan.post.id, "found", {})

    def _see_again(self, key: str) -> None:
        """Read the post of one record anew: by its own id when we know it, else by the slug it would have.

        Errors  Conflict: several posts show the record; Unavailable, Refused
        """
        known = self._site.posts.get(key)
        if known and known.status != "trash":
            fresh = self._reader.fetch(known.id)
            if fresh:
                self._site.posts[key] = fresh
                return
            del self._site.posts[key]
        found = [post for post in self._reader.find(key) if post.status != "trash"]
        ours = [post for post in found if self._identity(post) == key]
        ours = ours or [post for post in found if not self._identity(post)]
        if len(ours) > 1:
            ids = ", ".join(str(post.id) for post in ours)
            raise Conflict(f"wordpress: {key}: posts {ids} show the same record")
        if ours:
            self._site.posts[key] = ours[0]

    def repeatable(self, message: Message) -> bool:
        """An update may be sent again at once; a create whose request may still arrive may not."""
        return self.plan(message.key, message.body).action != "create"

    def preview(self, message: Message) -> Preview:
        """What send() would do, field by field; a date whose main course is still to come is a create, too."""
        plan = self.plan(message.key, message.body)
        action = "create" if plan.action == "wait" else str(plan.action)
        if plan.action == "update" and plan.decided == "draft" and plan.shown:
            action = "unpublish"
        remote_id = str(plan.post.id) if plan.post else None
        reason = "" if plan.action == "wait" else plan.reason
        return Preview(action, plan.key, str(plan.facts.get("title", "")), remote_id, plan.changes, reason)

    # writing ----------------------------------------------------------------------------------

    def _without_request(self, plan: Plan) -> Done | IntegratorError:
        if plan.action == "wait":
            return Postponed(f"{self._about(plan)}: {plan.reason}")
        return self._written(
            plan, plan.post.id if plan.post else None, "left" if plan.action == "leave" else "unchanged", {}
        )

    def _create(self, plans: list[Plan]) -> list[Done | IntegratorError]:
        # The list we read is no proof that a post is not there: one more look, just before.
        there = self._reader.find_many([plan.key for plan in plans])
        results: dict[str, Done | IntegratorError] = {}
        sendable: list[Plan] = []
        for plan in plans:
            if plan.key in there:
                results[plan.key] = self._adopt(plan, there[plan.key])
            elif plan.slug in [other.slug for other in sendable]:
                results[plan.key] = Conflict(f"{self._about(plan)}: another record has the same slug {plan.slug}")
            elif problem := self._complaint(plan):
                results[plan.key] = problem
            else:
                sendable.append(plan)
        if sendable:
            answers = self._requests.ask([Part("POST", self._path(), plan.body()) for plan in sendable], "create posts")
            results |= self._judge_creates(sendable, answers)
        return [results[plan.key] for plan in plans]

    def _judge_creates(
        self, plans: list[Plan], answers: Sequence[Answer | Unavailable]
    ) -> dict[str, Done | IntegratorError]:
        results: dict[str, Done | IntegratorError] = {}
        for plan, answer in zip(plans, answers, strict=True):
            if isinstance(answer, Answer) and answer.is_post:
                post = self._reader.post_from(answer.body)
                if self._identity(post) == plan.key:
                    results[plan.key] = self._created(plan, post)
        missed = [(plan, answer) for plan, answer in zip(plans, answers, strict=True) if plan.key not in results]
        # An error does not mean that nothing was written: look before anything else happens.
        try:
            there = self._reader.find_many([plan.key for plan, _ in missed]) if missed else {}
        except (Unavailable, Refused) as error:
            unsure = InDoubt(f"wordpress: create posts: no clear answer, and looking them up failed: {error.message}")
            return results | {plan.key: unsure for plan, _ in missed}
        for plan, answer in missed:
            found = there.get(plan.key)
            results[plan.key] = self._adopt(plan, found) if found else self._error(plan, answer)
        if not there:
            self._refuse_when_all([answer for _, answer in missed], plans)
        return results

    def _created(self, plan: Plan, post: Post) -> Done | IntegratorError:
        if post.slug == plan.slug or not self._has_another(plan, post):
            self._site.posts[plan.key] = post
            return self._written(plan, post.id, "created", self._cleaned(plan, post))
        # Another writer was faster: ours got a "-2". Nobody shall see the record twice.
        hidden = "was set to draft" if self._hide(post) else "could not be set to draft"
        return Conflict(
            f"{self._about(plan)}: {plan.slug} was taken meanwhile; post {post.id} is a second one and {hidden}:"
            " delete it there"
        )

    def _hide(self, post: Post) -> bool:
        try:
            answer = self._requests.ask([Part("PUT", self._path(post.id), {"status": "draft"})], "hide a second post")[
                0
            ]
        except (Unavailable, Refused):
            return False
        return isinstance(answer, Answer) and answer.is_post and answer.body.get("status") == "draft"

    def _has_another(self, plan: Plan, post: Post) -> bool:
        """Whether the slug we asked for belongs to somebody else; else the site only spells it in its own way."""
        try:
            return any(found.id != post.id for found in self._reader.find(plan.key))
        except (Unavailable, Refused):
            return True

    def _adopt(self, plan: Plan, found: list[Post]) -> Done | IntegratorError:
        """The post is there after all (half written, or made by somebody else): bring it level."""
        alive = [post for post in found if post.status != "trash"]
        post = (alive or found)[0]
        if self._identity(post) not in ("", plan.key):
            whose = f"belongs to post {post.id}, which shows {self._identity(post)}; left alone"
            return Conflict(f"{self._about(plan)}: its slug {plan.slug} {whose}")
        self._site.posts[plan.key] = post
        again = self._planner.plan(plan.key, plan.facts)
        if again.action != "update":
            return self._without_request(again)
        try:
            return self._update([again])[0]
        except (Unavailable, Refused) as error:
            return InDoubt(error.message)

    def _update(self, plans: list[Plan]) -> list[Done | IntegratorError]:
        problems = {plan.key: problem for plan in plans if (problem := self._complaint(plan))}
        sendable = [plan for plan in plans if plan.key not in problems]
        answers: Sequence[Answer | Unavailable] = self._ask_updates(sendable) if sendable else []
        results: dict[str, Done | IntegratorError] = {}
        for plan, answer in zip(sendable, answers, strict=True):
            if isinstance(answer, Answer) and answer.is_post and plan.post and answer.body["id"] == plan.post.id:
                post = self._reader.post_from(answer.body)
                self._site.posts[plan.key] = post
                result = "unpublished" if plan.decided == "draft" and plan.shown else "updated"
                results[plan.key] = self._written(plan, post.id, result, self._cleaned(plan, post))
            else:
                results[plan.key] = self._error(plan, answer)
        self._refuse_when_all(answers, plans)
        return [problems.get(plan.key) or results[plan.key] for plan in plans]

    def _ask_updates(self, plans: list[Plan]) -> Sequence[Answer | Unavailable]:
        """Updates say the same again and again: one that was answered with 5xx in a batch is sent once more, alone.

        A batch without any answer stays in doubt; the next run sends its parts one by one.
        """
        parts = [Part("PUT", self._path(plan.post.id if plan.post else 0), plan.body()) for plan in plans]
        answers = self._requests.ask_at_once(parts, "update posts")
        return [
            self._once_more(part) if isinstance(answer, Answer) and answer.status >= 500 else answer
            for part, answer in zip(parts, answers, strict=True)
        ]

    def _once_more(self, part: Part) -> Answer | Unavailable:
        try:
            return self._requests.ask([part], "update a post")[0]
        except (Unavailable, Refused) as error:
            return InDoubt(error.message)

    def _path(self, post_id: int | None = None) -> str:
        where = f"/wp/v2/{self._type.post_type}" + ("" if post_id is None else f"/{post_id}")
        return f"{where}?_fields={self._reader.fields}&context=edit"

    # judging ----------------------------------------------------------------------------------

    def _error(self, plan: Plan, answer: Answer | Unavailable) -> IntegratorError:
        if isinstance(answer, Unavailable):
            return answer
        what = f"{self._about(plan)}: {plan.action}: answered {answer.status} {answer.code}".rstrip()
        if answer.status >= 500 or answer.status in (408, 409) or answer.status < 400:
            return InDoubt(what)
        if answer.code == "rest_post_invalid_id":
            self._site.posts.pop(plan.key, None)
            return Unavailable(f"{what}: it was deleted there meanwhile; the next run makes it again")
        return Unavailable(what) if answer.status == 429 else Rejected(what)

    def _refuse_when_all(self, answers: Sequence[Answer | Unavailable], plans: list[Plan]) -> None:
        """All of them forbidden, or the type itself gone: no use in knocking again. No attempt is used up.

        One forbidden post alone says nothing of the others.
        """
        said = [answer for answer in answers if isinstance(answer, Answer) and _says_stop(answer)]
        if len(said) == len(plans) and (len(said) > 1 or said[0].status != 403):
            raise Refused(
                f"{self._about(plans[0])}: writing it was answered {said[0].status} {said[0].code};"
                " the rest was not tried",
                hint="integrator check wordpress: are the types there, does the user have the role course_sync?",
            )

    def _complaint(self, plan: Plan) -> Rejected | None:
        """Meta is checked there after the post was stored: so check it here before."""
        for target, value in plan.fields.items():
            if problem := complaint(self._schema, target, value):
                return Rejected(f"{self._about(plan)}: {target}: {problem}; nothing was sent")
        return None

    def _cleaned(self, plan: Plan, post: Post) -> dict[str, list[str] | None]:
        """target → [hash sent, hash that came back] where the site changed our value; None forgets an older one."""
        return {
            target: None if same(post.values[target], value) else [digest(value), digest(post.values[target])]
            for target, value in plan.fields.items()
            if target in post.values
        }

    def _written(self, plan: Plan, post_id: int | None, result: str, cleaned: Mapping[str, Any]) -> Done:
        memory = {"post_id": post_id, "cleaned": dict(cleaned), "decided": plan.decided}
        return Done(None if post_id is None else str(post_id), result, memory)

    def _identity(self, post: Post) -> str:
        """The id of the record a post shows; "" when it carries none."""
        return str(post.values.get(f"meta.{self._type.identity}") or "")

    def _about(self, plan: Plan) -> str:
        return f"wordpress: {self._type.post_type} {plan.key}"


def _says_stop(answer: Answer) -> bool:
    return answer.status in (401, 403) or answer.code == "rest_no_route"

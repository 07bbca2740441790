"""WordPress over its REST API: what the site has is read whole, and only what differs is written.

Measured on WordPress 6.1.9 and 7.1: an error answer does not mean that nothing was written, a wrong
password may read as an anonymous 200, unknown names are ignored without a word.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from integrator.domain.courses import Trainer
from integrator.errors import Refused
from integrator.systems.http import Http, Reply
from integrator.systems.wordpress.api import Api
from integrator.systems.wordpress.fields import PostType, SiteMapping, load_fields
from integrator.systems.wordpress.planning import Memory
from integrator.systems.wordpress.requests import Requests
from integrator.systems.wordpress.schema import field_schema
from integrator.systems.wordpress.sender import Posts
from integrator.systems.wordpress.site import Reader
from integrator.systems.wordpress.trainers import Trainers

__all__ = ["Memory", "Posts", "SiteMapping", "WordPress", "load_fields"]

_MOST_PARTS = 25


@dataclass(frozen=True)
class Surveyed:
    """One site as `check` looks at it: what of our types and names ("course.meta.mac_id") is not as we need it."""

    login: str
    roles: list[str]
    types: list[str]
    missing_types: list[str]
    missing_names: list[str]
    unwritable_types: list[str]
    unfed_names: list[str]
    batch_size: int


class WordPress:
    """One site. read() once a run; then main_courses and courses are the senders of their effects."""

    def __init__(self, http: Http, mapping: SiteMapping, *, settle_s: float, batches_at_once: int = 1) -> None:
        self._api = Api(http)
        self._mapping = mapping
        self._settle_s = settle_s
        self._batches_at_once = batches_at_once
        self.senders: dict[str, Posts] = {}

    def read(
        self,
        remembered: Mapping[tuple[str, str], Memory],
        *,
        synced_at: str,
        advance: Callable[[int], None] = lambda number: None,
    ) -> None:
        """Make sure of the credentials and the names we use, then read every post of our types.

        Errors  Refused: not really logged in, a type or a field is not there; Unavailable; BadAnswer
        """
        schemas = self.preflight()
        requests = Requests(self._api, batch_size=self._most_parts(), at_once=self._batches_at_once)
        for kind, post_type in self._mapping.types.items():
            site = Reader(self._api, post_type).read()
            self.senders[kind] = Posts(
                self._api,
                post_type,
                site=site,
                schema=schemas[kind],
                memory={key: memory for (of, key), memory in remembered.items() if of == kind},
                main_post_id=self._main_post_id,
                main_is_trashed=self._main_is_trashed,
                requests=requests,
                settle_s=self._settle_s,
                synced_at=synced_at,
            )
            advance(len(site.posts))

    def preflight(self) -> dict[str, dict[str, Any]]:
        """Check login, types and mapped names; gives back the site's description of each type.

        A wrong password answers lists with 200, as if anonymous: only users/me tells.
        Errors  Refused, with what to do; Unavailable
        """
        self._log_in()
        schemas = {kind: self._schema(post_type) for kind, post_type in self._mapping.types.items()}
        if missing := self._missing(schemas):
            raise Refused(
                f"wordpress: the site does not have {', '.join(missing)}: it would ignore them without a word;"
                " nothing was sent",
                hint="install config/wordpress/ili-courses.php there, or edit config/wordpress.toml",
            )
        return schemas

    def survey(self) -> Surveyed:
        """Look at everything a run relies on, and at all of it even when the first thing is wrong.

        Errors  Refused: not really logged in; Unavailable; BadAnswer
        """
        user = self._log_in()
        types = self._mapping.types
        replies = {kind: self._describe(post_type) for kind, post_type in types.items()}
        there = {kind: reply for kind, reply in replies.items() if not _is_unknown(reply)}
        schemas = {kind: _schema_in(types[kind], reply) for kind, reply in there.items()}
        return Surveyed(
            login=str(user.get("slug")),
            roles=[str(role) for role in user.get("roles") or []],
            types=[post_type.post_type for post_type in types.values()],
            missing_types=[types[kind].post_type for kind in types if kind not in there],
            missing_names=self._missing(schemas),
            # The site leaves out of Allow what this user may not do; an anonymous one sees GET alone.
            unwritable_types=[
                types[kind].post_type for kind, reply in there.items() if "POST" not in reply.headers.get("allow", "")
            ],
            unfed_names=self.unmapped_names(schemas),
            batch_size=self._most_parts(),
        )

    def missing_names(self, post_type: PostType, schema: Mapping[str, Any]) -> list[str]:
        """Mapped targets the site does not offer."""
        targets = dict.fromkeys(field.target for field in (*post_type.owned, *post_type.seeds))
        return [target for target in targets if field_schema(schema, target) is None]

    def unmapped_names(self, schemas: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Fields with our prefix that the site offers and nobody feeds, for the operator's check."""
        found = []
        for kind, post_type in self._mapping.types.items():
            offered = schemas.get(kind, {}).get("properties", {}).get("meta", {}).get("properties", {})
            ours = {field.target.removeprefix("meta.") for field in post_type.owned}
            prefix = post_type.identity.split("_")[0] + "_"
            found += [
                f"{post_type.post_type}.meta.{name}" for name in offered if name.startswith(prefix) and name not in ours
            ]
        return found

    def trainers(self, posts: Mapping[str, int | None]) -> dict[str, list[Trainer]]:
        """The trainers that editors entered for courses, as Trainers.of says.

        Errors  Refused: not really logged in, or the site keeps no trainers; Unavailable; BadAnswer
        """
        self._log_in()
        return Trainers(self._api, self._mapping.types["course"], self._mapping.trainer).of(posts)

    def close(self) -> None:
        self._api.close()

    def _missing(self, schemas: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Mapped names the site does not have, of the types it has: "course.meta.mac_id"."""
        return [
            f"{self._mapping.types[kind].post_type}.{target}"
            for kind, schema in schemas.items()
            for target in self.missing_names(self._mapping.types[kind], schema)
        ]

    def _log_in(self) -> dict[str, Any]:
        query = {"context": "edit", "_fields": "id,slug,roles"}
        reply = self._api.get("/wp/v2/users/me", doing="log in", params=query, ok=(200, 401, 403, 404))
        if reply.status == 404 and self._api.pretty:
            self._api.pretty = False  # a site without pretty permalinks
            reply = self._api.get("/wp/v2/users/me", doing="log in", params=query, ok=(200, 401, 403, 404))
        if reply.status == 404:
            raise Refused(
                "wordpress: log in: there is no REST API under this address (404); nothing was sent",
                hint="check [wordpress] base_url: the address of the site, without /wp-json",
            )
        user = reply.json() if reply.status == 200 else None
        if not isinstance(user, dict):
            raise Refused(
                f"wordpress: log in: the site does not know us ({reply.status}); nothing was sent",
                hint="check [wordpress] username and its application password",
            )
        return user

    def _describe(self, post_type: PostType) -> Reply:
        return self._api.options(
            Reader(self._api, post_type).route, doing=f"describe {post_type.post_type}", ok=(200, 404)
        )

    def _schema(self, post_type: PostType) -> dict[str, Any]:
        reply = self._describe(post_type)
        if _is_unknown(reply):
            raise Refused(
                f"wordpress: the site has no post type {post_type.post_type}; nothing was sent",
                hint="install config/wordpress/ili-courses.php there, or edit config/wordpress.toml",
            )
        return _schema_in(post_type, reply)

    def _most_parts(self) -> int:
        """How many parts a batch may have on this site."""
        answer = self._api.options("/batch/v1", doing="describe the batch", ok=(200, 404)).json()
        try:
            return max(1, min(_MOST_PARTS, int(answer["endpoints"][0]["args"]["requests"]["maxItems"])))
        except (KeyError, IndexError, TypeError, ValueError):
            return 1  # a site without batches: everything goes alone

    def _main_post_id(self, main_id: str) -> int | None:
        return self.senders["main_course"].post_id(main_id)

    def _main_is_trashed(self, main_id: str) -> bool:
        return self.senders["main_course"].is_trashed(main_id)


def _is_unknown(reply: Reply) -> bool:
    """A post type that is not there. WordPress answers OPTIONS of an unknown route with 200 and an empty list."""
    return reply.status == 404 or reply.json() == []


def _schema_in(post_type: PostType, reply: Reply) -> dict[str, Any]:
    answer = reply.json()
    if not isinstance(answer, dict) or not isinstance(answer.get("schema"), dict):
        raise Refused(f"wordpress: describe {post_type.post_type}: the answer has no schema; nothing was sent")
    schema: dict[str, Any] = answer["schema"]
    return schema

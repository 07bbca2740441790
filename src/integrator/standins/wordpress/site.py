"""The site as it is switched now: users, post types, ACF fields and the ways in which it is awkward."""

import base64
import binascii
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from integrator.standins.wordpress.acf import Field
from integrator.standins.wordpress.answers import WpError
from integrator.standins.wordpress.posts import Posts
from integrator.standins.wordpress.types import PostType, registered

PASSWORD = "demo-wordpress-password"  # noqa: S105 - of a stand-in on loopback
_SYNC_CAPS = (
    "read edit_posts edit_others_posts edit_published_posts edit_private_posts publish_posts delete_posts "
    "delete_others_posts delete_published_posts delete_private_posts read_private_posts"
)
_EDITOR_CAPS = f"moderate_comments manage_categories upload_files unfiltered_html {_SYNC_CAPS} edit_pages publish_pages"
_ADMIN_CAPS = f"switch_themes activate_plugins edit_users manage_options import {_EDITOR_CAPS} list_users create_users"
CAPABILITIES = {"course_sync": _SYNC_CAPS, "editor": _EDITOR_CAPS, "administrator": _ADMIN_CAPS}


@dataclass(frozen=True)
class User:
    """Somebody with an application password."""

    id: int
    login: str
    role: str

    @property
    def capabilities(self) -> dict[str, bool]:
        return dict.fromkeys([*CAPABILITIES[self.role].split(), self.role], True)

    @property
    def unfiltered_html(self) -> bool:
        return self.role != "course_sync"


USERS = {user.login: user for user in (User(1, "admin", "administrator"), User(2, "editor", "editor"))}
USERS["sync"] = User(3, "sync", "course_sync")


@dataclass
class Site:
    """Everything a request can meet."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    types: dict[str, PostType] = field(default_factory=registered)
    types_off: set[str] = field(default_factory=set)
    acf: dict[str, dict[str, Field]] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=lambda: dict.fromkeys(USERS, PASSWORD))
    strict_meta: bool = False  # mac_* for the sync only, ed_* for everybody else
    plain_401: bool = False  # wrong credentials are refused instead of being ignored
    mu_plugin: bool = True  # ?mac_id= and the routes of /ili/v1
    trash: bool = True
    batch_max: int = 25
    notices: int = 0  # so many REST answers to come have a PHP warning in front of their JSON
    half_fail: float = 0.0  # share of writes that die with 500 after the post and before its meta
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    frozen: datetime | None = None
    open_forms: dict[int, dict[str, Any]] = field(default_factory=dict)
    posts: Posts = field(init=False)

    def __post_init__(self) -> None:
        self.posts = Posts(lambda: self.frozen or self.clock())

    def type_of(self, name: str) -> PostType | None:
        return None if name in self.types_off else self.types.get(name)

    def user_of(self, authorization: str) -> User | None:
        """Who asks. None is anonymous, which is also what wrong credentials are on a plain site.

        Errors: WpError 401 when `plain_401` is on.
        """
        login, password = _basic(authorization)
        if not login:
            return None
        user = USERS.get(login)
        if user and password.replace(" ", "") == self.passwords[login].replace(" ", ""):
            return user
        if not self.plain_401:
            return None
        if user is None:
            message = "<strong>Error:</strong> Unknown username. Check again or try your email address."
            raise WpError("invalid_username", message, 401)
        raise WpError("incorrect_password", "The provided password is an invalid application password.", 401)


def _basic(authorization: str) -> tuple[str, str]:
    kind, _, text = authorization.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        login, colon, password = base64.b64decode(text, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return (login, password) if colon else ("", "")

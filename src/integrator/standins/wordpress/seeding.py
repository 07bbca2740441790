"""The control port's settings: posts that are there already, editors at work, and the site's awkward switches.

| setting | value | effect |
|---|---|---|
| strict_meta | bool | mac_* for the sync only, ed_* for everybody else; else 403, the post being stored |
| plain_401 | bool | wrong credentials are 401 everywhere instead of being read as anonymous |
| mu_plugin | bool | `?mac_id=` and /ili/v1 are there (true at the start) |
| trash | bool | false: DELETE without force is 501 |
| batch_max, notices | number | parts of a batch; REST answers to come with a PHP warning in front |
| half_fail | share | writes that die with 500 after the post and before its meta |
| now | ISO time, null | the site's clock stands there, or runs |
| danish_slugs | bool | æøå become ae, oe, aa |
| passwords | {login: password} | of sync, editor, admin |
| acf | true, {type: {name: field}} | field: type, enum, required, default, to, fields |
| next_id | number | of the next post |
| posts | list | as stored: type, id, slug, status, title, content, excerpt, meta, acf, date, modified |
| types_off | list | these types, and no others, are missing |
| meta_off | {type: keys} | registered no more |
| edit, delete | {"post": id, "as": "editor", …} or a list | somebody at work, by his own rights |
| open_form, press_update | id | an editor's edit page with the ACF values of when it was opened |
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from integrator.standins.wordpress import acf, meta, rest
from integrator.standins.wordpress.answers import Call, Fatal
from integrator.standins.wordpress.arguments import STATUSES
from integrator.standins.wordpress.dates import both, parsed
from integrator.standins.wordpress.posts import TRASHED, UNDATED, Post
from integrator.standins.wordpress.site import USERS, Site

SWITCHES = {"strict_meta": bool, "plain_401": bool, "mu_plugin": bool, "trash": bool, "batch_max": int, "notices": int}
Effects = list[dict[str, Any]]


def seed(site: Site, settings: dict[str, Any], effects: Effects) -> dict[str, Any]:
    """Put the site into a state. Switches come first, then posts, then what editors do.

    Shape   {"posts": [{"type": "course_date", "slug": "cd-1", "meta": {…}}], "strict_meta": true, …}
    Errors  ValueError for an unknown setting, post type, key or status; nothing is changed by an unknown setting
    """
    if unknown := set(settings) - set(SWITCHES) - set(_ACTIONS):
        raise ValueError(f"wordpress knows no {sorted(unknown)}; known: {sorted([*SWITCHES, *_ACTIONS])}")
    done: dict[str, Any] = {}
    for name, kind in SWITCHES.items():
        if name in settings:
            if not isinstance(settings[name], kind):
                raise ValueError(f"{name}: expected {kind.__name__}, got {settings[name]!r}")
            setattr(site, name, settings[name])
            done[name] = settings[name]
    for name, act in _ACTIONS.items():
        if name in settings:
            done[name] = act(site, settings[name], effects)
    return done


def _now(site: Site, value: Any, effects: Effects) -> Any:
    """The site's clock stands at this moment; null lets it run."""
    site.frozen = None if value is None else datetime.fromisoformat(value).astimezone(UTC)
    return value


def _half_fail(site: Site, value: Any, effects: Effects) -> float:
    site.half_fail = float(value)
    return site.half_fail


def _danish_slugs(site: Site, value: Any, effects: Effects) -> bool:
    site.posts.danish_slugs = bool(value)
    return bool(value)


def _passwords(site: Site, value: dict[str, str], effects: Effects) -> list[str]:
    if unknown := set(value) - set(USERS):
        raise ValueError(f"no users {sorted(unknown)}; known: {sorted(USERS)}")
    site.passwords |= value
    return sorted(value)


def _types_off(site: Site, value: list[str], effects: Effects) -> list[str]:
    """Exactly these types are missing from the site now."""
    for name in value:
        _known_type(site, name)
    site.types_off = set(value)
    return value


def _known_type(site: Site, name: str) -> str:
    if name not in site.types:
        raise ValueError(f"no post type {name!r}; known: {sorted(site.types)}")
    return name


def _meta_off(site: Site, value: dict[str, list[str]], effects: Effects) -> dict[str, list[str]]:
    """These keys are registered no more: swallowed on writing, absent on reading; what was stored stays stored."""
    for name, keys in value.items():
        kind = site.types[_known_type(site, name)]
        if unknown := set(keys) - {key.name for key in kind.meta}:
            raise ValueError(f"{name} has no meta keys {sorted(unknown)}")
        kind.meta = [key for key in kind.meta if key.name not in keys]
    return value


def _acf(site: Site, value: Any, effects: Effects) -> dict[str, list[str]]:
    """ACF field groups by post type; true: those of the recorded site."""
    if value is True:
        site.acf = acf.demo_fields()
    else:
        site.acf = {
            _known_type(site, kind): {name: acf.field_from(name, spec) for name, spec in group.items()}
            for kind, group in value.items()
        }
    return {kind: list(group) for kind, group in site.acf.items()}


def _next_id(site: Site, value: int, effects: Effects) -> int:
    site.posts.skip_to(value)
    return value


def _posts(site: Site, value: list[dict[str, Any]], effects: Effects) -> list[int]:
    return [_post(site, dict(facts)) for facts in value]


def _post(site: Site, facts: dict[str, Any]) -> int:
    """A post as it stands in the database, without WordPress' care: slugs may be double, text may be anything."""
    post = site.posts.new(_known_type(site, facts.pop("type", "course_date")))
    post.id = facts.pop("id", None) or site.posts.next_id()
    if site.posts.get(post.id):
        raise ValueError(f"there is a post {post.id} already")
    post.status = facts.pop("status", "publish")
    if post.status not in [*STATUSES, "trash"]:
        raise ValueError(f"no status {post.status!r}")
    _dates(post, facts)
    kind = site.types[post.type]
    for name, stored in facts.pop("meta", {}).items():
        key = kind.key(name)
        if key is None:
            raise ValueError(f"{post.type} has no meta key {name!r}")
        post.meta[name] = meta.as_seeded(key, stored)
    acf.write(site.acf.get(post.type, {}), facts.pop("acf", {}), post.acf, [])
    for name in ("title", "content", "excerpt"):
        setattr(post, name, facts.pop(name, ""))
    post.slug = facts.pop("slug", "" if post.status in UNDATED else site.posts.slug_from(post.title) or str(post.id))
    if post.status == "trash" and not post.slug.endswith(TRASHED):
        post.wanted_slug, post.slug = post.slug, post.slug + TRASHED
    if facts:
        raise ValueError(f"a post has no {sorted(facts)}")
    post.guid = post.path
    site.posts.put(post)
    return post.id


def _dates(post: Post, facts: dict[str, Any]) -> None:
    moment = parsed(facts.pop("date", "") or "")
    if moment:
        local, gmt = both(moment)
        post.date, post.date_gmt = local, None if post.status in UNDATED else gmt
    elif post.status not in UNDATED:
        post.date, post.date_gmt = both(post.date)
    changed = parsed(facts.pop("modified", "") or "")
    post.modified, post.modified_gmt = both(changed) if changed else (post.date, post.date_gmt)


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _edit(site: Site, value: Any, effects: Effects) -> list[int]:
    """Somebody changes posts from outside, through WordPress' own update: {"post": 5, "as": "editor", "title": …}."""
    return [_change(site, "POST", dict(facts), effects) for facts in _each(value)]


def _delete(site: Site, value: Any, effects: Effects) -> list[int]:
    """Somebody trashes posts, or deletes them with "force": true."""
    facts = [one if isinstance(one, dict) else {"post": one} for one in _each(value)]
    return [_change(site, "DELETE", dict(one), effects) for one in facts]


def _change(site: Site, method: str, facts: dict[str, Any], effects: Effects) -> int:
    post, login = _existing(site, facts.pop("post")), facts.pop("as", "editor")
    if login not in USERS:
        raise ValueError(f"no user {login!r}; known: {sorted(USERS)}")
    call = Call(method, f"/wp/v2/{post.type}/{post.id}", USERS[login], "", {}, facts, effects=effects)
    try:
        reply = rest.carried_out(site, call)
    except Fatal as error:
        raise ValueError(f"post {post.id}: the site died, as half_fail wants it") from error
    if reply.status >= 400:
        raise ValueError(f"post {post.id}: {reply.status} {reply.body}")
    return post.id


def _existing(site: Site, post_id: Any) -> Post:
    post = site.posts.get(int(post_id))
    if post is None:
        raise ValueError(f"no post {post_id}")
    return post


def _open_form(site: Site, value: Any, effects: Effects) -> list[int]:
    """An editor opens the edit page: from now on the page holds the ACF values and the title of this moment."""
    for one in _each(value):
        post = _existing(site, one)
        values = acf.read(site.acf.get(post.type, {}), post.acf)
        site.open_forms[post.id] = {"title": post.title, "acf": values}
    return [int(one) for one in _each(value)]


def _press_update(site: Site, value: Any, effects: Effects) -> list[int]:
    """The editor presses Update: the whole form is posted. Registered meta is not in the form and stays.

    Shape   5, or {"post": 5, "title": "…", "acf": {…}} with what the editor has typed
    """
    done = []
    for one in _each(value):
        typed = dict(one) if isinstance(one, dict) else {"post": one}
        post = _existing(site, typed.pop("post"))
        form = site.open_forms.pop(post.id, None)
        if form is None:
            raise ValueError(f"the form of post {post.id} is not open")
        sent = {**form, **typed, "acf": {**form["acf"], **typed.get("acf", {})}}
        done.append(_change(site, "POST", {"post": post.id, **sent}, effects))
    return done


_ACTIONS: dict[str, Callable[[Site, Any, Effects], Any]] = {
    "now": _now,
    "half_fail": _half_fail,
    "danish_slugs": _danish_slugs,
    "passwords": _passwords,
    "types_off": _types_off,
    "acf": _acf,
    "next_id": _next_id,
    "posts": _posts,
    "meta_off": _meta_off,
    "edit": _edit,
    "delete": _delete,
    "open_form": _open_form,
    "press_update": _press_update,
}


def state(site: Site) -> dict[str, Any]:
    """Everything that is stored, the trash included; meta and acf as they are stored, without defaults."""
    return {"posts": [_stored(post) for post in site.posts], "types_off": sorted(site.types_off)}


def _stored(post: Post) -> dict[str, Any]:
    names = ("id", "type", "status", "slug", "title", "content", "excerpt", "meta", "acf")
    facts = {name: vars(post)[name] for name in names}
    times = {"date": post.date.isoformat(), "modified": post.modified.isoformat()}
    return {**facts, **times, "revisions": len(post.revisions)}

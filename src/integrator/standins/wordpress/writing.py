"""POST, PUT, PATCH and DELETE on posts, in WordPress' order: the post first, then its meta, then ACF."""

from collections.abc import Callable
from copy import copy
from typing import Any

from integrator.standins.wordpress import acf, meta
from integrator.standins.wordpress.answers import Call, Fatal, Reply, WpError
from integrator.standins.wordpress.dates import both, parsed
from integrator.standins.wordpress.kses import IN_TITLES, kses, with_noopener
from integrator.standins.wordpress.posts import Post
from integrator.standins.wordpress.reading import find, shown
from integrator.standins.wordpress.schema import clean
from integrator.standins.wordpress.site import Site
from integrator.standins.wordpress.types import PostType

Effect = dict[str, Any]


def create(site: Site, call: Call, kind: PostType) -> Reply:
    """POST on a type: 201, or an error, after which the post may be there all the same."""
    if not call.user:
        raise WpError("rest_cannot_create", "Sorry, you are not allowed to create posts as this user.", 401)
    if call.params.get("id"):
        raise WpError("rest_post_exists", "Cannot create existing post.", 400)
    post = site.posts.new(kind.name)
    _prepare(site, call, kind, post, str(call.params.get("status") or ""))
    if kind.needs_content and not any(post.texts):
        raise WpError("empty_content", "Content, title, and excerpt are empty.", 400)
    site.posts.save(post, None)
    _rest(site, call, post, "created")
    location = {"Location": call.url(f"/wp/v2/{kind.name}/{post.id}")}
    return Reply(201, shown(site, call, post, context="edit"), location)


def update(site: Site, call: Call, kind: PostType) -> Reply:
    """POST, PUT and PATCH on a post are the same: what is named changes, the rest stays, `modified` is set."""
    before = find(site, call, kind)
    if not call.user:
        raise WpError("rest_cannot_edit", "Sorry, you are not allowed to edit this post.", 401)
    post = copy(before)
    status = call.params.get("status") or before.status
    _prepare(site, call, kind, post, str(status))
    if kind.needs_content and not any(post.texts):
        raise WpError("empty_content", "Content, title, and excerpt are empty.", 400)
    site.posts.save(post, before)
    if "revisions" in kind.supports:
        site.posts.revise(post)
    restored = before.status == "trash" and post.status != "trash"
    _rest(site, call, post, "restored" if restored else "updated", _different(before, post))
    return Reply(200, shown(site, call, post, context="edit"))


def _different(before: Post, post: Post) -> list[str]:
    return [
        name for name in ("title", "content", "excerpt", "status", "slug") if vars(before)[name] != vars(post)[name]
    ]


def _rest(site: Site, call: Call, post: Post, what: str, changed: list[str] | None = None) -> None:
    """What comes after the post itself is stored. Any error here leaves a half-written post behind."""
    changed = changed if changed is not None else []
    effect = {"what": what, "post": post.id, "type": post.type, "slug": post.slug, "status": post.status}
    try:
        if site.half_fail and site.chance.random() < site.half_fail:
            raise Fatal
        values = call.params.get("meta")
        if site.types[post.type].has_meta and isinstance(values, dict):
            meta.write(site, call, post, values, changed)
        acf.write(site.acf.get(post.type, {}), call.params.get("acf"), post.acf, changed)
    except (WpError, Fatal):
        effect["half"] = True
        raise
    finally:
        by = call.user.login if call.user else ""
        call.effects.append({**effect, "mac_id": post.meta.get("mac_id", ""), "keys": changed, "by": by})


def _prepare(site: Site, call: Call, kind: PostType, post: Post, slug_status: str) -> None:
    """Put the named fields into the post, and clean ALL its texts by the rights of who saves it.

    The cleaning meets texts that the request does not name, too: WordPress saves a post as a whole. An update of a
    meta key by a user without unfiltered_html takes the editor's iframe out of the content (seen on 6.1.9).
    """
    params = call.params
    for name, support in (("title", "title"), ("content", "editor"), ("excerpt", "excerpt")):
        if support in kind.supports and (text := _raw(params.get(name))) is not None:
            setattr(post, name, text)
    clean_texts(call, post)
    if params.get("status"):
        post.status = params["status"]
    if (slug := params.get("slug")) is not None:
        post.slug = site.posts.slug_from(slug)
        if slug_status in {"draft", "pending"}:
            post.slug = site.posts.unique(post.slug, post, "publish")
    post.password = str(params.get("password") or post.password)
    _date(params, post)


def _raw(value: Any) -> str | None:
    """ "text" and {"raw": "text"}; anything else is not read, and not refused either."""
    if isinstance(value, dict) and "raw" in value:
        return str(value["raw"])
    return value if isinstance(value, str) else None


def clean_texts(call: Call, post: Post) -> None:
    """What WordPress does to a post's texts each time it is saved."""
    free = call.user is not None and call.user.unfiltered_html
    cleaned: Callable[[str], str] = (lambda text: text) if free else kses
    post.title = (post.title if free else kses(post.title, IN_TITLES)).strip(
        " \t\n\r\0\x0b" if not free else " \t\n\r\x0b"
    )
    post.content = with_noopener(cleaned(post.content))
    post.excerpt = with_noopener(cleaned(post.excerpt))


def _date(params: dict[str, Any], post: Post) -> None:
    for name in ("date_gmt", "date"):  # `date` wins when both are named
        if name in params and params[name] is None:
            post.date_gmt = None
        elif moment := parsed(str(params.get(name) or "")):
            post.date, post.date_gmt = both(moment, gmt=name == "date_gmt")


def delete(site: Site, call: Call, kind: PostType) -> Reply:
    """DELETE: into the trash, or with force for good."""
    before = find(site, call, kind)
    if not call.user:
        raise WpError("rest_cannot_delete", "Sorry, you are not allowed to delete this post.", 401)
    force = clean(call.params.get("force", False), {"type": "boolean"})
    if not force and not site.trash:
        message = "The post does not support trashing. Set 'force=true' to delete."
        raise WpError("rest_trash_not_supported", message, 501)
    if not force and before.status == "trash":
        raise WpError("rest_already_trashed", "The post has already been deleted.", 410)
    if force:
        previous = shown(site, call, before, context="edit")
        previous.pop("_links", None)
        site.posts.remove(before)
        _note(call, before, "deleted")
        return Reply(200, {"deleted": True, "previous": previous})
    post = copy(before)
    post.status = "trash"
    clean_texts(call, post)
    site.posts.save(post, before)
    if "revisions" in kind.supports:
        site.posts.revise(post)
    _note(call, post, "trashed")
    return Reply(200, shown(site, call, post, context="edit"))


def _note(call: Call, post: Post, what: str) -> None:
    facts: Effect = {"what": what, "post": post.id, "type": post.type, "slug": post.slug, "status": post.status}
    by = call.user.login if call.user else ""
    call.effects.append({**facts, "mac_id": post.meta.get("mac_id", ""), "keys": ["status", "slug"], "by": by})

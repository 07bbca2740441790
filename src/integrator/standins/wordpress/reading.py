"""GET on posts: one post as JSON, and the lists with their filters, orders and pages."""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote_plus

from integrator.standins.wordpress import acf, meta
from integrator.standins.wordpress.answers import Call, Json, Reply, WpError, invalid_id, only
from integrator.standins.wordpress.dates import both, parsed, to_gmt, to_local, written
from integrator.standins.wordpress.display import paragraphs, texturized
from integrator.standins.wordpress.posts import Post
from integrator.standins.wordpress.schema import list_of
from integrator.standins.wordpress.site import Site
from integrator.standins.wordpress.slugs import slug_of
from integrator.standins.wordpress.types import PostType

EMBEDDED = {"id", "date", "slug", "type", "link", "title", "excerpt", "featured_media", "acf"}
EDIT_ONLY = {"password", "permalink_template", "generated_slug"}


def shown(site: Site, call: Call, post: Post, *, context: str = "", embed_links: bool = True) -> dict[str, Any]:
    """One post as the REST API gives it, cut down to `_fields` at the top level (the parts are cut by `only`)."""
    context = context or call.context
    wanted = call.wanted
    makers = _makers(site, call, post, context == "edit")
    body: dict[str, Any] = {}
    for name, make in makers.items():
        if (wanted is not None and name not in wanted and name != "id") or (context != "edit" and name in EDIT_ONLY):
            continue
        if context != "embed" or name in EMBEDDED:
            body[name] = make()
    links = _links(site, call, post, context) if wanted is None or "_links" in wanted else {}
    if embed_links and (related := acf.related(site.acf.get(post.type, {}), post.acf, site.posts)):
        refs = [{"embeddable": True, "href": call.url(f"/wp/v2/{kind}/{post_id}")} for kind, post_id in related]
        links["acf:post"] = refs
    if links:
        body["_links"] = links
    return body


def cut_to_fields(call: Call, body: Json) -> Json:
    """`_fields` over the whole answer."""
    tree = call.wanted
    if isinstance(body, list):
        return [cut_to_fields(call, item) for item in body]
    if tree is not None and isinstance(body, dict) and _keeps_links(call, body):
        kept = only(body, tree)
        return {**(kept or {}), "_links": body["_links"]}
    return only(body, tree)


def _keeps_links(call: Call, body: dict[str, Any]) -> bool:
    """ACF adds its links after `_fields` has worked; the upsert hands on an answer that was linked before."""
    return "acf:post" in body.get("_links", {}) or call.route.startswith("/ili/v1/")


def _makers(site: Site, call: Call, post: Post, edit: bool) -> dict[str, Callable[[], Any]]:
    kind = site.types[post.type]

    def text(raw: str, rendered: str, **more: Any) -> dict[str, Any]:
        return {**({"raw": raw} if edit else {}), "rendered": rendered, **more}

    makers: dict[str, Callable[[], Any]] = {
        "id": lambda: post.id,
        "date": lambda: written(post.date),
        "date_gmt": lambda: written(post.date_gmt or to_gmt(post.date)),
        "guid": lambda: text(call.base + post.guid, call.base + post.guid),
        "modified": lambda: written(post.modified),
        "modified_gmt": lambda: written(post.modified_gmt or to_gmt(post.modified)),
        "password": lambda: post.password,
        "slug": lambda: post.slug,
        "status": lambda: post.status,
        "type": lambda: post.type,
        "link": lambda: call.base + post.path,
        "title": lambda: text(post.title, texturized(post.title)),
    }
    if "editor" in kind.supports:
        version = {"block_version": 0} if edit else {}
        makers["content"] = lambda: text(post.content, _rendered(post.content), protected=False, **version)
    if "excerpt" in kind.supports:
        summary = post.excerpt or post.content
        makers["excerpt"] = lambda: text(post.excerpt, _rendered(summary), protected=False)
    if "thumbnail" in kind.supports:
        makers["featured_media"] = lambda: 0
    makers["template"] = lambda: ""
    if kind.has_meta:
        makers["meta"] = lambda: meta.read(kind.meta, post, edit=edit)
    makers["permalink_template"] = lambda: f"{call.base}/{post.type}/%pagename%/"
    makers["generated_slug"] = lambda: site.posts.slug_from(post.title) or str(post.id)
    if fields := site.acf.get(post.type):
        shown_at = to_local(site.posts.now()) if call.params.get("acf_format") == "standard" else None
        makers["acf"] = lambda: acf.read(fields, post.acf, shown_at=shown_at)
    return makers


def _rendered(text: str) -> str:
    return texturized(paragraphs(text))


def _links(site: Site, call: Call, post: Post, context: str) -> dict[str, Any]:
    own = call.url(f"/wp/v2/{post.type}/{post.id}")
    links: dict[str, Any] = {
        "self": [{"href": own}],
        "collection": [{"href": call.url(f"/wp/v2/{post.type}")}],
        "about": [{"href": call.url(f"/wp/v2/types/{post.type}")}],
    }
    if "revisions" in site.types[post.type].supports:
        links["version-history"] = [{"count": len(post.revisions), "href": f"{own}/revisions"}]
        if post.revisions:
            last = post.revisions[-1][0]
            links["predecessor-version"] = [{"id": last, "href": f"{own}/revisions/{last}"}]
    links["wp:attachment"] = [{"href": call.url(f"/wp/v2/media?parent={post.id}")}]
    if context == "edit" and call.user:
        links["wp:action-publish"] = [{"href": own}]
        if call.user.unfiltered_html:
            links["wp:action-unfiltered-html"] = [{"href": own}]
    links["curies"] = [{"name": "wp", "href": "https://api.w.org/{rel}", "templated": True}]
    return links


def get(site: Site, call: Call, kind: PostType) -> Reply:
    """GET on one post."""
    post = find(site, call, kind)
    if call.context == "edit" and not call.user:
        raise WpError("rest_forbidden_context", "Sorry, you are not allowed to edit this post.", 401)
    if post.status != "publish" and not call.user:
        raise WpError("rest_forbidden", "Sorry, you are not allowed to do that.", 401)
    link = f'<{call.base}{post.path}>; rel="alternate"; type=text/html'
    return Reply(200, shown(site, call, post), {"Link": link})


def find(site: Site, call: Call, kind: PostType) -> Post:
    """The post that the request is about. An id in the body wins over the one in the path, as in WordPress."""
    number = call.params.get("id")
    post = site.posts.get(int(number)) if isinstance(number, int | str) and str(number).isdigit() else None
    if post is None or post.type != kind.name:
        raise invalid_id()
    return post


def listed(site: Site, call: Call, kind: PostType) -> Reply:
    """GET on a type: filtered, ordered, one page of it."""
    if call.context == "edit" and not call.user:
        message = "Sorry, you are not allowed to edit posts in this post type."
        raise WpError("rest_forbidden_context", message, 401)
    params = call.params
    size, page = int(params.get("per_page", 10)), int(params.get("page", 1))
    found = _ordered(call, _filtered(site, call, kind), size, page)
    pages = -(-len(found) // size)
    if page > pages and found:
        message = "The page number requested is larger than the number of pages available."
        raise WpError("rest_post_invalid_page_number", message, 400)
    start = int(params["offset"]) if "offset" in params else (page - 1) * size
    if start >= len(found):
        found, pages = [], 0
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)} | _neighbours(call, page, pages)
    return Reply(200, [shown(site, call, post) for post in found[start : start + size]], headers)


def _neighbours(call: Call, page: int, pages: int) -> dict[str, str]:
    links = [(page - 1, "prev")] if page > 1 else []
    links += [(page + 1, "next")] if page < pages else []
    return {"Link": ", ".join(f'<{_page_url(call, number)}>; rel="{rel}"' for number, rel in links)} if links else {}


def _page_url(call: Call, page: int) -> str:
    parts: list[str] = []
    for name, value in {**call.query, "page": page}.items():
        values = list_of(value) if name in {"status", "slug", "include", "exclude", "mac_id"} else None
        pairs = [(name, value)] if values is None else [(f"{name}[{n}]", one) for n, one in enumerate(values)]
        parts += [f"{quote_plus(key)}={quote_plus(str(one))}" for key, one in pairs]
    return f"{call.url(call.route)}?{'&'.join(parts)}"


def statuses_of(call: Call) -> list[str]:
    return [str(status) for status in list_of(call.params.get("status", "publish")) or []] or ["publish"]


def _filtered(site: Site, call: Call, kind: PostType) -> list[Post]:
    params, statuses = call.params, set(statuses_of(call))
    slugs = [slug_of(str(slug).replace("/", "")) for slug in list_of(params.get("slug")) or []]
    if slugs:
        posts = [post for slug in dict.fromkeys(slugs) for post in site.posts.with_slug(kind.name, slug)]
    else:
        posts = site.posts.of_type(kind.name)
    tests = [*_tests(site, params)]
    anything = "any" in statuses
    return [
        post
        for post in posts
        if (post.status in statuses or (anything and post.status != "trash")) and all(test(post) for test in tests)
    ]


def _tests(site: Site, params: dict[str, Any]) -> list[Callable[[Post], bool]]:
    tests: list[Callable[[Post], bool]] = []
    if include := {int(one) for one in list_of(params.get("include")) or []}:
        tests.append(lambda post: post.id in include)
    if exclude := {int(one) for one in list_of(params.get("exclude")) or []}:
        tests.append(lambda post: post.id not in exclude)
    if words := str(params.get("search", "")).lower().split():
        tests.append(lambda post: all(any(word in text.lower() for text in post.texts) for word in words))
    if site.mu_plugin and (ids := set(list_of(params.get("mac_id")) or [])):
        tests.append(lambda post: post.meta.get("mac_id") in ids)
    for name, holds in _DATE_TESTS.items():
        if moment := parsed(str(params.get(name, ""))):
            tests.append(partial(holds, moment=both(moment)[0]))
    return tests


_DATE_TESTS: dict[str, Callable[..., bool]] = {
    "after": lambda post, moment: post.date > moment,
    "before": lambda post, moment: post.date < moment,
    "modified_after": lambda post, moment: post.modified > moment,
    "modified_before": lambda post, moment: post.modified < moment,
}


def _ordered(call: Call, posts: list[Post], size: int, page: int) -> list[Post]:
    params = call.params
    by, down = params.get("orderby", "date"), params.get("order", "desc") == "desc"
    if by in {"relevance"} and not params.get("search"):
        message = "You need to define a search term to order by relevance."
        raise WpError("rest_no_search_term_defined", message, 400)
    if by == "include":
        wanted = [int(one) for one in list_of(params.get("include")) or []]
        return sorted(posts, key=lambda post: wanted.index(post.id) if post.id in wanted else len(wanted))
    if by == "include_slugs":
        return posts
    if by in {"date", "modified", "relevance"}:
        return _by_moment(posts, "modified" if by == "modified" else "date", down, size, page)
    keys: dict[str, Callable[[Post], Any]] = {
        "title": lambda post: (post.title.casefold(), post.id),
        "slug": lambda post: (post.slug, post.id),
    }
    return sorted(posts, key=keys.get(str(by), lambda post: post.id), reverse=down)


def _by_moment(posts: list[Post], name: str, down: bool, size: int, page: int) -> list[Post]:
    """By a time. Equal ones have no order of their own: page 1 and page 2 take them differently, so one comes twice."""
    first_of_many = page == 1 and len(posts) > size
    posts = sorted(posts, key=lambda post: (post.status, post.id), reverse=first_of_many)
    return sorted(posts, key=lambda post: getattr(post, name), reverse=down)

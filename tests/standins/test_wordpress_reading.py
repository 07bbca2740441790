"""The traps of reading from WordPress, of its log-in, and of what it says about itself."""

import pytest

from .wordpress_replay import START, Site, json_of

LIST = "/wp-json/wp/v2/course_date"
ME = "/wp-json/wp/v2/users/me?context=edit"


def _site(count: int = 5, **seed: object) -> Site:
    stamp = START.replace(tzinfo=None).isoformat()
    posts = [{"slug": f"cd-{n}", "title": f"Hold {n}", "date": stamp, "meta": {"mac_id": str(n)}} for n in range(count)]
    return Site(posts=posts, **seed)


@pytest.mark.parametrize(("user", "password"), [("sync", "forkert"), ("ukendt", "forkert"), (None, "")])
def test_wrong_credentials_read_as_anonymous(user: str | None, password: str) -> None:
    site = Site(posts=[{"slug": "a"}, {"slug": "b", "status": "draft", "title": "Kladde"}])
    how = {"user": user, "password": password}

    assert [post["slug"] for post in json_of(site.ask("GET", LIST, **how))] == ["a"]
    assert json_of(site.ask("GET", ME, **how))["code"] == "rest_not_logged_in"
    refused = site.ask("POST", LIST, {"title": "x"}, **how)
    assert (refused.status, json_of(refused)["code"]) == (401, "rest_cannot_create")
    assert site.ask("GET", f"{LIST}?status=any", **how).status == 400


def test_a_plain_site_refuses_wrong_credentials_everywhere() -> None:
    site = Site(plain_401=True)

    assert json_of(site.ask("GET", LIST, password="forkert"))["code"] == "incorrect_password"
    assert json_of(site.ask("GET", LIST, user="ukendt"))["code"] == "invalid_username"
    assert site.ask("GET", LIST, user=None).status == 200


def test_blanks_in_the_application_password_do_not_matter() -> None:
    site = Site(passwords={"sync": "abcd EFGH 1234"})

    assert site.ask("GET", ME, password="ab cdEFGH1234").status == 200
    assert site.ask("GET", ME, password="abcdefgh1234").status == 401


def test_the_roles_differ_in_unfiltered_html() -> None:
    site = Site()
    rights = {user: json_of(site.ask("GET", ME, user=user))["capabilities"] for user in ("sync", "editor", "admin")}

    assert {user: "unfiltered_html" in held for user, held in rights.items()} == {
        "sync": False,
        "editor": True,
        "admin": True,
    }


def test_the_default_order_gives_one_post_twice_and_misses_another() -> None:
    site = _site(6)
    by_date = [post["id"] for page in (1, 2) for post in json_of(site.ask("GET", f"{LIST}?per_page=3&page={page}"))]
    steady = f"{LIST}?per_page=3&orderby=id&order=asc"
    by_id = [post["id"] for page in (1, 2) for post in json_of(site.ask("GET", f"{steady}&page={page}"))]

    assert len(set(by_date)) < 6
    assert by_id == [post["id"] for post in site.posts()]


def test_a_post_deleted_during_a_walk_makes_another_one_be_skipped() -> None:
    site = _site(4)
    walk = f"{LIST}?per_page=2&orderby=id&order=asc"
    first = site.ask("GET", f"{walk}&page=1")
    site.standin.seed({"delete": {"post": site.posts()[0]["id"], "force": True}})
    second = site.ask("GET", f"{walk}&page=2")

    assert [post["slug"] for post in json_of(first) + json_of(second)] == ["cd-0", "cd-1", "cd-3"]
    assert (first.headers["X-WP-Total"], second.headers["X-WP-Total"]) == ("4", "3")


def test_a_page_past_the_end_and_a_page_too_long_are_errors() -> None:
    site = _site(2)

    assert json_of(site.ask("GET", f"{LIST}?page=2"))["code"] == "rest_post_invalid_page_number"
    assert json_of(site.ask("GET", f"{LIST}?per_page=101"))["code"] == "rest_invalid_param"
    assert json_of(Site().ask("GET", f"{LIST}?page=2")) == []


def test_unknown_filters_are_ignored_and_all_posts_come_back() -> None:
    site = _site(3, mu_plugin=False)

    for query in ("meta_key=mac_id&meta_value=1", "filter[meta_key]=mac_id", "acf[x]=1", "mac_id=1"):
        assert len(json_of(site.ask("GET", f"{LIST}?{query}"))) == 3


def test_the_look_up_filter_is_there_only_with_the_plugin() -> None:
    assert [post["slug"] for post in json_of(_site(3).ask("GET", f"{LIST}?mac_id=1"))] == ["cd-1"]
    assert _site(3, mu_plugin=False).ask("GET", "/wp-json/ili/v1/index?type=course_date").status == 404


def test_any_does_not_mean_the_trash() -> None:
    site = Site(posts=[{"slug": "a"}, {"slug": "b", "status": "trash"}, {"slug": "c", "status": "private"}])

    assert {post["slug"] for post in json_of(site.ask("GET", f"{LIST}?status=any"))} == {"a", "c"}
    assert {post["slug"] for post in json_of(site.ask("GET", f"{LIST}?status=trash"))} == {"b__trashed"}
    assert json_of(site.ask("GET", f"{LIST}?slug=b&status=trash")) == []


def test_raw_values_come_only_with_context_edit() -> None:
    site = Site(posts=[{"id": 9, "type": "course", "title": 'A & "B"', "content": "x"}])
    view = json_of(site.ask("GET", "/wp-json/wp/v2/course/9"))
    edit = json_of(site.ask("GET", "/wp-json/wp/v2/course/9?context=edit"))

    assert view["title"] == {"rendered": "A &#038; &#8220;B&#8221;"}
    assert edit["title"]["raw"] == 'A & "B"'
    assert edit["content"]["rendered"] == "<p>x</p>\n"


def test_fields_cut_the_answer_and_an_empty_object_is_a_list() -> None:
    site = _site(1)
    path = f"{LIST}?context=edit&_fields="

    assert json_of(site.ask("GET", f"{path}meta.mac_id,title.raw")) == [
        {"title": {"raw": "Hold 0"}, "meta": {"mac_id": "0"}}
    ]
    assert json_of(site.ask("GET", f"{path}nope")) == [[]]


def test_zero_and_not_known_read_the_same() -> None:
    site = Site(posts=[{"id": 9}, {"id": 10, "meta": {"mac_seats_free": 0}}])
    both = [json_of(site.ask("GET", f"{LIST}/{post}?_fields=meta.mac_seats_free")) for post in (9, 10)]

    assert both[0] == both[1] == {"meta": {"mac_seats_free": 0}}


def test_a_site_without_pretty_addresses_answers_rest_route() -> None:
    site = _site(1)

    assert json_of(site.ask("GET", "/?rest_route=/wp/v2/course_date&_fields=slug")) == [{"slug": "cd-0"}]


def test_options_shows_the_registered_keys_and_fields() -> None:
    site = Site(acf={"course_date": {"ledige": {"type": "integer"}, "sprog": {"enum": ["da", "en"]}}})
    fields = json_of(site.ask("OPTIONS", LIST))["schema"]["properties"]

    assert fields["meta"]["properties"]["mac_seats_free"] == {"type": "integer", "description": "", "default": 0}
    assert next(iter(fields["meta"]["properties"])) == "mac_id"
    assert "hidden_key" not in fields["meta"]["properties"]
    assert fields["acf"]["properties"]["sprog"]["enum"] == ["da", "en"]
    assert "meta" not in json_of(site.ask("OPTIONS", "/wp-json/wp/v2/nometa"))["schema"]["properties"]


def test_a_type_that_is_switched_off_has_no_route_but_answers_options_with_nothing() -> None:
    site = _site(1, types_off=["course_date"])

    assert json_of(site.ask("GET", LIST))["code"] == "rest_no_route"
    assert site.ask("GET", "/wp-json/wp/v2/types/course_date").status == 404
    options = site.ask("OPTIONS", LIST)
    assert (options.status, json_of(options)) == (200, [])
    site.standin.seed({"types_off": []})
    assert len(json_of(site.ask("GET", LIST))) == 1


def test_a_key_that_the_site_forgot_is_swallowed() -> None:
    site = _site(1, meta_off={"course_date": ["mac_id"]})
    post = site.posts()[0]["id"]

    assert "mac_id" not in json_of(site.ask("OPTIONS", LIST))["schema"]["properties"]["meta"]["properties"]
    answer = site.ask("PUT", f"{LIST}/{post}", {"meta": {"mac_id": "ny"}})
    assert (answer.status, "mac_id" in json_of(answer)["meta"]) == (200, False)
    assert site.posts()[0]["meta"] == {"mac_id": "0"}

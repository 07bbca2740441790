"""How elements are found: each kind of locator on a real page, and what is wrong with a locator file."""

from pathlib import Path

import pytest
from browser_pages import Room, locators_of

from integrator.errors import ConfigError
from integrator.systems.browser.locators import css_quoted, load_locators, xpath_quoted

FIELDS = """
<label for="a1">E-mail *</label><input id="a1">
<label>Antal <input id="a2"></label>
<label><span>Enhed</span><select id="a3"><option>Enhed</option></select></label>
<input id="a4" aria-label="Varenavn"> <input id="a5" placeholder="Søg">
<b id="t6">Pris</b><input id="a6" aria-labelledby="t6">
<input type="submit" value="Pris"><label>Pris uden moms <input id="a7"></label>
"""
BUTTONS = """
<button id="b1"> Log
  ind </button> <input id="b2" type="submit" value="Søg"> <div id="b3" role="button">Gem</div>
<button id="b4" aria-label="Luk">×</button> <button id="b5"><i aria-hidden="true">add</i> Tilføj linje</button>
<button id="b6">Gem og luk</button> <button id="b7"><b>Slet</b> alle</button>
"""
TEXTS = """
<div id="t1"><p id="t2">Åben&nbsp;sag</p></div><p id="t3">Låst af <b id="t4">NN</b></p>
<script>/* Åben sag */</script><p id="t5">O'Neil sagde "hej"</p>
<a id="l1" href="#x">#560 </a><a id="l2" href="#y">#56</a>
<dialog id="d1" open>Nyheder</dialog><div id="d2" role="alertdialog dialog">Noget</div><h2 id="h1">Stamdata</h2>
"""


def found(room: Room, html: str, locator: str | list[str], **fill: str) -> list[str]:
    """The ids of everything a locator finds."""
    tab = room.tab(html, page__it=locator)
    return [str(element.get_attribute("id")) for element in tab.all("page.it", **fill)]


@pytest.mark.parametrize(
    ("locator", "ids"),
    [
        ("label=E-mail", ["a1"]),
        ("label=Antal", ["a2"]),
        ("label=Enhed", ["a3"]),
        ("label=Varenavn", ["a4"]),
        ("label=Søg", ["a5"]),
        ("label=Pris", ["a6"]),
        ("label=Pris uden", []),
    ],
)
def test_a_field_is_found_by_what_labels_it(room: Room, locator: str, ids: list[str]) -> None:
    assert found(room, FIELDS, locator) == ids


@pytest.mark.parametrize(
    ("locator", "ids"),
    [
        ("button=Log ind", ["b1"]),
        ("button=Søg", ["b2"]),
        ("button=Gem", ["b3"]),
        ("button=Luk", ["b4"]),
        ("button=Tilføj linje", ["b5"]),
        ("button=Slet", []),  # "Slet alle" is another button
        ("button=Slet alle", ["b7"]),
    ],
)
def test_a_button_is_found_by_its_whole_text(room: Room, locator: str, ids: list[str]) -> None:
    assert found(room, BUTTONS, locator) == ids


@pytest.mark.parametrize(
    ("locator", "ids"),
    [
        ("text=Åben sag", ["t2"]),
        ("text=NN", ["t4"]),
        ("contains=Låst af", ["t3"]),
        ("link=#560", ["l1"]),
        ("link=#56", ["l2"]),
        ("role=dialog", ["d1", "d2"]),
        ("role=heading", ["h1"]),
        ("css=p + script", []),
        ("css=[id^=l]", ["l1", "l2"]),
    ],
)
def test_texts_links_and_roles_are_found_as_a_person_sees_them(room: Room, locator: str, ids: list[str]) -> None:
    assert found(room, TEXTS, locator) == ids


@pytest.mark.parametrize("text", ['O\'Neil sagde "hej"', "it's", 'he said "x"', "'", '"', "plain", "''\"\"''"])
def test_any_quote_may_stand_in_what_is_sought(room: Room, text: str) -> None:
    shown = text.replace('"', "&quot;")
    html = f'<p id=p1>{shown}</p><i id=i1 data-case="{shown}">x</i>'
    assert found(room, html, "text={case}", case=text) == ["p1"]
    assert found(room, html, 'css=[data-case="{case}"]', case=text) == ["i1"]


def test_a_name_in_css_may_be_a_number_or_begin_with_one(room: Room) -> None:
    html = "<i id=0007>x</i><i id=00071>x</i>"
    assert found(room, html, "css=#{case}", case="0007") == ["0007"]
    assert css_quoted("a] b") == "a\\5d \\20 b"
    assert xpath_quoted("a'b\"c") == "concat('a', \"'\", 'b\"c')"


def test_the_first_alternative_that_is_seen_wins(room: Room) -> None:
    html = "<p id=p0 hidden>ja</p><p id=p1 class=x>nej</p><p id=p2>ja</p><p id=p3 class=x>nej</p>"
    assert found(room, html, ["text=findes ikke", "text=ja", "css=.x"]) == ["p2"]
    assert found(room, html, ["text=findes ikke", "css=.x", "text=ja"]) == ["p1", "p3"]


@pytest.mark.parametrize("style", ["display:none", "visibility:hidden", "opacity:0"])
def test_what_is_not_seen_is_not_found(room: Room, style: str) -> None:
    html = f"<div style='{style}'><input id=a></div><input id=b style='{style}'><input id=c>"
    assert found(room, html, "css=input") == ["c"]


def test_a_box_without_height_is_seen_when_something_in_it_is(room: Room) -> None:
    html = (
        "<div id=a role=table style='height:0'><p style='position:absolute'>række</p></div><div id=b role=table></div>"
    )
    assert found(room, html, "role=table") == ["a"]
    assert found(room, "<div id=c role=row style='display:contents'><p>række</p></div>", "role=row") == ["c"]


def test_within_an_element_only_that_is_searched(room: Room) -> None:
    tab = room.tab(
        "<ul><li>ja <button id=b1>Ret</button></li></ul><li>nej <button id=b2>Ret</button></li>",
        page__row="contains=nej",
        page__edit=["button=Ret", "css=button"],
    )
    row = tab.need("page.row")
    assert [element.get_attribute("id") for element in tab.all("page.edit", row)] == ["b2"]


def test_a_selector_that_the_browser_cannot_read_is_the_files_fault(room: Room) -> None:
    tab = room.tab("<p>x</p>", page__it="css=[[")
    with pytest.raises(ConfigError, match=r"test\.toml: page\.it: the browser cannot read \[\["):
        tab.need("page.it")


def test_an_unknown_element_and_an_unknown_placeholder_are_named() -> None:
    locators = locators_of(page__row="link=#{case} {nr}")
    with pytest.raises(ConfigError, match=r"page\.other is missing"):
        locators.alternatives("page.other")
    with pytest.raises(ConfigError, match=r"page\.row: \{nr\} is not known there; known is \{case\}"):
        locators.alternatives("page.row", case="1")


def test_a_locator_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text('[login]\nemail = ["label=E-mail", "css=input[name=a=b]"]\n', "utf-8")
    locators = load_locators(file, shown="config/a.toml")
    assert locators.alternatives("login.email")[1] == ("css selector", "input[name=a=b]")
    assert locators.told("login.email") == "label=E-mail, css=input[name=a=b]"


def test_everything_wrong_with_a_locator_file_is_said_at_once_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    lines = [
        "top = 1",
        "[login]",
        'email = "label=E-mail"',
        'go = ["knap=Log ind", "button="]',
        "none = []",
        'case = ["link=#{case", "text= a "]',
        "number = [1]",
        'wide = ["role=Dialog box"]',
    ]
    file.write_text("\n".join(lines), "utf-8")
    with pytest.raises(ConfigError) as caught:
        load_locators(file, shown="config/a.toml")
    told = [str(problem) for problem in caught.value.problems]
    assert [line.split(": ")[0] for line in told] == [f"config/a.toml:{n}" for n in (1, 3, 4, 4, 5, 6, 6, 7, 8)]
    assert "begins with one of label=, button=, link=, text=, contains=, role=, css=" in told[2]
    assert "a placeholder is a word in braces" in told[5]

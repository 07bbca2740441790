"""A home's own templates: which are used, and what is said about broken ones."""

import os
import re
from pathlib import Path

import pytest

from integrator.errors import ConfigError
from integrator.home import shipped
from integrator.mails import NAMES, Postroom
from integrator.mails.samples import sample

SHIPPED = shipped() / "config" / "templates"


def put(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def told(postroom: Postroom) -> list[str]:
    return [str(problem) for problem in postroom.problems()]


def refused(postroom: Postroom, name: str = "confirmation-customer") -> str:
    with pytest.raises(ConfigError) as caught:
        postroom.mail(sample(name))
    return str(caught.value)


def test_the_shipped_templates_have_no_problems_and_none_is_unused(tmp_path: Path) -> None:
    assert Postroom(tmp_path / "none", SHIPPED).problems() == []
    assert Postroom(SHIPPED, SHIPPED).unused() == []


def test_an_own_file_wins_over_the_shipped_one_file_by_file(postroom: Postroom, own: Path) -> None:
    shipped_mail = postroom.mail(sample("confirmation-customer"))
    put(own, "confirmation-customer.da.txt", "Subject: Vores {{ order.number }}\n\nHej {{ to.name }}\n")
    mail = Postroom(own, SHIPPED).mail(sample("confirmation-customer"))
    assert (mail.subject, mail.text) == ("Vores 10001", "Hej Åse Østergård\n")
    assert mail.html == shipped_mail.html
    english = Postroom(own, SHIPPED).mail(sample("confirmation-customer", "en"))
    assert english.subject == "Order confirmation 10001: Projektledelse i praksis"


def test_an_own_frame_changes_every_html_mail(own: Path) -> None:
    put(own, "layout.html", "<html>Fjordby {% block body %}{% endblock %}</html>")
    room = Postroom(own, SHIPPED)
    for name in NAMES:
        assert room.mail(sample(name)).html.startswith("<html>Fjordby ")
    assert room.problems() == []


def test_all_broken_templates_are_listed_with_their_lines(own: Path) -> None:
    put(own, "confirmation-customer.da.txt", "Subject: x\n\n{% if order %}\nnever closed\n")
    put(own, "confirmation-customer.en.txt", "Subject: x\n\n\n{{ oder.number }}\n")
    put(own, "confirmation-customer.da.html", "<p>\n{{ order.nummer }}\n</p>")
    put(own, "confirmation-participant.da.txt", "Hej {{ to.name }}\n")
    put(own, "confirmation-participant.en.txt", "Subject: \n\ntext\n")
    put(own, "confirmation-participant.da.html", "x\n{{ to.name | upcase }}")
    put(own, "participant-list.da.html", "x\n\n{{ order.number }}")
    (own / "participant-list.en.txt").write_bytes(b"Subject: x\n\nKj\xe6rgaard\n")
    put(own, "participant-list.da.txt", "Subject: x\n{{ 1 / (participants | length) }}\n")
    put(own, "participant-list.en.html", "x" * 300_000)
    found = told(Postroom(own, SHIPPED))
    expected = [
        r"confirmation-customer\.da\.txt:4: Unexpected end of template",
        r"confirmation-customer\.da\.html:2: order has no attribute 'nummer'",
        r"confirmation-customer\.en\.txt:4: 'oder' is undefined",
        r"confirmation-participant\.da\.txt:1: expected the first line to be the subject",
        r"confirmation-participant\.da\.html:2: No filter named 'upcase'",
        r"confirmation-participant\.en\.txt:1: expected the first line to be the subject",
        r"participant-list\.da\.txt:2: division by zero",  # only an empty list shows it
        r"participant-list\.da\.html:3: 'order' is undefined",
        r"participant-list\.en\.txt:3: is not UTF-8 text",
        r"participant-list\.en\.html: is larger than 256 kB",
    ]
    assert len(found) == len(expected)
    for line, pattern in zip(found, expected, strict=True):
        assert re.match("config/templates/(?:" + pattern + ")", line), line


def test_a_mail_of_a_broken_template_is_refused_with_the_line(own: Path) -> None:
    put(own, "confirmation-customer.da.html", "x\n\n{{ order.nummer }}")
    room = Postroom(own, SHIPPED)
    assert refused(room).startswith("config/templates/confirmation-customer.da.html:3: ")
    assert room.mail(sample("confirmation-customer", "en"))


def test_a_template_that_only_real_facts_break_is_refused_without_quoting_them(own: Path) -> None:
    put(own, "confirmation-customer.da.html", "\n{% if to.name == 'Hemmelig' %}{{ order[to.name] }}{% endif %}")
    facts = sample("confirmation-customer")
    facts["to"]["name"] = "Hemmelig"
    room = Postroom(own, SHIPPED)
    assert room.problems() == []
    with pytest.raises(ConfigError) as caught:
        room.mail(facts)
    assert str(caught.value) == (
        "config/templates/confirmation-customer.da.html:2: cannot be filled in (UndefinedError)"
    )


@pytest.mark.parametrize(
    "attack",
    [
        "{{ ''.__class__ }}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ order.__init__.__globals__ }}",
        "{{ order.__struct_fields__ }}",
        "{{ ('' | attr('__class__')) }}",
        "{{ '{0.__class__}'.format(order) }}",
        "{{ self.__init__ }}",
        "{{ participants.append(1) }}",
        "{% for x in range(10000000) %}{% endfor %}",
        "{% for x in range(90000) %}{{ 'x' * 100 }}{% endfor %}",
        "{% include '../../../etc/passwd' %}",
        "{% include '/etc/passwd' %}",
        "{% include 'README.md' %}",
        "{% import 'secret.txt/../parts.html' as p %}",
        "{{ to.name | safe }}",
        "{% set order.number = 1 %}",
    ],
)
def test_a_template_reaches_nothing_but_its_facts_and_its_folder(own: Path, attack: str) -> None:
    put(own, "confirmation-customer.da.html", "x\n" + attack)
    (problem,) = Postroom(own, SHIPPED).problems()
    assert re.fullmatch(r"config/templates/confirmation-customer\.da\.html(:[12])?", problem.where)
    assert "root:" not in refused(Postroom(own, SHIPPED))


def test_a_file_that_is_included_and_broken_is_named_itself(own: Path) -> None:
    put(own, "footer.html", "a\nb\n{{ nobody }}")
    put(own, "confirmation-customer.da.html", "{% include 'footer.html' %}")
    assert told(Postroom(own, SHIPPED)) == ["config/templates/footer.html:3: 'nobody' is undefined"]


def test_a_missing_file_is_named_with_the_line_that_wants_it(own: Path) -> None:
    put(own, "confirmation-customer.da.html", "x\n{% include 'futter.html' %}")
    assert told(Postroom(own, SHIPPED)) == [
        "config/templates/confirmation-customer.da.html:2: uses 'futter.html', which this folder does not have"
    ]


def test_without_any_shipped_file_every_one_is_missing(own: Path, tmp_path: Path) -> None:
    found = told(Postroom(own, tmp_path / "nowhere"))
    assert len(found) == 12
    assert found[0] == "config/templates/confirmation-customer.da.txt: the file is missing"


def test_a_shipped_file_is_named_by_its_whole_path(own: Path, tmp_path: Path) -> None:
    for path in SHIPPED.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    put(tmp_path, "confirmation-customer.da.html", "\n{{ nobody }}")
    assert told(Postroom(own, tmp_path)) == [f"{tmp_path}/confirmation-customer.da.html:2: 'nobody' is undefined"]


def test_a_folder_in_place_of_a_file_is_said_so(own: Path) -> None:
    (own / "confirmation-customer.da.html").mkdir()
    assert told(Postroom(own, SHIPPED)) == [
        f"config/templates/confirmation-customer.da.html: cannot be read: {os.strerror(21)}"
    ]


def test_what_nothing_uses_is_told_for_a_misspelt_name_does_nothing(own: Path) -> None:
    put(own, "confirmation-costumer.da.txt", "Subject: x\n")
    put(own, "layout.html", "{% block body %}{% endblock %}")
    put(own, "notes.md", "")
    assert Postroom(own, SHIPPED).unused() == ["confirmation-costumer.da.txt"]


def test_windows_editors_are_forgiven(own: Path) -> None:
    text = "\ufeffSubject: Hej\r\n\r\nKære {{ to.name }}\r\n"
    (own / "confirmation-customer.da.txt").write_bytes(text.encode())
    mail = Postroom(own, SHIPPED).mail(sample("confirmation-customer"))
    assert (mail.subject, mail.text) == ("Hej", "Kære Åse Østergård\n")


def test_a_template_nobody_knows_is_refused(postroom: Postroom) -> None:
    for name in ("confirmation-cat", "../../etc/passwd", "layout"):
        with pytest.raises(ConfigError):
            postroom.mail(sample("confirmation-customer") | {"template": name})


def test_the_manual_names_every_filter_and_every_name(own: Path) -> None:
    from integrator.mails.templates import Folders, Templates

    manual = (SHIPPED / "README.md").read_text(encoding="utf-8")
    templates = Templates(Folders(own, SHIPPED), "da")
    for name in (
        "day",
        "times",
        "session",
        "place(course)",
        "when",
        "instant",
        "money(order.currency)",
        "address",
        "table",
    ):
        assert f"\\| {name}" in manual
        assert name.partition("(")[0] in templates.filters
    for name in NAMES:
        assert f"`{name}`" in manual

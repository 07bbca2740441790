"""First part: courses travel to the website, and only what changed is written."""

from integrator.demo.stage import Stage

CLASS = "25172-04"
_LIST = "/api/course$"


def play(stage: Stage) -> None:
    stage.chapter("Courses")
    _first_sync(stage)
    _nothing_to_do(stage)
    _a_seat_is_sold(stage)
    _hands_on_the_site(stage)
    _the_source_fails(stage)
    stage.say(f"What happened to {CLASS}?")
    stage.command("explain", CLASS)


def _first_sync(stage: Stage) -> None:
    stage.say("First, is everything there that the jobs need?")
    stage.command("check")
    stage.say("What would the first run do? Nothing is sent by asking.")
    stage.command("import-courses", "--dry-run")
    stage.claim("a dry run sends nothing", stage.writes() == 0)
    stage.say("Courses travel: Maconomy → store → WordPress.")
    stage.command("import-courses", "-v")
    mains, dates = len(stage.posts("course")), len(stage.posts())
    stage.claim("4 main courses and 5 dates are on the site", (mains, dates) == (4, 5))
    stage.row("Maconomy → store → WordPress", f"{mains} main courses, {dates} dates", "posts counted on the site")


def _nothing_to_do(stage: Stage) -> None:
    stage.say("The same again: nothing changed, so nothing is written.")
    stage.wordpress.clear_ledger()
    stage.command("import-courses", "-v")
    stage.claim("a second run writes nothing", stage.writes() == 0)
    stage.row("Maconomy → WordPress, again", "0 writes", "the site's ledger of effects")


def _a_seat_is_sold(stage: Stage) -> None:
    stage.say(f"Somebody books by phone: Maconomy has one seat less on {CLASS}.")
    stage.maconomy.seed({"set": {CLASS: {"freeSeats": 6, "registeredParticipants": 14}}})
    stage.command("import-courses", "-v")
    stage.claim("the site shows 6 free seats", stage.seats(CLASS) == 6)
    stage.row("a sold seat → WordPress", f"1 field of 1 post, {stage.writes()} write", "the post's meta")


def _hands_on_the_site(stage: Stage) -> None:
    stage.say("An editor writes their own note; and a seat count of ours is set to 99 by hand.")
    post = stage.post(CLASS).get("id")
    stage.wordpress.seed({"edit": {"post": post, "as": "editor", "meta": {"ed_times": "Kaffe fra kl. 8.30"}}})
    stage.wordpress.seed({"edit": {"post": post, "as": "admin", "meta": {"mac_seats_free": 99}}})
    stage.command("import-courses", "-v")
    now = stage.post(CLASS).get("meta", {})
    stage.claim("our seat count is put right", now.get("mac_seats_free") == 6)
    stage.claim("the editor's note stays", now.get("ed_times") == "Kaffe fra kl. 8.30")
    stage.row("hands on the site", "ours put right, the editor's kept", "both fields read back")


def _the_source_fails(stage: Stage) -> None:
    stage.say("Maconomy answers with a login page instead of courses: nothing may change.")
    before = stage.wordpress.state()["posts"]
    stage.fault(_LIST, {"kind": "body", "what": "login"})
    stage.command("import-courses", expect=1)
    stage.say("Then it answers with an empty list: that is not believed either.")
    stage.fault(_LIST, {"kind": "body", "what": "list"})
    stage.command("import-courses", expect=1)
    stage.claim("a failing source changes nothing", stage.wordpress.state()["posts"] == before)
    stage.row("a failing source", "nothing, twice", "all posts equal before and after")

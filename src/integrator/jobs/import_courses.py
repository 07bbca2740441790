"""import-courses: courses travel Maconomy → store → WordPress.

Reads   maconomy   GET /api/maincourse, GET /api/course
Keeps   store      main_courses, courses, set_aside, changes; key: Maconomy's id
Writes  wordpress  one post per record, where the site differs (outbox, latest); nothing is ever deleted
Guard   the answer is empty, cut, or more than 20 % of what we know is gone: stop, unless --allow-removals
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from integrator.domain import courses as rules
from integrator.domain.fetched import Fetched
from integrator.effects import Done, Message
from integrator.runtime.run import Run
from integrator.store.courses import Catalogue, Kind, Known, SetAside, Sources
from integrator.store.posts import Posts
from integrator.systems.maconomy import MAX_BAD_PERCENT, Maconomy
from integrator.systems.wordpress import Memory, WordPress
from integrator.systems.wordpress import Posts as Sender

KINDS: tuple[Kind, Kind] = ("main_course", "course")  # in this order: dates refer to main courses
_ENDPOINTS = {"main_course": "maincourse", "course": "course"}
_PAGE = 500
_NAMES = {"main_course": "main courses", "course": "courses"}
_MOST_TOLD = 100


@dataclass
class _Answer:
    """One list of the source beside what the store knows of that kind.

    expected  keys the list should hold: not those that are over, which leave it by themselves
    gone      keys it should hold, or held before, and does not
    """

    kind: Kind
    catalogue: Catalogue
    known: Known
    fetched: Fetched
    expected: set[str]
    gone: set[str]


def import_courses(
    run: Run,
    maconomy: Maconomy,
    wordpress: WordPress | None,
    *,
    allow_removals: bool = False,
    allow_bad_records: bool = False,
) -> None:
    """Bring the catalogue, in the store and on WordPress, level with Maconomy."""
    missing_limit, past = int(run.policy["missing_runs"]), str(run.policy["past"])
    posts = Posts(run.db, missing_limit=missing_limit, past=past, now=run.now)
    # fetch, one list after the other: Maconomy wants one request at a time
    answers = [_fetch(run, maconomy, kind, allow_bad_records=allow_bad_records) for kind in KINDS]
    # decide
    for answer in answers:
        _guard(answer, maconomy, allow_removals=allow_removals, allow_bad_records=allow_bad_records)
    # keep
    with run.db.tx():
        for answer in answers:
            touched = _keep(run, answer, missing_limit)
            if wordpress is not None:
                _queue(run, posts, answer.kind, touched)
    maconomy.keep_answers()
    _note_held_back(run, posts)
    # deliver
    if wordpress is None:
        run.remark("[wordpress] is switched off: the catalogue was kept in the store only")
        return
    _level(run, posts, wordpress)


def _fetch(run: Run, maconomy: Maconomy, kind: Kind, *, allow_bad_records: bool) -> _Answer:
    """Read one list, and find out what is gone; past courses leave the list by themselves."""
    catalogue = Catalogue(run.db, kind)
    known = catalogue.known()
    same_mapping = Sources(run.db).mapping(_ENDPOINTS[kind]) == maconomy.mapping_fingerprint()
    read = maconomy.main_courses if kind == "main_course" else maconomy.courses
    run.progress.begin(f"Maconomy: {_NAMES[kind]}", len(known.expected) or None)
    fetched = read(
        known.fingerprints if same_mapping else {},
        allow_bad_records=allow_bad_records,
        advance=run.progress.advance,
    )
    if fetched.stopped:  # the guard says so; of the rest nothing is known
        return _Answer(kind, catalogue, known, fetched, known.expected, set())
    gone = {key for key in known.expected | known.missing if not fetched.holds(key)}
    over = {key for key, end in catalogue.ends(gone).items() if rules.is_past(end, now=run.now)}
    return _Answer(kind, catalogue, known, fetched, known.expected - over, gone - over)


def _guard(answer: _Answer, maconomy: Maconomy, *, allow_removals: bool, allow_bad_records: bool) -> None:
    what = f"maconomy: {_NAMES[answer.kind]}"
    fetched = answer.fetched
    minimum, max_drop_percent = maconomy.limits(_ENDPOINTS[answer.kind])
    rules.guard_answer(what, total=fetched.total, minimum=minimum, allowed=allow_removals)
    rules.guard_contract(what, fetched.missing_fields)
    rules.guard_bad_records(
        what,
        total=fetched.total,
        bad=fetched.bad,
        max_percent=MAX_BAD_PERCENT,
        allowed=allow_bad_records,
        stopped=fetched.stopped,
    )
    rules.guard_removals(
        what,
        known=answer.expected,
        gone=sorted(answer.gone & answer.expected)[fetched.nameless :],  # so many may be among the nameless
        max_percent=max_drop_percent,
        allowed=allow_removals,
    )


def _keep(run: Run, answer: _Answer, missing_limit: int) -> list[str]:
    """Write the answer into the store, and tell the run what that did."""
    gone = set() if answer.fetched.nameless else answer.gone  # any of them may be there: unknown is not gone
    applied = answer.catalogue.keep(
        answer.fetched, answer.known, gone, missing_limit=missing_limit, at=run.at, run_id=run.id
    )
    Sources(run.db).keep(_ENDPOINTS[answer.kind], answer.fetched, at=run.at)
    run.count(
        **{
            f"{answer.kind}s.read": answer.fetched.total,
            f"{answer.kind}s.new": len(applied.new),
            f"{answer.kind}s.changed": len(applied.changed),
            f"{answer.kind}s.missing": len(applied.missing),
            f"{answer.kind}s.returned": len(applied.returned),
            f"{answer.kind}s.set_aside": len(answer.fetched.bad),
        }
    )
    run.note(answer.fetched.notes)
    _tell_bad(run, answer)
    return applied.touched


def _tell_bad(run: Run, answer: _Answer) -> None:
    """What was set aside: the first of them one by one; the store has them all."""
    bad, name = answer.fetched.bad, _NAMES[answer.kind]
    for key, why in islice(bad.items(), _MOST_TOLD):
        run.set_aside(f"{answer.kind} {key}", f"{why.reason}; the site keeps what it has")
    if len(bad) > _MOST_TOLD:
        run.remark(f"{len(bad) - _MOST_TOLD} more {name} cannot be read; the store has them all (set_aside)")
    if answer.fetched.nameless and answer.gone:
        run.remark(
            f"{answer.fetched.nameless} of the {name} have no id we can read: {len(answer.gone)} that are not in the"
            " list may be among them, and do not count as missing"
        )


def _queue(run: Run, posts: Posts, kind: Kind, keys: Iterable[str]) -> None:
    for wanted in posts.wanted(kind, keys):
        run.outbox.latest(_effect(kind), wanted.key, wanted.facts)


def _note_held_back(run: Run, posts: Posts) -> None:
    held_back = posts.held_back()
    reason = "its main course is not in Maconomy's list: held back, the site keeps what it has"
    with run.db.tx():
        found = dict.fromkeys(held_back, ("orphan", reason))
        SetAside(run.db).replace("orphan", found, at=run.at, run_id=run.id)
    if held_back:
        run.report.notes["orphan"] = (len(held_back), held_back[:5])
        run.remark(f"{len(held_back)} course(s) held back: their main course is not in Maconomy's list")


def _level(run: Run, posts: Posts, wordpress: WordPress) -> None:
    """Compare the site as it is now with what we want there, and send what differs."""
    run.progress.begin("WordPress: read")
    remembered = {
        key: Memory(memory.made, memory.cleaned, memory.asked, memory.unpublished, memory.restored)
        for key, memory in posts.remembered().items()
    }
    wordpress.read(remembered, synced_at=run.now.isoformat(timespec="seconds"), advance=run.progress.advance)
    for kind in KINDS:
        sender = wordpress.senders[kind]
        _queue_differing(run, posts, kind, sender)
        _report_duplicates(run, kind, sender.duplicates())

        def prepare(message: Message, kind: Kind = kind, sender: Sender = sender) -> None:
            if status := sender.asks(message):
                posts.ask(kind, message.key, status)

        def keep(message: Message, done: Done, kind: Kind = kind) -> None:
            posts.keep(kind, message.key, **done.memory)

        run.deliver(_effect(kind), sender, prepare=prepare, keep=keep)


def _queue_differing(run: Run, posts: Posts, kind: Kind, sender: Sender) -> None:
    """Ask for every record the site shows otherwise, page by page; one whose message failed before needs a person."""
    failed = run.outbox.failed_keys(_effect(kind))
    wanted = (each for each in posts.wanted(kind) if sender.needs_writing(each.key, each.facts))
    stuck = 0
    while page := list(islice(wanted, _PAGE)):
        with run.db.tx():
            for each in page:
                queued = run.outbox.latest(_effect(kind), each.key, each.facts)
                stuck += not queued and each.key in failed
    if stuck:
        run.count(**{f"{_effect(kind)}.failed_before": stuck})
        run.remark(f"{stuck} {kind}(s) differ there, but their messages failed: integrator outbox list --state failed")


def _effect(kind: Kind) -> str:
    return f"wordpress.{kind}"


def _report_duplicates(run: Run, kind: Kind, duplicates: dict[str, list[int]]) -> None:
    """Several posts for one record: visitors may see it twice, so a person has to look."""
    found = {
        key: ("duplicate_post", f"posts {', '.join(map(str, spare))} show the same {kind}: delete them there")
        for key, spare in duplicates.items()
    }
    with run.db.tx():
        SetAside(run.db).replace(f"{kind} post", found, at=run.at, run_id=run.id)
    for key, (_, reason) in found.items():
        run.set_aside(f"{kind} {key}", reason)

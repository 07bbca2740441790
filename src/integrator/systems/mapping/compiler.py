"""Turns the fields of an endpoint into Python source, compiled once: no record is interpreted field by field.

What the source of a course looks like, shortened:

    def read_record(rec, data):
        get = rec.get
        v0 = F0.convert(get('courseId', MISSING))
        v1 = F1[get('mainCourseId', MISSING)]          # a Field is a dict of what it has converted
        v2 = L2(rec)                                   # its list, with a loop of its own
        v3 = D3(v2, F3[get('startDate', MISSING)])     # derived
        check the keys
        return Mapped(v0, {'id': v0, 'main_id': v1, …}, settle() if sink else [])

Every foreign or canonical name enters through repr(), as a literal; nothing of a mapping file is run.
"""

from collections.abc import Callable
from functools import lru_cache
from types import CodeType
from typing import Any

from integrator.systems.mapping.convert import BadValue
from integrator.systems.mapping.derived import day_order
from integrator.systems.mapping.entries import Entries
from integrator.systems.mapping.field import Field
from integrator.systems.mapping.keys import BLANKS
from integrator.systems.mapping.sources import MISSING, is_plain
from integrator.systems.mapping.spec import FieldSpec
from integrator.systems.mapping.values import INT_LIMIT


def value_of(field: Field, name: str, record: str = "rec", *, key: str | None = None) -> str:
    """The expression of one value: fast where one look-up finds it, else through its source.

    The key differs in every record: it is not worth remembering.
    """
    spec = field.spec
    if not is_plain(spec):
        return f"{name}.of({name}.source({record}))"
    found = f"get({spec.sources[0]!r}, MISSING)"
    if spec.type == "int":
        least = max(bound for bound in (-INT_LIMIT, spec.min, spec.clamp_min, _above_zero(spec)) if bound is not None)
        return f"(x if (x := {found}).__class__ is int and {least} <= x <= {INT_LIMIT} else {name}.convert(x))"
    if spec.type in ("bool", "not_bool"):
        return f"({'x' if spec.type == 'bool' else 'not x'} if (x := {found}).__class__ is bool else {name}.convert(x))"
    if field.remembers and spec.name != key:
        return f"{name}[{found}]"
    return f"{name}.quick({found})"


def _above_zero(spec: FieldSpec) -> int | None:
    return 1 if spec.zero_is_empty else None


class Program:
    """Source under construction, with the objects it names."""

    def __init__(self, **names: Any) -> None:
        self.names: dict[str, Any] = {
            "MISSING": MISSING,
            "BadValue": BadValue,
            "day_order": day_order,
            "BLANKS": BLANKS,
            **names,
        }

    def function(self, name: str, lines: list[str]) -> Callable[..., Any]:
        """Compile one function and give it back; later ones can call it by its name."""
        exec(_code(name, "\n".join(lines)), self.names)  # noqa: S102  (our own template; names from the file enter as literals only)
        made: Callable[..., Any] = self.names[name]
        return made

    def list_function(self, name: str, entries: Entries) -> None:
        """The loop over one list: convert each entry, drop blank ones, sort days."""
        self.names[f"{name}_E"] = entries
        for number, field in enumerate(entries.fields):
            self.names[f"{name}_F{number}"] = field
        self.function(name, _loop(name, entries))


@lru_cache(maxsize=64)
def _code(name: str, source: str) -> CodeType:
    """The same source again is not compiled again: a process that lives for many requests makes many readers."""
    return compile(source, f"<mapping {name}>", "exec")


def _loop(name: str, entries: Entries) -> list[str]:
    fields = entries.fields
    blank = " and ".join(f"a{n} is None" for n, field in enumerate(fields) if field.default is None)
    record = ", ".join(f"{field.name!r}: a{n}" for n, field in enumerate(fields))
    lines = [
        f"def {name}(rec):",
        f"    E = {name}_E",
        *_raw_entries(entries),
        "    E.total += len(raw)",
        "    if len(raw) > 50: E.check_length(raw)",
        "    out = []; short = []; noted = len(sink); i = 0; entry = None; mixed = False; last = ''",
        "    try:",
        "        for i, entry in enumerate(raw):",
        "            if entry.__class__ is not dict: entry = E.entry(entry, i)",
        "            get = entry.get",
        *(f"            a{n} = {value_of(field, f'{name}_F{n}', 'entry')}" for n, field in enumerate(fields)),
        "            if len(sink) != noted: noted = E.locate(noted, i)",
    ]
    if blank:
        lines.append(f"            if {blank}: continue")
    for number, field in enumerate(fields):
        if field.spec.required:
            lines.append(f"            if a{number} is None: short.append((i, {field.name!r})); continue")
    if _is_dated(entries):
        date = f"a{[field.name for field in fields].index('date')}"
        lines.append(f"            if not {date} or {date} <= last: mixed = True")
        lines.append(f"            last = {date} or ''")
    lines += [
        f"            out.append({{{record}}})",
        "    except BadValue as bad:",
        "        raise E.at(bad, i) from None",
        "    except TypeError:",
        "        try: E.blame(entry)",
        "        except BadValue as bad: raise E.at(bad, i) from None",
        "        raise",
        "    if short: E.incomplete(short, out)",
    ]
    if _is_dated(entries):
        lines.append("    if mixed: out.sort(key=day_order)")
    return [*lines, "    return out"]


def _is_dated(entries: Entries) -> bool:
    return {"date", "start_time"} <= {field.name for field in entries.fields}


def _raw_entries(entries: Entries) -> list[str]:
    if entries.spec.numbered or not is_plain(entries.spec):
        return ["    raw = E.of(rec)"]
    return [
        f"    raw = rec.get({entries.spec.sources[0]!r}, MISSING)",
        "    if raw.__class__ is not list: raw = E.entries(raw)",
    ]


def record_literal(fields: list[tuple[str, str]]) -> str:
    """The canonical record as source; "venue.name" becomes a part of venue, which is null when all its parts are."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for path, value in fields:
        group, _, part = path.partition(".")
        groups.setdefault(group, []).append((part, value))
    return "{" + ", ".join(f"{group!r}: {_member(parts)}" for group, parts in groups.items()) + "}"


def _member(parts: list[tuple[str, str]]) -> str:
    if parts[0][0] == "":
        return parts[0][1]
    filled = " or ".join(f"{value} is not None" for _, value in parts)
    inner = ", ".join(f"{part!r}: {value}" for part, value in parts)
    return f"({{{inner}}} if {filled} else None)"


def read_function(values: list[tuple[str, str]], key: int, lists: list[str]) -> list[str]:
    """The function of a whole record. values are (canonical name, expression), lists the foreign names of lists.

    The keys in the bytes are counted against the keys decoded: a key that stands twice is lost in decoding.
    """
    lines = ["def read_record(rec, data):", "    get = rec.get"]
    lines += [f"    v{number} = {expression}" for number, (_, expression) in enumerate(values)]
    lines.append("    keys = len(rec)")
    lines += [f"    if (x := get({name!r})).__class__ is list: keys += sum(map(len, x))" for name in lists]
    lines += [
        "    if keys != data.translate(None, BLANKS).count(b'\":'): check_keys(rec, data)",
        f"    return Mapped(v{key}, {record_literal([(name, f'v{n}') for n, (name, _) in enumerate(values)])}, "
        "settle() if sink else [])",
    ]
    return lines

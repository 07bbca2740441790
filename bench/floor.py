"""The floor of the import: fetch, parse, and one executemany of the same fields in one transaction. Nothing else.

python bench/floor.py URL AUTHORIZATION DATABASE
"""

import json
import sqlite3
import sys

import httpx

FIELDS = (
    "mainCourseId",
    "name",
    "language",
    "startDate",
    "endDate",
    "location",
    "address",
    "zipCode",
    "city",
    "country",
)
FIELDS += ("price", "currency", "maxParticipants", "registeredParticipants", "freeSeats", "minParticipants", "status")


def main(url: str, authorization: str, database: str) -> None:
    answer = httpx.get(url, headers={"Authorization": authorization}, timeout=120)
    records = json.loads(answer.content)
    conn = sqlite3.connect(database, isolation_level=None)
    for pragma in ("journal_mode = TRUNCATE", "synchronous = FULL", "foreign_keys = ON", "secure_delete = ON"):
        conn.execute(f"PRAGMA {pragma}")
    columns = ", ".join(FIELDS)
    conn.execute(f"CREATE TABLE courses (id TEXT PRIMARY KEY, {columns}, days, trainers, updated)")
    conn.execute("BEGIN IMMEDIATE")
    conn.executemany(
        f"INSERT INTO courses VALUES ({', '.join('?' * (len(FIELDS) + 4))})",
        (
            (
                record["courseId"],
                *(record[name] for name in FIELDS),
                json.dumps(record["courseDays"], ensure_ascii=False),
                json.dumps(record["trainers"], ensure_ascii=False),
                record["lastChanged"],
            )
            for record in records
        ),
    )
    conn.execute("COMMIT")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What is said about a field, in Danish and English, to whoever filled in the form. Never what was typed."""

KINDS = {
    "null": ("ingenting", "nothing"),
    "bool": ("ja/nej", "yes/no"),
    "number": ("et tal", "a number"),
    "text": ("tekst", "text"),
    "list": ("en liste", "a list"),
    "object": ("et objekt", "an object"),
    "other": ("noget andet", "something else"),
}

# By code; what follows a dot only chooses other words for the same code.
SENTENCES = {
    "missing": ("Feltet skal udfyldes.", "This field must be filled in."),
    "missing.company": (
        "Skriv virksomhedens navn, eller udelad virksomheden helt.",
        "Enter the company's name, or leave the company out altogether.",
    ),
    "missing.participants": ("Angiv, hvem der deltager.", "Enter who will attend."),
    "missing.terms": ("Betingelserne skal accepteres.", "The terms must be accepted."),
    "unknown_field": ("Feltet er ukendt. Kendte felter: {known}.", "Unknown field. Known fields: {known}."),
    "not_text": ("Her skal stå tekst, ikke {kind}.", "This must be text, not {kind}."),
    "not_list": ("Her skal stå en liste, ikke {kind}.", "This must be a list, not {kind}."),
    "not_object": ("Her skal stå et objekt, ikke {kind}.", "This must be an object, not {kind}."),
    "too_long": ("Feltet må højst være på {limit} tegn.", "This field may hold at most {limit} characters."),
    "control_characters": (
        "Feltet indeholder linjeskift eller usynlige tegn. Skriv teksten igen på én linje.",
        "This field holds line breaks or invisible characters. Type it again on one line.",
    ),
    "control_characters.lines": (
        "Feltet indeholder usynlige tegn. Skriv teksten igen.",
        "This field holds invisible characters. Type it again.",
    ),
    "bad_encoding": (
        "Feltet indeholder et ødelagt tegn. Skriv teksten igen.",
        "This field holds a broken character. Type it again.",
    ),
    "web_address": ("Et navn kan ikke være en internetadresse.", "A name cannot be a web address."),
    "bad_email": (
        "E-mailadressen er ikke gyldig. Skriv den som navn@example.org.",
        "This is not a valid e-mail address. Write it as name@example.org.",
    ),
    "bad_email.no_at": ("E-mailadressen mangler et @.", "The e-mail address has no @."),
    "bad_email.two_ats": ("E-mailadressen må kun indeholde ét @.", "The e-mail address may hold only one @."),
    "bad_email.blank": ("E-mailadressen må ikke indeholde mellemrum.", "The e-mail address may not hold blanks."),
    "bad_email.letters": (
        "Æ, ø, å og andre særlige tegn kan ikke bruges før @ i e-mailadressen.",
        "Letters beyond a to z, such as æ, ø and å, cannot be used before the @ of an e-mail address.",
    ),
    "bad_email.end": (
        "E-mailadressen må ikke slutte med et punktum.",
        "The e-mail address may not end with a full stop.",
    ),
    "bad_email.quoted": (
        "Der må ikke være anførselstegn i e-mailadressen.",
        "The e-mail address may not hold quotation marks.",
    ),
    "bad_phone": (
        "Telefonnummeret skal have mindst 6 cifre og må ellers kun indeholde mellemrum, +, - og parenteser.",
        "The phone number needs at least 6 digits; besides them only blanks, +, - and brackets are allowed.",
    ),
    "bad_cvr": ("CVR-nummeret skal have 8 cifre.", "The CVR number must have 8 digits."),
    "bad_cvr.foreign": (
        "Virksomhedens nummer skal være på mellem 2 og 20 tegn.",
        "The company's number must have between 2 and 20 characters.",
    ),
    "bad_zip": ("Et dansk postnummer har 4 cifre.", "A Danish postcode has 4 digits."),
    "bad_country": (
        "Landet skal være en landekode på to bogstaver, for eksempel DK.",
        "The country must be a country code of two letters, for example DK.",
    ),
    "bad_ean": ("EAN-nummeret skal have 13 cifre.", "The EAN number must have 13 digits."),
    "bad_ean.check": (
        "EAN-nummeret er ikke korrekt: Det sidste ciffer passer ikke til de andre.",
        "The EAN number is not right: its last digit does not fit the others.",
    ),
    "bad_time": (
        "Tidspunktet skal skrives som 2026-11-21T10:00:00+01:00.",
        "The time must be written as 2026-11-21T10:00:00+01:00.",
    ),
    "bad_time.future": ("Tidspunktet ligger i fremtiden.", "The time lies in the future."),
    "bad_time.old": (
        "Tidspunktet kan ikke være rigtigt: det ligger før år 2000.",
        "The time cannot be right: it lies before the year 2000.",
    ),
    "wrong_number": (
        "Der er reserveret {seats}, men angivet {people}.",
        "{seats} reserved, but {people} given.",
    ),
    "duplicate": (
        "Denne person er allerede angivet som deltager {number}.",
        "This person is already participant {number}.",
    ),
    "more_problems": ("Der er også {count} andre fejl.", "There are also {count} other problems."),
    "more_problems.one": ("Der er også én anden fejl.", "There is also one other problem."),
}


def is_danish(language: str | None) -> bool:
    """Danish when it is the language of the course, and when that is unknown; otherwise English."""
    return language in ("da", None)


def sentence(key: str, *, danish: bool, **facts: str | int) -> str:
    """One sentence. A fact kind is one of KINDS; seats and people are numbers, put in words here."""
    if "kind" in facts:
        facts["kind"] = KINDS[str(facts["kind"])][0 if danish else 1]
    if "seats" in facts:
        facts["seats"] = _counted(facts["seats"], *(("plads", "pladser") if danish else ("seat is", "seats are")))
        facts["people"] = _counted(
            facts["people"], *(("deltager", "deltagere") if danish else ("participant is", "participants are"))
        )
    return SENTENCES[key][0 if danish else 1].format(**facts)


def _counted(number: str | int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

"""What Trainingportal's documentation leaves open: a switch each, with the contract's assumption as its default."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """The switches; paths are below base_url, and {course}, {class} and {booking} in them stand for ids.

    cancel_class      None: by cancel_style
    item_statuses     answers that say no to this one item; login_statuses: to our login. Others may not be used for it
    login_words       a status object with "false" and one of these words says no to our login
    currency_policy   "refuse": what is not on their list is not sent; none is ever converted
    reference_source  whose reference of a booking they are asked by: "own", or "portal", theirs as soon as we know it
    deadline          the name of E2's parameter, which is misspelt in its documentation; "both" sends it twice
    """

    cancel_style: str = "path"
    cancel_class: str | None = None
    get_courses: str = "v1/courses/get"
    get_classes: str = "v1/courses/get/{course}/courseClasses/get"
    upload: str = "v1/booking/uploadDocumentation/{booking}"
    upload_part: str = "file"
    upload_content_type: str = "application/pdf"
    upload_max_bytes: int = 10_000_000
    upload_timeout_s: float = 120.0
    login_statuses: tuple[int, ...] = (401, 403)
    item_statuses: tuple[int, ...] = (400, 404, 413, 415, 422)
    login_words: tuple[str, ...] = ("username", "password", "credentials")
    date: str = "yyyy-MM-dd"
    time: str = "HH:mm"
    amount: str = "0.00"
    vat: str = "excluded"
    vat_percent: float = 25.0
    currency_policy: str = "refuse"
    reference_source: str = "own"
    on_duplicate: str = "update"
    deadline: str = "both"

    @property
    def cancel_path(self) -> str:
        cancel = "v1/courses/get/{course}/courseClasses/cancel"
        return self.cancel_class or (cancel if self.cancel_style == "form" else f"{cancel}/{{class}}")

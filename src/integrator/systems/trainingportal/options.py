"""What Trainingportal's documentation leaves open: a switch each. What is assumed stands in settings/model.py."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Options:
    """The switches; paths are below base_url, and {course}, {class} and {booking} in them stand for ids.

    cancel_class      None: by cancel_style
    item_statuses     answers that say no to this one item; login_statuses: to our login. Others may not be used for it
    login_words       a status object with "false" and one of these words says no to our login
    currency_policy   "refuse": what is not on their list is not sent; none is ever converted
    reference_source  whose reference of a booking they are asked by: "own", or "portal", theirs as soon as we know it
    deadline          the name of E2's parameter, which is misspelt in its documentation; "both" sends it twice
    """

    cancel_style: str
    cancel_class: str | None
    get_courses: str
    get_classes: str
    upload: str
    upload_part: str
    upload_content_type: str
    upload_max_bytes: int
    upload_timeout_s: float
    login_statuses: tuple[int, ...]
    item_statuses: tuple[int, ...]
    login_words: tuple[str, ...]
    date: str
    time: str
    amount: str
    vat: str
    vat_percent: float
    currency_policy: str
    reference_source: str
    on_duplicate: str
    deadline: str

    @property
    def cancel_path(self) -> str:
        cancel = "v1/courses/get/{course}/courseClasses/cancel"
        return self.cancel_class or (cancel if self.cancel_style == "form" else f"{cancel}/{{class}}")

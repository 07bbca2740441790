"""One-time codes, by the numbers of RFC 6238 (appendix B, the last six digits)."""

import pytest

from integrator.secret import Secret
from integrator.systems.browser.trouble import Trouble
from integrator.systems.workshops.onetime import code_at

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(
    ("at", "code"),
    [(59, "287082"), (1111111109, "081804"), (1111111111, "050471"), (1234567890, "005924"), (20000000000, "353130")],
)
def test_the_codes_are_those_of_the_standard(at: int, code: str) -> None:
    assert code_at(Secret(SECRET), at) == code


def test_a_secret_is_taken_as_people_are_shown_it() -> None:
    shown = "gezd gnbv gy3t qojq gezd gnbv gy3t qojq"
    assert code_at(Secret(shown), 59) == "287082"


def test_a_secret_of_sixteen_characters_will_do() -> None:
    assert len(code_at(Secret("JBSWY3DPEHPK3PXP"), 59)) == 6


@pytest.mark.parametrize("secret", ["not base32!", "JBSWY3DPEHPK3PX1", "A", "JBSWY3DPEHPK3PÆØ"])
def test_what_is_no_secret_is_said_without_repeating_it(secret: str) -> None:
    with pytest.raises(Trouble) as told:
        code_at(Secret(secret), 59)
    assert told.value.code == "login-attention"
    assert secret not in str(told.value)


def test_an_empty_secret_makes_no_codes() -> None:
    with pytest.raises(Trouble):
        code_at(Secret(" "), 59)

"""What a page shows when it is not what we came for: one error with a code, judged where all its consequences stand."""

from integrator.errors import IntegratorError


class Trouble(IntegratorError):
    """Something seen in a browser. code is one of integrator.domain.orderlines.reasons.REASONS.

    The browser itself raises "slow", "layout-changed", "browser", "unexpected-dialog", "erp-unavailable", and
    "field-mismatch" for a text that cannot be typed.

    definite   nothing was written: the page says so (a red text, a 409), or it ended before anything was touched that
               saves. Where a line may be there it is still proved by reading.
    """

    exit_code = 75

    def __init__(self, code: str, message: str, *, definite: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.definite = definite

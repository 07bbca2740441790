"""What a page shows when it is not what we came for: one error with a code, judged where all its consequences stand."""

from integrator.errors import IntegratorError


class Trouble(IntegratorError):
    """Something seen in a browser. code is one of integrator.domain.orderlines.reasons.REASONS.

    The browser itself raises "slow", "layout-changed", "browser", "unexpected-dialog" and "erp-unavailable".
    definite   the page's own answer to a save: nothing was written (a red text, a 409). Still proved by reading.
    """

    exit_code = 75

    def __init__(self, code: str, message: str, *, definite: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.definite = definite

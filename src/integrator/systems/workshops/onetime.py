"""One-time codes of a login (RFC 6238 with its usual values: SHA-1, 30 s, six digits).

pyotp refuses secrets below 112 bits since 2.10, and many that are in use have 80 (16 characters).
"""

import base64
import hmac

from integrator.secret import Secret
from integrator.systems.browser.trouble import Trouble

_STEP_S = 30


def code_at(secret: Secret, at: float) -> str:
    """The code at a moment. Errors  Trouble: as key_of()"""
    digest = hmac.digest(key_of(secret), int(at // _STEP_S).to_bytes(8), "sha1")
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06}"


def key_of(secret: Secret) -> bytes:
    """What the codes are made with. Shape  base32, as shown to people: groups of four, small letters, unpadded

    Errors  Trouble login-attention: it is no base32, or empty
    """
    text = "".join(secret.reveal().split()).upper().rstrip("=")
    try:
        key = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:  # also of letters beyond ASCII
        key = b""
    if not key:
        raise Trouble("login-attention", "login: the secret for one-time codes is not base32")
    return key

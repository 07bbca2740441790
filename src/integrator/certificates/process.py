"""The process that sets one certificate: what to set comes by standard input, the result leaves by standard output.

python -m integrator.certificates.process, in the folder of the template. Ends with 3 for a broken template.
"""

import json
import sys
from typing import Any

_MEMORY = 4 << 30  # bytes of address space; threads reserve much of it and use little
_BAD_TEMPLATE = 3


def main() -> int:
    """Errors  none: a broken template is told as JSON on standard error"""
    _limit()
    asked = json.load(sys.stdin)
    import typst

    try:
        made: Any = typst.compile(
            asked["template"],
            root=".",
            font_paths=["."],
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={"data": asked["data"]},
            timestamp=asked["today"],
            package_path="no-packages",
            package_cache_path="no-packages",
        )
    except RuntimeError as error:  # TypstError is one, and so is a file that is not UTF-8
        said = {"message": getattr(error, "message", str(error)), "diagnostic": getattr(error, "diagnostic", "")}
        sys.stderr.write(json.dumps(said))
        return _BAD_TEMPLATE
    sys.stdout.buffer.write(made)
    return 0


def _limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    sys.exit(main())

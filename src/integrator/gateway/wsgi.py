"""`application`, for a server that hosts WSGI: waitress-serve, gunicorn, mod_wsgi.

INTEGRATOR_HOME names the home. Example: gunicorn --workers 2 integrator.gateway.wsgi:application
An installation that is wrong ends the server with its problems on stderr, and no traceback that buries them.
"""

import os
import sys

from integrator.errors import IntegratorError
from integrator.gateway.app import create_app
from integrator.gateway.unready import words
from integrator.home import file_error, need_home

# gunicorn 26 starts a worker anew that ends with any other code than its own WORKER_BOOT_ERROR, for ever.
_GUNICORN_ENDS = 3

os.umask(0o077)
try:
    application = create_app(need_home(os.environ), os.environ)
except (IntegratorError, OSError) as error:
    print(words(error), file=sys.stderr, flush=True)  # noqa: T201 (there is no terminal of ours here)
    ours = file_error(error) if isinstance(error, OSError) else error
    raise SystemExit(_GUNICORN_ENDS if "gunicorn.arbiter" in sys.modules else ours.exit_code) from None

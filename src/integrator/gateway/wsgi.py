"""`application`, for a server that hosts WSGI: waitress-serve, gunicorn, mod_wsgi.

INTEGRATOR_HOME names the home. Example: gunicorn --workers 2 integrator.gateway.wsgi:application
"""

import os

from integrator.gateway.app import create_app
from integrator.home import need_home

os.umask(0o077)
application = create_app(need_home(os.environ), os.environ)

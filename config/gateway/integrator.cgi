#!/opt/integrator/bin/python
# The gateway by plain CGI. Copy this file to where your web server starts scripts; mend the two paths in it where
# yours are others, and see that it can be started: chmod 755 integrator.cgi
# The web server must start it as the user who owns the home folder (Apache: suEXEC), and pass X-Api-Key on, as it does
# with any header. An address is then  https://…/cgi-bin/integrator.cgi/api/orders  and so on.
import os

os.environ.setdefault("INTEGRATOR_HOME", "/srv/integrator")

from integrator.gateway.cgi import serve

serve()

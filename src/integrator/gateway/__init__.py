"""The doorway for systems that must call us: a WSGI application that checks, writes to the store, and answers.

It keeps nothing between two requests and does no work of its own: what a request asks for is done by the same functions
as the commands', and what must leave for another system waits in the outbox for the jobs.
"""

from integrator.gateway.app import create_app

__all__ = ["create_app"]

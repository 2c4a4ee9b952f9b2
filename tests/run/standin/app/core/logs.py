"""The web server's log of the stand-in: gunicorn's own."""

from gunicorn.glogging import Logger as GunicornLogger

__all__ = ["GunicornLogger"]

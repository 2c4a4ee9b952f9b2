"""`flask --app app desk …`: the group that every capability's commands join."""

from flask.cli import AppGroup

desk = AppGroup("desk", help="The desk's own commands. Answers go to stdout, everything else to stderr.")

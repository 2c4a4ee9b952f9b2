"""Stand-in."""

from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()

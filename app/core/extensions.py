"""Flask extensions that rules and doors share; create_app() initialises them."""

from flask_appbuilder.utils.legacy import get_sqla_class
from flask_migrate import Migrate
from flask_wtf.csrf import CSRFProtect

from app.core.session import DeskSession

db = get_sqla_class()(session_options={"class_": DeskSession})
migrate = Migrate()
csrf = CSRFProtect()

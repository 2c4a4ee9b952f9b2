"""The session of the database: what a reading request reads, it reads without a transaction, which would cost a round trip at each end."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache
from typing import Any

from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import Connection, Engine, event
from sqlalchemy.orm import Session, SessionTransaction

reads_only: ContextVar[bool] = ContextVar("reads_only", default=False)
"""Whether this request, or block, only reads."""
PLAIN = "deskhand_plain_reads"
"""The option of a connection that begins nothing."""
PEN = "deskhand_pen"
"""In a session's notes while its transaction may write."""


class DeskSession(FlaskSession):
    """Takes a second connection, with a transaction, as soon as a reading request writes, locks or asks for anything but a SELECT;
    from then on all it asks is asked there, so that it finds what it wrote."""

    def get_bind(self, mapper: Any = None, clause: Any = None, bind: Any = None, **kwargs: Any) -> Engine | Connection:
        engine = super().get_bind(mapper=mapper, clause=clause, bind=bind, **kwargs)
        if bind is None and isinstance(engine, Engine) and self._only_reads(clause):
            return _plain(engine)
        return engine

    def _only_reads(self, clause: Any) -> bool:
        """A flush and a savepoint name no clause, or come when the pen is out."""
        if not reads_only.get() or PEN in self.info or self.in_nested_transaction():
            return False
        selects = bool(getattr(clause, "is_select", False) and getattr(clause, "_for_update_arg", None) is None)
        return (
            selects and "yield_per" not in clause.get_execution_options()
        )  # a cursor of the server's lives in a transaction


@lru_cache(16)
def _plain(engine: Engine) -> Engine:
    """The same engine and pool. SQLite's driver begins nothing by itself; PostgreSQL's is told so."""
    sqlite = engine.dialect.name == "sqlite"
    return engine.execution_options(**{PLAIN: True}, **({} if sqlite else {"isolation_level": "AUTOCOMMIT"}))


@event.listens_for(Session, "after_begin")
def _take_pen(session: Session, _transaction: SessionTransaction, connection: Connection) -> None:
    if not connection.get_execution_options().get(PLAIN):
        session.info[PEN] = True


@event.listens_for(Session, "after_transaction_end")
def _put_pen_down(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(PEN, None)

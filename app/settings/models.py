"""One row a setting that somebody changed; what nobody changed has its default from the code."""

import datetime as dt
from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.model import Base


class Setting(Base):
    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
    changed_at: Mapped[dt.datetime] = mapped_column(default=clock.now, onupdate=clock.now)
    changed_by: Mapped[str | None]

    def __str__(self) -> str:
        return self.name

"""What a person can do that not everybody can: a language, a product. Work may ask for it."""

from __future__ import annotations

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import Column, ForeignKey, Integer, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.model import Base, BigId, intpk, longtext

staff_skill = Table(
    "staff_skill",
    Base.metadata,
    Column("skill_id", BigId, ForeignKey("skill.id", ondelete="CASCADE"), primary_key=True),
    Column("staff_id", Integer, ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True, index=True),
)


class Skill(Base):
    __tablename__ = "skill"

    id: Mapped[intpk]
    name: Mapped[str] = mapped_column(unique=True)
    description: Mapped[longtext | None]

    people: Mapped[list[User]] = relationship(User, secondary=staff_skill, order_by=User.first_name)

    def __str__(self) -> str:
        return self.name

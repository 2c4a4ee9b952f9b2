"""The declarative base of every table of ours, on the metadata that Flask-AppBuilder's own tables use."""

import datetime as dt
import enum
from typing import Annotated, Any

from flask_appbuilder import Model as FabModel
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Enum, Integer, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry


class UTCDateTime(TypeDecorator[dt.datetime]):
    """An instant: refuses naive datetimes on the way in, returns UTC-aware ones on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: use app.core.clock.now()")
        return value.astimezone(dt.UTC) if value is not None else None

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Base(DeclarativeBase):
    registry = registry(
        metadata=FabModel.metadata,
        type_annotation_map={
            dt.datetime: UTCDateTime(),
            str: String(255),
            dict[str, Any]: JSON(),
            enum.Enum: Enum(
                enum.Enum,
                native_enum=False,
                create_constraint=False,
                length=32,
                values_callable=lambda kind: [member.value for member in kind],
            ),
        },
    )


BigId = BigInteger().with_variant(Integer, "sqlite")
"""Ids are 64 bits wide; SQLite numbers rows by itself only when the type is spelled INTEGER."""

intpk = Annotated[int, mapped_column(BigId, primary_key=True)]
longtext = Annotated[str, mapped_column(Text)]

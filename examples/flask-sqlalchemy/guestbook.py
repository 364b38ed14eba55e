"""A guestbook in SQLite."""

import os
from datetime import datetime, timezone

from flask import Flask, abort, redirect, render_template, request, session, url_for
from sqlalchemy import String, create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker
from sqlalchemy.schema import CreateTable
from standpipe import on_fork

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]  # the same one in all workers: each reads the cookies of the others
app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
Database = sessionmaker()


class Base(DeclarativeBase):
    pass


class Entry(Base):
    __tablename__ = "entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(String(1000))
    written: Mapped[datetime] = mapped_column(default=lambda: datetime.now(timezone.utc))


@on_fork
def connect():
    """Runs once in each worker. With preload, workers are forks of the process that imports this file, and processes must not share a
    connection."""
    engine = create_engine(os.environ.get("DATABASE_URL", "sqlite:///guestbook.db"))
    with engine.begin() as connection:
        connection.execute(CreateTable(Entry.__table__, if_not_exists=True))
    Database.configure(bind=engine)


@app.get("/")
def page():
    with Database() as database:
        entries = database.scalars(select(Entry).order_by(Entry.id.desc()).limit(50)).all()
    return render_template("guestbook.html", entries=entries, name=session.get("name", ""))


@app.post("/")
def write():
    name, text = request.form["name"].strip(), request.form["text"].strip()
    if not 0 < len(name) <= 80 or not 0 < len(text) <= 1000:
        abort(400)
    with Database.begin() as database:
        database.add(Entry(name=name, text=text))
    session["name"] = name
    return redirect(url_for("page"), 303)

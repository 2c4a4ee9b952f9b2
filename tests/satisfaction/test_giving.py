"""What a customer answers: who may, what, until when, and what becomes of it."""

from __future__ import annotations

import datetime as dt

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import literal, select

from app.accounts.viewer import CustomerActor
from app.core import clock
from app.core.errors import Forbidden, Invalid
from app.core.extensions import db
from app.notifications.models import Notice, NoticePreference, Notification
from app.satisfaction import giving
from app.satisfaction.giving import LONGEST_COMMENT, Answer, TooLate
from app.tickets import merging
from app.tickets.mergeable import Merged
from app.tickets.scores import Scale, Verdict, verdict, where_verdict
from app.tickets.timeline import Did
from tests.factories import a_customer, a_supervisor, a_ticket, acting, an_agent, an_organization, run_jobs
from tests.satisfaction.desk import a_rating, a_solved, asking_desk, rate, ratings


def test_an_answer_is_kept_on_the_ticket_with_an_event_and_whoever_had_it(app: Flask) -> None:
    asking_desk()
    agent = an_agent()
    rating = a_rating(1, "Nobody called back.", agent=agent)

    assert (rating.score, rating.comment, rating.staff_id) == (1, "Nobody called back.", agent.id)
    assert rating.ticket.rating == 1 and rating.verdict is Verdict.BAD
    event = rating.ticket.events[-1]
    assert event.what is Did.RATED and event.customer_id == rating.customer_id and "Bad" in event.sentence
    assert "Nobody called back." not in str(event.particulars), "words are in one place alone"


def test_a_ticket_may_be_rated_unasked(app: Flask) -> None:
    asking_desk(satisfaction_delay_hours=5)

    assert a_rating().asked_at is None


def test_the_same_answer_again_changes_nothing_another_one_is_a_second_event(app: Flask) -> None:
    asking_desk(satisfaction_scale="stars")
    ticket = a_solved()
    for score in (4, 4, 2):
        rate(ticket, score)

    rated = [event for event in ticket.events if event.what is Did.RATED]
    assert len(rated) == 2 and "4 of 5" in rated[1].sentence and "2 of 5" in rated[1].sentence
    assert ticket.rating == 2 and ratings()[0].changed_at is not None


def test_an_answer_can_be_changed_for_its_days_and_no_longer(app: Flask) -> None:
    asking_desk(satisfaction_days=3)
    ticket = a_solved()
    rate(ticket, 5)
    with clock.at(clock.now() + dt.timedelta(days=2)):
        rate(ticket, 1)

    with clock.at(clock.now() + dt.timedelta(days=4)), pytest.raises(TooLate):
        rate(ticket, 5)
    assert ticket.rating == 1


@pytest.mark.parametrize("score", ["", "0", "3", "6", "-1", "1.0", "five", "１", "5\n5"])
def test_what_is_no_answer_of_the_scale_is_refused(app: Flask, score: str) -> None:
    asking_desk()
    ticket = a_solved()

    with pytest.raises(Invalid) as refusal:
        giving.give_in_portal(ticket, Answer(score), by=CustomerActor.of(ticket.requester))
    assert "score" in refusal.value.fields


def test_a_comment_is_bounded_and_loses_signs_that_nobody_sees(app: Flask) -> None:
    asking_desk()
    ticket = a_solved()
    with pytest.raises(Invalid) as refusal:
        rate(ticket, 5, "x" * (LONGEST_COMMENT + 1))

    rating = rate(ticket, 5, " <b>a</b>\x00\x1b[31m\u202eb\r\nc 👩\u200d🚒 ")
    assert "comment" in refusal.value.fields
    assert rating.comment == "<b>a</b>[31mb\nc 👩\u200d🚒"


def test_a_rating_keeps_the_scale_with_which_it_was_asked(app: Flask) -> None:
    asking_desk(satisfaction_scale="stars")
    ticket = a_solved()
    asking_desk(satisfaction_scale="faces")

    assert rate(ticket, 3).scale is Scale.STARS


def test_nobody_but_the_requester_rates(app: Flask) -> None:
    asking_desk()
    firm = an_organization()
    colleague = a_customer(organization=firm)
    ticket = a_solved(requester=a_customer(organization=firm))
    rating = rate(ticket)

    for person in (colleague, a_customer()):
        assert giving.card(ticket, CustomerActor.of(person)) is None
        with pytest.raises((Forbidden, TooLate)):
            giving.give_in_portal(ticket, Answer("1"), by=CustomerActor.of(person))
        with pytest.raises(Forbidden):
            giving.give(rating, Answer("1"), by=CustomerActor.of(person))
    assert ticket.rating == 5


def test_an_open_ticket_is_not_rated_in_the_portal_and_none_while_the_desk_does_not_ask(app: Flask) -> None:
    asking_desk()
    ticket, live = a_solved(), a_ticket()
    with pytest.raises(TooLate):
        rate(live)
    asking_desk(satisfaction=False)

    with pytest.raises(TooLate):
        rate(ticket)


def test_a_rating_stays_with_its_ticket_when_that_is_merged_and_can_be_changed_again_when_it_comes_out(
    app: Flask,
) -> None:
    asking_desk()
    ticket, primary = a_solved(), a_ticket()
    rating = rate(ticket, 5)
    supervisor = acting(a_supervisor())
    merging.merge(ticket, into=primary, by=supervisor)
    db.session.commit()
    with pytest.raises(Merged):
        giving.give(rating, Answer("1"), by=CustomerActor.of(ticket.requester))
    merging.unmerge(ticket, by=supervisor)
    db.session.commit()

    giving.give(rating, Answer("1"), by=CustomerActor.of(ticket.requester))
    assert (rating.ticket_id, ticket.rating, primary.rating) == (ticket.id, 1, None)


def kinds_of(staff_id: int) -> list[Notice]:
    told = select(Notification.kind).where(
        Notification.staff_id == staff_id, Notification.kind.in_((Notice.RATED, Notice.BAD_RATING))
    )
    return list(db.session.scalars(told.order_by(Notification.id)))


def test_the_assignee_hears_of_each_rating_supervisors_of_bad_ones_alone(app: Flask) -> None:
    asking_desk()
    agent, supervisor, other = an_agent(), a_supervisor(), an_agent()
    a_rating(5, agent=agent)
    good = kinds_of(agent.id), kinds_of(supervisor.id)
    a_rating(1, agent=agent)

    assert good == ([Notice.RATED], [])
    assert kinds_of(agent.id) == [Notice.RATED, Notice.RATED]
    assert kinds_of(supervisor.id) == [Notice.BAD_RATING] and kinds_of(other.id) == []


def test_a_supervisor_who_wants_a_mail_of_bad_ratings_gets_it_with_the_words(app: Flask) -> None:
    from app.mail.models import Delivery

    asking_desk()
    supervisor = a_supervisor()
    db.session.add(NoticePreference(staff_id=supervisor.id, kind=Notice.BAD_RATING, app=False, mail=True))
    a_rating(1, "Nobody <called> back.")
    run_jobs()

    mail = db.session.scalars(select(Delivery).where(Delivery.kind == "rated")).one()
    assert mail.staff_id == supervisor.id and kinds_of(supervisor.id) == []
    assert b"Nobody &lt;called&gt; back." in (mail.raw or b"")


@given(st.integers(1, 5), st.sampled_from(list(Verdict)))
def test_python_and_sql_agree_what_is_good(app: Flask, score: int, wanted: Verdict) -> None:
    assert db.session.scalar(select(where_verdict(literal(score), wanted))) == (verdict(score) is wanted)

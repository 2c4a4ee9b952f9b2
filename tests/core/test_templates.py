"""Our way of compiling templates says what Jinja's own says."""

import pytest
from flask import render_template_string
from markupsafe import Markup

HOSTILE = "<script>alert(1)</script>"


class Told(str):
    """Text of a class of its own, as a row's may be."""


class Drawn:
    def __html__(self):
        return "<i>drawn</i>"


@pytest.mark.parametrize("text", [HOSTILE, Told(HOSTILE)])
@pytest.mark.parametrize(
    "template",
    [
        "{{ text }}",
        "{{ text ~ '' }}",
        "{% macro say(it) %}{{ it }}{% endmacro %}{{ say(text) }}",
        "{% set kept %}{{ text }}{% endset %}{{ kept }}",
        "{% for one in [text] %}{{ one }}{% endfor %}",
        "{{ _('%(name)s wrote', name=text) }}",
    ],
)
def test_text_is_escaped_once_wherever_it_stands(app, template, text):
    with app.test_request_context():
        said = render_template_string(template, text=text)

    assert "<script" not in said and said.count("&lt;script&gt;") == 1 and "&amp;" not in said


def test_what_is_html_already_stays_so(app):
    with app.test_request_context():
        said = render_template_string(
            "{{ one }}{{ two }}{{ 3 }}{{ none }}", one=Markup("<b>x</b>"), two=Drawn(), none=None
        )

    assert said == "<b>x</b><i>drawn</i>3None"


def test_a_file_that_is_no_html_is_left_as_it_is(app):
    with app.test_request_context():
        assert app.jinja_env.overlay(autoescape=False).from_string("{{ text }}").render(text=HOSTILE) == HOSTILE


def test_words_are_called_with_what_is_given_in_any_way(app):
    with app.test_request_context():
        said = render_template_string(
            "{{ ngettext('%(num)d ticket', '%(num)d tickets', 2) }} {{ _(*['Tickets']) }} {{ _('%(class)s', class='x') }}"
        )

    assert said == "2 tickets Tickets x"


def test_all_forms_of_a_page_carry_one_token_that_counts(app):
    with app.test_request_context():
        first, second = render_template_string("{{ csrf_token() }} {{ csrf_token() }}").split()

    assert first == second and len(first) > 40

"""What other people's HTML may still do when it is shown: nothing but be read."""

import re

import pytest

from app.core import markup
from app.core.html import clean, from_letter, from_markdown, from_text, text_of, with_remote_images
from tests.effort import effort

ACTING = re.compile(
    r"<(?:script|iframe|form|base|meta|style|link|object|embed|svg|math|input|button)\b|\son\w+\s*=|\s(?:style|id|class|srcset|background)\s*=|(?:javascript|vbscript|data):[^\s]",
    re.I,
)
ATTACKS = {
    "script": "<script>alert(1)</script>",
    "script with a broken end": "<script>alert(1)</script ",
    "nested script": "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "event of an image": "<img src=x onerror=alert(1)>",
    "event without quotes after a slash": "<img/src=x/onerror=alert(1)>",
    "event on the body": "<body onload=alert(1)>hi",
    "link to javascript": '<a href="javascript:alert(1)">x</a>',
    "scheme in mixed case with a tab": '<a href="jAvA\tscript:alert(1)">x</a>',
    "scheme in entities": '<a href="&#106;avascript&colon;alert(1)">x</a>',
    "link to vbscript": '<a href="vbscript:msgbox(1)">x</a>',
    "link to data": '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    "image from data": '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    "svg with an event": "<svg onload=alert(1)><circle/></svg>",
    "svg with xlink": '<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
    "svg animating a link": '<svg><animate attributeName=href values="javascript:alert(1)"/></svg>',
    "mathml, mglyph and style": "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "title in noscript": "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "frame": "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "form": "<form action=https://evil.example><input name=p><button>go</button></form>",
    "base": "<base href=https://evil.example/>",
    "refresh": "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "style": "<style>body{background:url(https://evil.example)}</style><p style='position:fixed' class=modal id=top>x</p>",
    "object and embed": "<object data=x.swf></object><embed src=x.swf>",
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_that_acts_outlives_cleaning(attack: str):
    cleaned = clean(f"<p>before</p>{attack}")

    assert not ACTING.search(cleaned)
    assert "before" in cleaned
    assert clean(cleaned) == cleaned


def test_attached_pictures_stay_and_remote_ones_wait_for_a_click():
    cleaned = clean('<img src="cid:logo"><img src="https://tracker.example/p.gif" width="1">')

    assert cleaned == '<img src="cid:logo"><img data-src="https://tracker.example/p.gif" width="1">'
    assert ' src="https://tracker.example/p.gif"' in with_remote_images(cleaned)


def test_a_picture_cannot_bring_its_own_waiting_address():
    assert "javascript" not in with_remote_images(clean('<img data-src="javascript:alert(1)" src="cid:a">'))


def test_addresses_on_this_server_are_for_our_own_writers():
    link = '<a href="/admin/tickets/1">x</a><a href="//evil.example">y</a>'

    assert "href" not in clean(link)
    assert 'href="/admin/tickets/1"' in clean(link, own_links=True)
    assert "evil.example" not in clean(link, own_links=True)


HEAVY = {
    "nested divisions": "<div>",
    "nested bold": "<b>",
    "formatting reopened in each paragraph": "".join(f"<i a{n}>" for n in range(150)) + "<p>x",
    "pictures beside table cells": "<table>x<i></i>",
    "unclosed comments": "<!--",
    "unclosed quotes": '<a b="',
    "bare brackets": "<",
    "bare ampersands": "&",
    "unclosed scripts": "<script>",
    "unclosed list items": "<li>",
    "a tag of a hundred thousand attributes": "<a " + " ".join(f"a{n}" for n in range(100_000)),
    "a huge number": "&#" + "9" * 900_000 + ";",
}


@pytest.mark.parametrize("piece", HEAVY.values(), ids=HEAVY)
def test_a_megabyte_of_hostile_html_is_shown_as_text_with_little_work(piece: str):
    page = "<p>Hello</p>" + piece * (1_000_000 // len(piece))

    assert effort(lambda: clean(page), enough=30) < 30
    cleaned = clean(page)
    assert "Hello" in cleaned
    assert not ACTING.search(cleaned)


def test_a_megabyte_of_nested_divisions_is_recognised_at_once():
    assert effort(lambda: markup.hostile("<div>" * 200_000), enough=1) < 1
    assert markup.hostile("<div>" * 200_000)


def test_a_long_ordinary_newsletter_is_no_bomb():
    row = '<tr><td class="a"><p>Ten <b>new</b> things<br>for <a href="https://shop.example/?a=1&amp;b=2">you</a></td></tr>'

    assert not markup.hostile(f"<html><body><table>{row * 2_000}</table></body></html>")


def test_a_correspondence_of_years_is_no_bomb():
    assert not markup.hostile("<div>Re: " * 400 + "</div>" * 400)


def test_text_of_html_reads_like_the_page():
    page = "<head><title>no</title><style>p{}</style></head><div>One<div>Two</div></div><p>Three &amp; <b>four</b></p>x<br>y"

    assert text_of(page) == "One\nTwo\n\nThree & four\n\nx\ny"


def test_text_is_escaped_before_it_is_linked():
    shown = from_text('<b onclick=1> "https://a.example" onmouseover=1 javascript:alert(1) mail@x.example\n\nNext')

    assert "<b" not in shown
    assert shown.count("<a ") == 2
    assert 'href="https://a.example"' in shown
    assert 'href="mailto:mail@x.example"' in shown
    assert shown.endswith("<p>Next</p>")


def test_a_link_does_not_swallow_the_full_stop():
    assert ">https://a.example/b</a>." in from_text("See https://a.example/b.")


def test_markdown_shows_raw_html_as_text():
    shown = from_markdown(
        "# Title\n\n<script>alert(1)</script> [x](javascript:alert(1)) **bold**\n\n| a |\n|---|\n| 1 |"
    )

    assert not ACTING.search(shown.replace("[x](javascript:alert(1))", ""))
    assert "<h1>Title</h1>" in shown
    assert "<strong>bold</strong>" in shown
    assert "<td>1</td>" in shown


def test_an_unknown_number_of_an_entity_stays_as_it_is():
    assert markup.unescape("&#" + "9" * 5_000 + ";").startswith("&#999")


LETTERS = {
    "bold and a list": (
        "**Now**:\n\n- one\n- two",
        "<p><strong>Now</strong>:</p>\n<ul>\n<li>one</li>\n<li>two</li>\n</ul>",
    ),
    "line ends stay": ("*Dear* Ada,\nhello", "<p><em>Dear</em> Ada,<br>\nhello</p>"),
    "a share stays whole": (r"Open `x` on \\server\_new", r"<p>Open <code>x</code> on \\server\_new</p>"),
    "names of files are no addresses": ("run setup.py and my_new_file", "<p>run setup.py and my_new_file</p>"),
    "a signature is no heading": ("**Regards**\n--\nLena", "<p><strong>Regards</strong><br>\n--<br>\nLena</p>"),
    "stars of a product stay": ("> 2*3*4 and a**b**c", "<blockquote>\n<p>2*3*4 and a**b**c</p>\n</blockquote>"),
    "a bold word with a comma": ("(**so**), *you*!", "<p>(<strong>so</strong>), <em>you</em>!</p>"),
    "a heading is a bold line": ("# Steps", "<p><strong>Steps</strong></p>"),
    "a footnote stays": ("See it.\n\n[1]: first", "<p>See it.</p>\n<p>[1]: first</p>"),
    "HTML stays as typed": ("<b>x</b> &lt; **y**", "<p>&lt;b&gt;x&lt;/b&gt; &amp;lt; <strong>y</strong></p>"),
}


@pytest.mark.parametrize(("typed", "read"), LETTERS.values(), ids=LETTERS)
def test_what_the_team_writes_is_markdown_that_loses_nothing(typed: str, read: str):
    assert from_letter(typed).strip() == read


def test_an_address_in_a_letter_is_one_link_to_its_end():
    shown = from_letter("**See** https://a.example/_new_/x or [here](https://b.example 'c<d'), kim@c.example")

    assert shown.count("<a ") == 3
    assert 'href="https://a.example/_new_/x"' in shown
    assert 'href="mailto:kim@c.example"' in shown
    assert "title" not in shown


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_nothing_in_a_letter_acts(attack: str):
    shown = from_letter(f"**before** {attack} [x](javascript:alert(1)) ![y](https://tracker.example/p.gif)")

    assert re.search(r"<(?!/?(?:p|strong|a|br|em|code)\b)", shown) is None
    assert re.search(r'<a href="(?!https://|mailto:)', shown) is None


@pytest.mark.parametrize(
    "piece",
    ["*a ", "[", "[a](", "```\n", "> ", "_a_", "|a", "- ", "![](", "https://a.example/*", "a@", "*_", "a*", "a**b"],
)
def test_no_letter_holds_us(piece: str):
    letter = (piece * 50_000)[:50_000]

    assert effort(lambda: from_letter(letter), 25) < 25

"""What a browser would send for a page's form that nobody changed."""

from html.parser import HTMLParser


class _Form(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, list[str]] = {}
        self.select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "select":
            self.select = given.get("name") or ""
        elif tag == "option" and self.select and "selected" in given:
            self.fields[self.select] = [given.get("value") or ""]
        elif tag == "input" and given.get("name") and (given.get("type") != "checkbox" or "checked" in given):
            value = given.get("value") if given.get("type") != "checkbox" else given.get("value") or "on"
            self.fields.setdefault(str(given["name"]), []).append(value or "")


def filled(page: str) -> dict[str, list[str]]:
    form = _Form()
    form.feed(page[page.index('<form class="card form macro"') :])
    return form.fields

"""Walking a page by keys alone: from stop to stop as somebody without a mouse does, looking at each one whether the eye finds it."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

MOST_STOPS = 120
SEEN = """() => {
  const stop = document.activeElement;
  if (!stop || stop === document.body) return "nothing";
  if (stop.type === "date") return "";  // its parts and its calendar show the browser's own signs
  const marked = (element) => {
    const style = getComputedStyle(element);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
  };
  const box = stop.getBoundingClientRect();
  const around = stop.closest("label, .box, .choice, .select2-container, .drop, .find, tr, .side") ?? stop;
  const shown = marked(stop) || [stop.parentElement, stop.closest(".select2-selection"), around, ...stop.querySelectorAll("*")].some((one) => one && marked(one)) || marked(stop.nextElementSibling ?? stop) || getComputedStyle(stop, "::after").outlineStyle !== "none";
  const inside = around.getBoundingClientRect();
  const away = inside.bottom < 0 || inside.top > innerHeight || inside.right < 0 || inside.left > innerWidth;
  return shown && !away && (box.width + inside.width) > 0 ? "" : `${stop.outerHTML.slice(0, 140)} ${shown ? "" : "has no sign of focus"} ${away ? "is out of sight" : ""}`;
}"""


class Keys:
    """`unseen` collects the stops at which nobody could see where they are."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.unseen: list[str] = []

    def open(self, address: str) -> None:
        """By the address bar, which is a deed of the keyboard, too."""
        self.page.goto(address)

    def to(self, wanted: Locator, key: str = "Tab") -> None:
        """Stop by stop until it has the focus."""
        stops = []
        for _stop in range(MOST_STOPS):
            if wanted.count() and wanted.first.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press(key)
            stops.append(self._look())
        raise AssertionError(f"{key} never comes to {wanted}; it came to {stops}")

    def _look(self) -> str:
        trouble = str(self.page.evaluate(SEEN))
        if trouble and trouble != "nothing":
            self.unseen.append(f"{self.page.url}: {trouble}")
        return str(self.page.evaluate("() => document.activeElement?.outerHTML.slice(0, 60)"))

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, wanted: Locator, text: str) -> None:
        self.to(wanted)
        self.page.keyboard.type(text)

    def enter(self, wanted: Locator, key: str = "Enter") -> None:
        """Go there and use it."""
        self.to(wanted)
        self.page.keyboard.press(key)

    def choose(self, wanted: Locator, label: str) -> None:
        """In a list, by the first letters of what is wanted."""
        self.to(wanted)
        self.page.keyboard.type(label)
        expect(wanted.locator("option:checked")).to_contain_text(label)

    def expect_here(self, wanted: Locator) -> None:
        expect(wanted).to_be_focused()

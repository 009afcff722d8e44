"""The rating form in a real browser: what a person does with it, and what the next stage reads of that."""

import contextlib
import csv
import dataclasses
import io
import time

import pytest
from browser import open_browser, prefer_colours
from rating.toys import make_form

from pipeline.rating.answers import read_form

WIDE, NARROW = (1280, 900), (360, 740)
NAME = '=Zoë "O\'Neil", the 1st; or so'
# As a browser does that must not keep anything.
NO_STORAGE = 'Object.defineProperty(window, "localStorage", {get() { throw new DOMException("", "SecurityError"); }})'


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_form(tmp_path_factory.mktemp("form"))


@contextlib.contextmanager
def visitor(made, size, downloads):
    """A person in front of the page."""
    with open_browser(*size, downloads) as driver:
        driver.get(made.page.as_uri())
        yield Visitor(driver, made, downloads)


class Visitor:
    def __init__(self, driver, made, downloads):
        self.driver, self.downloads = driver, downloads
        self.images = {uri: name for name, uri in made.uris.items()}

    def element(self, name):
        return self.driver.find_element("id", name)

    def shown(self, name):
        return self.element(name).is_displayed()

    @property
    def image(self):
        """The id of the image that is to be seen."""
        return self.images[self.element("image").get_attribute("src")]

    def type(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*keys).perform()

    def begin(self, name):
        self.element("rater").send_keys(name)
        self.type("\n")

    def pressed(self):
        return [
            int(button.text)
            for button in self.driver.find_elements("css selector", "#choices button")
            if button.get_attribute("aria-pressed") == "true"
        ]

    def exported(self, count=1):
        """The newest of `count` exported files."""
        end = time.monotonic() + 10
        while len(files := sorted(self.downloads.glob("*.csv"), key=lambda path: path.stat().st_mtime_ns)) < count:
            assert time.monotonic() < end, "no export"
            time.sleep(0.05)
        return files[-1]


def test_a_form_rated_by_keyboard_with_a_break_and_corrections(made, tmp_path):
    from selenium.webdriver.common.keys import Keys

    with visitor(made, WIDE, tmp_path) as person:
        person.begin(NAME)
        given = {}
        for number in range(9):
            assert person.element("progress").text == f"Image {number + 1} of 9, {number} rated"
            if number == 5:
                before = person.image
                person.driver.refresh()
                assert person.image == before and person.shown("rating")
            given[person.image] = number % 5 + 1
            person.type(str(number % 5 + 1))
        assert person.shown("done") and not person.shown("rating")

        # Two back, another rating, and the last one as it was.
        person.type(Keys.ARROW_LEFT)
        assert person.pressed() == [4]
        person.type(Keys.BACKSPACE)
        assert given[person.image] == 3
        given[person.image] = 5
        person.type("5", Keys.ARROW_RIGHT)
        assert person.shown("done")
        person.type(Keys.ENTER)
        form = read_form(person.exported(), made.ids)
        assert (form.rater, form.ratings) == (NAME, given)
        # By this mark a spreadsheet knows the encoding.
        assert person.exported().read_bytes().startswith(b"\xef\xbb\xbfrater,")
        # On another button Enter is that button's.
        person.driver.execute_script("document.getElementById('other').focus()")
        person.type(Keys.ENTER)
        assert person.shown("start")
        time.sleep(0.5)
        assert len(list(tmp_path.iterdir())) == 1
        person.begin(NAME)
        person.driver.execute_script("document.activeElement.blur()")
        person.type(Keys.ENTER)
        assert read_form(person.exported(2), made.ids) == dataclasses.replace(form, file=person.exported(2).name)


def test_keys_that_mean_nothing_rate_nothing(made, tmp_path):
    from selenium.webdriver.common.keys import Keys

    with visitor(made, WIDE, tmp_path) as person:
        person.begin("3 5")
        assert person.element("progress").text == "Image 1 of 9, 0 rated"
        for key in ("0", "6", "x", Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.BACKSPACE):
            person.type(key)
            assert person.element("progress").text == "Image 1 of 9, 0 rated"
        # A key held down is one rating, and one with Control is the browser's.
        held = 'document.dispatchEvent(new KeyboardEvent("keydown", {key: "2", %s: true, bubbles: true}))'
        for how in ("repeat", "ctrlKey", "metaKey", "altKey"):
            person.driver.execute_script(held % how)
        assert person.element("progress").text == "Image 1 of 9, 0 rated"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_form_rated_by_hand_on_a_phone(made, tmp_path, scheme):
    with visitor(made, NARROW, tmp_path) as person:
        prefer_colours(person.driver, scheme)
        check_page(person)
        person.element("rater").send_keys("ann")
        person.driver.find_element("css selector", "#start button").click()
        given = {}
        for number in range(9):
            check_page(person)
            if number == 2:
                person.element("export").click()
                early = read_form(person.exported(), made.ids)
                assert early.ratings == given
            button = person.driver.find_elements("css selector", "#choices button")[4 - number % 5]
            given[person.image] = 5 - number % 5
            button.click()
        check_page(person)
        person.element("review").click()
        person.element("back").click()
        person.element("forward").click()
        person.element("forward").click()
        person.element("download").click()
        assert read_form(person.exported(2), made.ids).ratings == given


def check_page(person):
    """Nothing lies beside the screen, every button is large enough for a finger, and every text can be read."""
    width, inner = person.driver.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    assert width <= inner == NARROW[0]
    for button in person.driver.find_elements("css selector", "button"):
        if button.is_displayed():
            assert min(button.rect["width"], button.rect["height"]) >= 44, button.text
    for ratio, text in person.driver.execute_script(CONTRASTS):
        assert ratio >= 7, text


# Of every text to be seen: its contrast with what is behind it (WCAG 2), buttons that are out of use aside.
CONTRASTS = """
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const linear = (part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
const light = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
function behind(element) {
  const colour = numbers(getComputedStyle(element).backgroundColor);
  return colour[3] === 0 ? behind(element.parentElement) : colour;
}
return [...document.querySelectorAll("h1, p, span, label, button")]
  .filter((element) => element.offsetParent && element.innerText.trim() && !element.disabled)
  .map((element) => {
    const pair = [light(numbers(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    return [(pair[0] + 0.05) / (pair[1] + 0.05), element.innerText];
  });
"""


def test_the_page_asks_nothing_of_any_network(made, tmp_path):
    with visitor(made, WIDE, tmp_path) as person:
        person.begin("ann")
        person.type("1", "2", "3")
        entries = person.driver.execute_script("return performance.getEntriesByType('resource').map((one) => one.name)")
        assert [name for name in entries if not name.startswith("data:")] == []
        assert person.driver.get_log("browser") == []
        refused = person.driver.execute_async_script("""
            const done = arguments[0], refused = [];
            document.addEventListener("securitypolicyviolation", (event) => refused.push(event.effectiveDirective));
            new Image().src = "http://127.0.0.1:9/a.png";
            fetch("http://127.0.0.1:9/").catch(() => setTimeout(() => done(refused.sort()), 100));
        """)
        assert refused == ["connect-src", "img-src"]


def test_an_order_is_of_its_rater_alone(made, tmp_path):
    with visitor(made, WIDE, tmp_path) as person:
        orders = {name: person.driver.execute_script("return orderOf(arguments[0])", name) for name in ("ann", "ben")}
        assert set(orders["ann"]) == set(orders["ben"]) == made.ids and len(orders["ann"]) == 9
        assert orders["ann"] != orders["ben"]
        # Over many names, no image has a place of its own.
        firsts = person.driver.execute_script("return [...Array(900).keys()].map((n) => orderOf('rater' + n)[0])")
        assert min(firsts.count(image) for image in made.ids) > 60
    with visitor(made, NARROW, tmp_path) as person:
        assert person.driver.execute_script("return orderOf('ann')") == orders["ann"]


def test_people_at_one_browser_and_forms_of_other_images_do_not_mix(made, tmp_path):
    (tmp_path / "other").mkdir()
    other = make_form(tmp_path / "other", seed=1)
    with visitor(made, WIDE, tmp_path) as person:
        person.begin("ann")
        person.type("1", "2")
        person.element("other").click()
        assert person.shown("start") and not person.shown("rating") and not person.shown("tools")
        person.begin("ben")
        assert person.element("progress").text == "Image 1 of 9, 0 rated"
        person.element("other").click()
        person.begin("  ann ")
        assert person.element("progress").text == "Image 3 of 9, 2 rated"
        person.driver.get(other.page.as_uri())
        assert person.shown("start")
        person.driver.get(made.page.as_uri())
        assert person.element("progress").text == "Image 3 of 9, 2 rated"


def test_without_storage_the_page_works_and_says_what_a_reload_costs(made, tmp_path):
    with visitor(made, WIDE, tmp_path) as person:
        assert not person.shown("unsaved")
        person.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_STORAGE})
        person.driver.refresh()
        assert person.shown("unsaved") and "reload" in person.element("unsaved").text
        person.begin("ann")
        given = {}
        for rating in (2, 4):
            given[person.image] = rating
            person.type(str(rating))
        person.element("export").click()
        assert read_form(person.exported(), made.ids).ratings == given


@pytest.mark.parametrize(
    "name", ["a,b", 'say "x"', "a\r\nb", "Jürgen 李", "=1+1", "+1", "-1", "@a", "'=1", "'a", "\ta", ";"]
)
def test_any_name_survives_the_file(made, browser_at_page, name):
    field = browser_at_page.execute_script("return csvField(arguments[0])", name)
    ((read,),) = csv.reader(io.StringIO(field, newline=""), strict=True)
    assert not read.startswith(("=", "+", "-", "@", "\t"))
    assert read.removeprefix("'") == name or read == name
    path = made.page.with_name("name.csv")
    text = browser_at_page.execute_script("begin(arguments[0]); rate(3); return csvOf(rater)", name)
    path.write_text(text, encoding="utf-8", newline="")
    assert read_form(path, made.ids).rater == name.strip()


@pytest.fixture(scope="module")
def browser_at_page(made, tmp_path_factory):
    with visitor(made, WIDE, tmp_path_factory.mktemp("downloads")) as person:
        yield person.driver

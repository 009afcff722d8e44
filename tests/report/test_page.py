import base64
import hashlib
import itertools
import json
import re
import sys
from pathlib import Path

import pytest
from browser import open_browser
from conftest import ROOT
from report.made_up import HOSTILE, REASON, TABLE3, demo, make_up
from report.reading import Reading

from pipeline.report import page
from pipeline.report.circumstances import RuleTimes
from pipeline.report.owners import Owner
from pipeline.stage import WrongInput

SURROUNDINGS = {
    "owners": {name: Owner(HOSTILE, "CC0", "") for name in demo().experiments},
    "times": [RuleTimes("poses", [1.0, 4.0], 3, 2, 512.0), RuleTimes("tables", [], 0, 1, None)],
    "revision": ("0123abcd", True),
    "software": {"python": "3.11"},
    "machine": {"cores": "2", "GPU": HOSTILE},
}
CONTRAST = 4.5  # WCAG 2.1, AA, of text


def render(study, paths):
    return page.render(page.content_of(study, page.sorted_by_kind(paths, study.experiments)), SURROUNDINGS)


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The study and the paths of everything that its report may show, in the current folder."""
    monkeypatch.chdir(tmp_path)
    study = demo()
    return study, make_up(study)


@pytest.fixture
def read(made):
    return Reading(render(*made))


def base64_of(path):
    return base64.b64encode(Path(path).read_bytes()).decode()


def test_every_input_is_on_the_page(made):
    study, paths = made
    text = render(study, paths)
    read = Reading(text)
    for path in paths:
        if path.suffix == ".pdf" or path.parent.name == "figures" or re.fullmatch(r"(table\d|rivals)\.csv", path.name):
            assert base64_of(path) in text
    pictures = [path for path in paths if path.suffix == ".png"]
    assert len(read.all("img")) == len(pictures) == len({*pictures})
    told = [" ".join(element[2].split()) for element in read.all("h3", "th", "caption")]
    for path in paths:
        if path.parent.name in ("training", "measures", "quality", "manifests", "ratings"):
            assert path.stem in told
    claimed = (
        "</script> helps.",
        "has a near-duplicate.",
        "1 class rose",
        "Krippendorff's alpha 0.50",
        "31.25",
        "(16)",
    )
    for words in (*claimed, "Table of rivals", "60.50"):
        assert words in read.text


def test_a_split_that_leaks_is_warned_of_and_no_other(made):
    read = Reading(render(*made))
    leaking = [text for _, _, text in read.all("strong") if "leaks" in text]
    assert len(leaking) == 1
    assert "Numbers on drawn_signs are better" in read.text and "Numbers on drawn_gestures" not in read.text


def test_names_that_look_like_html_stay_text(read):
    assert read.all("b") == []
    assert any(text == HOSTILE for _, _, text in read.all("th"))
    assert f"{HOSTILE}.csv" in [text for _, _, text in read.all("code")]
    assert HOSTILE in [text for _, _, text in read.all("td")]
    # One script and one style: none of the names ended or began another.
    assert len(read.all("script")) == len(read.all("style")) == 1


def test_a_class_called_nan_keeps_its_name_and_its_loss_its_reason(read):
    assert "nan" in [text for _, _, text in read.all("th")]
    assert "no <hand> seen (1)" in read.text


def test_a_card_names_damaged_photographs_and_tells_the_licence(read):
    assert "1 photographs that could not be read" in read.text and "c: <c>.jpg" in read.text
    assert "CC0" in read.text and "subset, 5 training images per class, seed 0" in read.text


def test_numbers_and_their_reasons_are_those_of_the_csv(read):
    start = next(place for place, element in enumerate(read.elements) if element[1].get("id") == "table3")
    cells = [(own, " ".join(text.split())) for tag, own, text in read.elements[start:] if tag in ("td", "th")]
    body = [(own, text) for own, text in cells if own.get("scope") in (None, "row")][: TABLE3.size]
    empty = {"Human": "not run 1", "Human (paper)": "\u2013not in the paper"}
    wanted = [cell or empty[name] for row in TABLE3.to_dict("records") for name, cell in row.items()]
    assert [text.replace(" ★ (best)", "") for _, text in body] == wanted
    assert [text for own, text in body if own.get("title") == REASON] == ["not run 1"]
    best = {text for own, text in body if "best" in own.get("class", "").split()}
    assert best == {"1999.00 ± 2.00 ★ (best) [1990.00, 2010.50]", "45.45 ★ (best)", "2.33 ± 0.20 ★ (best)"}


def test_a_page_of_nothing_says_of_every_kind_that_it_is_missing(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    read = Reading(render(demo(), []))
    for what in (
        "Not made in this study: Tables 3, 4, 5, 6, 7, 8, 9.",
        "Not made in this study: Figures 1, 2, 3, 4, 5, 6, 7, 8, 9.",
        "No claim was computed",
        "rate, put the CSV that it gives into data/ratings/",
        "Not measured in this study.",
        "No verdict was made in this study",
        "No table of rivals was made in this study.",
        "Real hands: no sheet was made",
        "Generated images: no sheet was made",
        "No curve is among",
        "No data set is among",
    ):
        assert what in read.text


def test_every_anchor_leads_somewhere_and_headings_go_down_by_one(read):
    ids = read.attributes("id")
    assert len(ids) == len(set(ids))
    links = [link.removeprefix("#") for link in read.attributes("href") if link.startswith("#")]
    assert len(links) > 40 and set(links) <= set(ids)
    levels = [int(tag[1]) for tag, _, _ in read.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(attributes["alt"] for _, attributes, _ in read.all("img"))


def test_nothing_may_be_fetched_and_only_the_pages_own_style_and_script_count(read):
    policy = next(own["content"] for _, own, _ in read.all("meta") if own.get("http-equiv"))
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert allowed["default-src"] == "'none'" and allowed["img-src"] == "data:"
    for tag in ("style", "script"):
        ((_, _, text),) = read.all(tag)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
    assert all(link.startswith(("#", "data:")) for name in ("href", "src") for link in read.attributes(name))
    assert read.attributes("style") == []


def test_the_page_follows_from_its_inputs_whatever_their_order(made):
    study, paths = made
    assert render(study, paths) == render(study, paths[::-1])


def test_times_are_told_with_how_many_jobs_have_none(read):
    assert "3 jobs came out of DVC's cache, or were taken as made" in read.text
    assert "Of 3 files nothing is recorded here." in read.text
    row = next(place for place, (tag, _, text) in enumerate(read.elements) if (tag, text) == ("th", "poses"))
    assert [text for _, _, text in read.elements[row + 1 : row + 6]] == ["5", "3", "2.5", "5.0", "512"]
    assert "Revision 0123abcd, with local changes." in read.text


@pytest.mark.parametrize("name", ["results/images/a.zip", "results/poses/a.npz", "results/rating_forms/a.html"])
def test_an_input_that_the_page_has_no_place_for_is_refused(name):
    with pytest.raises(WrongInput, match=name):
        page.sorted_by_kind([Path(name)], [])


def luminance(colour):
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_text_stands_out_from_its_ground_in_light_and_dark():
    css = (ROOT / "pipeline/report/templates/page.css").read_text()
    schemes = [dict(re.findall(r"--(\w+): (#\w{6});", part)) for part in css.split(":root")[1:3]]
    assert len(schemes) == 2
    for colours in schemes:
        for ink in ("ink", "soft", "link", "second"):
            for ground in ("paper", "raised"):
                low, high = sorted(luminance(colours[name]) for name in (ink, ground))
                assert (high + 0.05) / (low + 0.05) >= CONTRAST, (ink, ground)


@pytest.fixture
def report(made, monkeypatch):
    """A report written by the stage itself, as a file:// address."""
    study, paths = made
    options = json.dumps(study.own_params())
    arguments = ["--options", options, "--out", "results/report/report.html", "--made", *map(str, paths)]
    monkeypatch.setattr(sys, "argv", ["page", *arguments])
    page.main()
    return Path("results/report/report.html").resolve().as_uri()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 740)])
def test_a_browser_shows_all_of_it_and_asks_the_network_for_nothing(report, tmp_path, width, height):
    with open_browser(width, height, tmp_path) as driver:
        driver.get(report)
        assert driver.get_log("browser") == []
        requests = "return performance.getEntriesByType('resource').map(entry => entry.name)"
        assert [name for name in driver.execute_script(requests) if not name.startswith("data:")] == []
        widths = "return [document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
        page_width, body_width, screen = driver.execute_script(widths)
        assert screen == width and max(page_width, body_width) <= width
        pictures = driver.execute_script("return [...document.images].map(image => image.naturalWidth)")
        assert len(pictures) > 10 and set(pictures) == {60}
        follow_contents(driver, width < 600)
        assert filter_settings(driver) == ["Generators of drawn_signs"]


def follow_contents(driver, narrow):
    """Click every entry of the contents that is shown, and see its section come to the top."""
    driver.execute_script("document.documentElement.style.scrollBehavior = 'auto'")
    place = "details.above" if narrow else "nav.beside"
    links = driver.find_elements("css selector", f"{place} a")
    assert len(links) > 15
    for link in links:
        if narrow:
            driver.execute_script("scrollTo(0, 0)")
            driver.find_element("css selector", "details.above summary").click()
        assert link.is_displayed()
        target = link.get_attribute("href").rpartition("#")[2]
        link.click()
        where = "return [document.getElementById(arguments[0]).getBoundingClientRect().top,"
        where += " innerHeight + scrollY >= document.documentElement.scrollHeight - 1]"
        top, at_the_end = driver.execute_script(where, target)
        assert abs(top) < 40 or at_the_end, target


def filter_settings(driver):
    """Look for a setting that only generators with a batch per size have; return the groups still shown."""
    driver.find_element("id", "filter").send_keys("total nonsense")
    assert shown_groups(driver) == []
    driver.find_element("id", "filter").clear()
    driver.find_element("id", "filter").send_keys("Generators of DRAWN_SIGNS")
    return shown_groups(driver)


def shown_groups(driver):
    captions = driver.find_elements("css selector", ".settings caption")
    return [caption.text for caption in captions if caption.is_displayed()]

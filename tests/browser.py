"""A real browser for tests: Debian's Chromium without a window, and nothing of it left behind."""

import contextlib
import functools
import os
import shutil
import subprocess
import tempfile

import pytest
from conftest import ROOT

NO_BROWSER = 75  # exit status of up.sh
NARROW = 600  # pixels: below, a page is shown as a phone shows it

# Nothing but the page's own requests; what root and small containers need.
SWITCHES = (
    "--headless=new",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-sandbox",
)


@functools.cache
def bring_up():
    """Install what is missing, once for all tests; return why that is impossible, or an empty text."""
    done = subprocess.run([ROOT / "tests" / "browser" / "up.sh"], capture_output=True, text=True)
    assert done.returncode in (0, NO_BROWSER), done.stderr
    return done.stderr.strip().removeprefix("error: browser up: ")


@contextlib.contextmanager
def open_browser(width, height, downloads):
    """Yield a selenium driver whose page is width x height pixels and whose downloads go to that folder.

    The profile is new each time. Below NARROW pixels the page is a phone's, which obeys its viewport tag. Without a
    browser the calling test is skipped.
    """
    if missing := bring_up():
        pytest.skip(missing)
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    options = ChromeOptions()
    options.binary_location = shutil.which("chromium")
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        for switch in (*SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        # Chromium writes its caches and crash reports to the home folder.
        service = ChromeService(shutil.which("chromedriver"), env=os.environ | {"HOME": profile})
        driver = Chrome(options, service)
        try:
            screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < NARROW}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
            yield driver
        finally:
            driver.quit()


def prefer_colours(driver, scheme):
    """Have the page believe that its reader wants "light" or "dark"."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

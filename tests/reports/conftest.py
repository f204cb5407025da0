"""A headless Chromium for the tests of reports."""

import os
import shutil

import pytest


@pytest.fixture(scope="module")
def browser():
    """Chromium; the tests are skipped without it, unless PDEFREQ_REQUIRE_CHROMIUM is set, as in `.ci/run`."""
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (binary and driver):
        message = "Chromium is not installed: apt-get install chromium chromium-driver"
        (pytest.fail if os.environ.get("PDEFREQ_REQUIRE_CHROMIUM") else pytest.skip)(message)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1100,1200"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    chrome.set_script_timeout(180)
    yield chrome
    chrome.quit()

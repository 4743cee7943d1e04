"""Takes the pictures of the web page for the documentation, from the sample wire.

./run                                           # in one terminal, over an empty data directory
.venv/bin/python docs/images/make.py            # in another; or with the address of the page
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
PICTURES = {"search.png": "/?q=minister"}


def main(url: str = "http://127.0.0.1:8003") -> None:
    chromium = (
        os.environ.get("WIREROOM_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1180, "height": 900}, color_scheme="light")
        for name, path in PICTURES.items():
            page.goto(url + path)
            page.screenshot(path=HERE / name)
            sys.stdout.write(f"{name}: {(HERE / name).stat().st_size / 1000:.0f} KB\n")
        browser.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])

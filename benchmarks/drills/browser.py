"""Open a report in a headless browser and do what a reader does.

    python benchmarks/drills/browser.py runs/quickstart/report.html
    python benchmarks/drills/browser.py PAGE.html --pictures FOLDER

Prints a line for each check, and exits with 1 if one fails. `--pictures` also writes
how the page looks: light, dark, on a phone and on paper (PDF). Chromium or Chrome must
be installed; nothing is fetched.
"""

import argparse
import html
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
DARK = "--blink-settings=preferredColorScheme=0"
# Collects errors; it comes before the page's own script.
LISTENER = """<script>
window.errors = [];
addEventListener("error", (event) => errors.push(event.message));
console.error = (...words) => errors.push(words.join(" "));
</script>"""
# A reader: it writes what it finds into the page, where --dump-dom shows it.
READER = """<script>
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const find = (name) => document.querySelector(`#player [name=${name}]`);
const shown = () => [...document.querySelectorAll(".scene")].filter((s) => !s.hidden);
const films = () => [...document.querySelectorAll(".scene:not([hidden]) [data-pitch]")]
  .map((film) => film.getAttribute("x"));
const press = (target, key) => target.dispatchEvent(
  new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
(async () => {
  const found = {}, wide = document.documentElement;
  found.errors = errors;
  found.fetched = performance.getEntriesByType("resource").map((entry) => entry.name)
    .filter((name) => !name.startsWith("data:"));
  found.overflow = wide.scrollWidth - innerWidth;
  const colours = getComputedStyle(document.body);
  found.colours = [colours.color, colours.backgroundColor];
  if (document.getElementById("player")) {
    const slider = find("frame"), readout = find("readout");
    found.frames = Number(slider.max);
    found.asked = readout.textContent;
    found.scenes = shown().length;
    slider.value = 1;
    slider.dispatchEvent(new Event("input"));
    found.first = [readout.textContent, films()];
    press(find("play"), "ArrowRight");
    found.next = [readout.textContent, films()];
    press(find("play"), "ArrowLeft");
    press(find("play"), "ArrowLeft");
    found.round = readout.textContent;
    find("play").click();
    const label = find("play").textContent;
    await wait(700);
    find("play").click();
    found.played = [label, readout.textContent, find("play").textContent];
    await wait(700);
    found.paused = readout.textContent;
    const chooser = find("sample");
    if (chooser) {
      chooser.value = chooser.options.length - 1;
      chooser.dispatchEvent(new Event("change"));
      found.chosen = [shown().length, shown()[0].dataset.sample, chooser.value];
    }
    const arrows = find("arrows");
    if (arrows) {
      arrows.click();
      const path = document.querySelector(".scene:not([hidden]) .arrows");
      found.arrows = getComputedStyle(path).display;
    }
  }
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
})();
</script>"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("page", type=pathlib.Path)
    parser.add_argument("--pictures", type=pathlib.Path, metavar="FOLDER")
    arguments = parser.parse_args()
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"error: none of {', '.join(BROWSERS)} is installed")
    page = arguments.page.absolute()
    if not page.is_file():
        sys.exit(f"error: {page} is missing; train.py and `adr_jax report` write one")
    desktop = read(browser, page, 1200)
    checks = {
        **player_checks(desktop),
        "no error on the console": not desktop["errors"],
        "nothing is fetched": not desktop["fetched"],
        "desktop: no scrolling sideways": desktop["overflow"] <= 0,
        "phone: no scrolling sideways": read(browser, page, 390)["overflow"] <= 0,
        "light: text can be read": contrast(desktop["colours"]) >= 7,
        "dark: text can be read": contrast(dark := colours(browser, page)) >= 7,
        "dark is dark": luminance(dark[1]) < 0.05,
    }
    for check, passed in checks.items():
        print(f"{'ok' if passed else 'FAILED':8}{check}")
    if arguments.pictures:
        take_pictures(browser, page, arguments.pictures)
    if not all(checks.values()):
        sys.exit(f"error: {page}: {json.dumps(desktop, ensure_ascii=False)}")


def player_checks(found: dict) -> dict[str, bool]:
    """Check the player of frames, if there are several."""
    if found.get("frames", 0) < 2:
        return {}
    last = found["frames"]
    checks = {
        "#frame=2 in the address shows it": found["asked"].startswith("Frame 2 of"),
        "one sample is shown": found["scenes"] == 1,
        "the slider chooses a frame": found["first"][0].startswith("Frame 1 of"),
        "an arrow key leafs": found["next"][0].startswith("Frame 2 of"),
        "films move along": found["first"][1] != found["next"][1],
        "before the first is the last": found["round"].startswith(f"Frame {last} of"),
        "play plays": found["played"][:2] != ["Pause", found["round"]],
        "pause pauses": found["played"][1:] == [found["paused"], "Play"],
    }
    if "chosen" in found:
        shown, sample, asked = found["chosen"]
        checks["a sample can be chosen"] = shown == 1 and sample == asked
    if "arrows" in found:
        checks["arrows can be hidden"] = found["arrows"] == "none"
    return checks


def read(browser: str, page: pathlib.Path, width: int, *options: str) -> dict:
    """Return what a reader finds in a copy of the page."""
    text = page.read_text(encoding="utf-8")
    text = text.replace("<head>", f"<head>{LISTENER}", 1)
    text = text.replace("</body>", f"{READER}</body>")
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "page.html"
        copy.write_text(text, encoding="utf-8")
        dom = run(
            browser,
            f"--window-size={width},900",
            "--virtual-time-budget=10000",
            *options,
            "--dump-dom",
            f"{copy.as_uri()}#frame=2",
        )
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    if found is None:
        sys.exit(f"error: {page}: the reader's script did not end")
    return json.loads(html.unescape(found[1]))


def colours(browser: str, page: pathlib.Path) -> list[str]:
    """Return the colours of text and paper for readers who want a dark page."""
    return read(browser, page, 1200, DARK)["colours"]


def luminance(colour: str) -> float:
    """Return the relative luminance of 'rgb(1, 2, 3)', as WCAG 2 defines it."""
    shares = [int(digits) / 255 for digits in re.findall(r"\d+", colour)[:3]]
    linear = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4
        for share in shares
    ]
    weights = (0.2126, 0.7152, 0.0722)
    return sum(w * share for w, share in zip(weights, linear, strict=True))


def contrast(pair: list[str]) -> float:
    """Return the contrast of two colours, from 1 to 21."""
    dark, light = sorted(luminance(colour) for colour in pair)
    return (light + 0.05) / (dark + 0.05)


def take_pictures(browser: str, page: pathlib.Path, folder: pathlib.Path) -> None:
    """Write how the page looks, as PNG and PDF."""
    folder.mkdir(parents=True, exist_ok=True)
    looks = {
        "light": ("1200,6000",),
        "dark": ("1200,6000", DARK),
        "phone": ("390,9000", "--force-device-scale-factor=2"),
    }
    time = "--virtual-time-budget=2000"
    for name, (size, *options) in looks.items():
        file = f"--screenshot={folder / name}.png"
        run(browser, f"--window-size={size}", time, *options, file, page.as_uri())
        print(folder / f"{name}.png")
    file = f"--print-to-pdf={folder / 'paper.pdf'}"
    run(browser, "--no-pdf-header-footer", time, file, page.as_uri())
    print(folder / "paper.pdf")


def run(browser: str, *options: str) -> str:
    """Run the browser; return what it prints."""
    process = subprocess.run(
        [browser, *OPTIONS, *options],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return process.stdout


if __name__ == "__main__":
    main()

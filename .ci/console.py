"""The playground's console, by mouse, by keyboard, and as an accessibility engine sees it."""

import json
import pathlib
import re
import shutil
import subprocess
import tarfile

from chromium import Window

TEXT = 'document.getElementById("%s").textContent'
MAX_PICTURE = 120 << 10


def axe():
    """The accessibility engine, from the npm registry that this machine is set up for; None without one."""
    kept = pathlib.Path("target/axe-core")
    if not kept.exists() and shutil.which("npm"):
        kept.parent.mkdir(exist_ok=True)
        fetch = ["npm", "pack", "--silent", "--pack-destination", "target", "axe-core@4"]
        try:
            fetched = subprocess.run(fetch, timeout=120, capture_output=True, text=True)
        except subprocess.TimeoutExpired:
            return None
        if fetched.returncode == 0:
            archive = pathlib.Path("target", fetched.stdout.split()[-1])
            with tarfile.open(archive) as files:
                kept.write_bytes(files.extractfile("package/axe.min.js").read())
            archive.unlink()
    return kept.read_text() if kept.exists() else None


def open_console(browser, url):
    window = Window(browser, url + "/")
    window.until('document.documentElement.dataset.ready === "yes"')
    return window


def matches(id, pattern):
    """A condition: the text of an element matches a pattern."""
    return f"new RegExp({json.dumps(pattern)}).test({TEXT % id})"


def tour(browser, url):
    window = open_console(browser, url)
    limits(window)
    faults(window)
    events(window)
    streams(window)
    chat(window)
    store(window)
    assert not browser.errors, f"the console's errors: {browser.errors}"


def limits(window):
    burst = lambda: window.click("#row-bucket button:last-of-type")
    window.sees(
        burst,
        matches("said-limits", r"/bucket: [56] admitted, 1[45] refused \(429 app\.rate_limited: .+; again in \d+ s\)"),
        'document.querySelector("#row-bucket .gauge.full") !== null',
        matches("said-limits", "/bucket has room again"),
    )
    dots = window.evaluate("""(svg => ["admitted", "refused"].map(kind => svg.querySelectorAll(`.${kind}`).length))
        (document.querySelector("#row-bucket svg"))""")
    assert sum(dots) == 20 and dots[0] in (5, 6), f"the strip shows {dots}"
    label = window.evaluate('document.querySelector("#row-bucket svg").getAttribute("aria-label")')
    assert label == f"/bucket in the last 30 seconds: {dots[0]} admitted, {dots[1]} refused, 0 failed", label
    window.sees(lambda: window.click("#press-all"), matches("said-limits", r"^/fixed: 1 admitted\n/sliding: 1 admitted\n"))
    print("a limit refuses, says so, and has room again")


def faults(window):
    window.sees(lambda: window.click('[value="down"]'), matches("warning", "^A fault is on. The store is down.$"))
    window.sees(
        lambda: window.click("#ask-all"),
        matches("answers", r"/fixed 503 app\.overloaded: [^/]+retry-after: 1\nx-rate-limit-fail-closed: true"),
        matches("answers", r"/open 200\nx-rate-limit-fail-open: true"),
        matches("calls", "UpdateItemrate-limitsfailed: unavailable"),
    )
    window.sees(lambda: window.click('[value="slow"]'), matches("warning", "takes a second per call"))
    window.sees(lambda: window.click("#ask-all"), matches("calls", "given up"))
    # Another client switches the fault off, and the console shows that.
    mend = """fetch("/fault/none", {method: "PUT"}).then(answer => answer.status)"""
    window.sees(lambda: window.evaluate(mend), '%s === ""' % (TEXT % "warning"))
    assert window.evaluate("""document.querySelector('[value="none"]').checked""")
    window.sees(lambda: window.click("#ask-all"), matches("answers", r"/open 200\nx-ratelimit-remaining: \d"))
    print("closed limits refuse while the store fails, open ones admit")


def publish(window, payload, *conditions):
    window.type("payload", payload)
    window.sees(lambda: window.click("#publish .main"), *conditions)


def events(window):
    window.type("tenant", "shop")
    for n in range(4):
        publish(window, f'{{"n": {n}}}', matches("said-events", "^Published hello"), matches("page", f'{{"n":{n}}}'))
    window.until("!" + 'document.getElementById("next-page").disabled')
    window.until(matches("cursor", '"kind": "key"'))
    assert '"lastKey"' in window.evaluate(TEXT % "cursor")
    window.sees(lambda: window.click("#next-page"), matches("page", '^[^{]*{"n":0}[^{]*$'), matches("cursor", "^nothing"))
    publish(window, "no JSON", matches("said-events", r"^400 app\.bad_request: .+"))
    print("an event is published and paged, and a malformed one is answered in words")


def streams(window):
    window.sees(lambda: window.click("#follow"), matches("pieces", 'event: hello\ndata: .*"n":3'))
    publish(window, '{"live": true}', matches("pieces", 'event: hello\ndata: .*"live":true'))
    window.sees(lambda: window.click("#follow"), matches("said-streams", "^Stopped"))
    window.sees(lambda: window.click("#load-page"), matches("said-streams", "^/page has ended"))
    times = [int(time) for time in re.findall(r"(\d+) ms: <", window.evaluate(TEXT % "pieces"))]
    assert len(times) == 4 and times[-1] >= 1_400, f"the page came at {times}"
    print("events and a page arrive piece by piece")


def chat(window):
    say = """(frame => {
      frame.getElementById("text").value = "hello from Ann";
      frame.querySelector("form").requestSubmit();
    })(frames[0].document)"""
    for frame in (0, 1):
        window.until(f'frames[{frame}].document.getElementById("state").textContent === "connected"',
                     f"frames[{frame}].document")
    window.evaluate(say)
    window.until('frames[1].document.getElementById("said").textContent === "Annhello from Ann"', "frames[1].document")
    print("two guests of the console talk to each other")


def store(window):
    window.sees(
        lambda: window.click("#look"),
        matches("tables", "rate-limits: [1-9][0-9]* items"),
        matches("tables", "apptheory-events: 5 items"),
    )
    assert window.evaluate('document.getElementById("calls").rows.length') > 10
    assert re.match(r"\d+ calls, [1-9]\d* write units, [1-9]\d*(\.5)? read units", window.evaluate(TEXT % "total"))
    print("the store shows its calls, their cost, and its tables")


# How many controls the Tab key reaches: one of a group of radio buttons.
REACHABLE = """[...document.querySelectorAll("a, button:enabled, input, summary, iframe, [tabindex='0']")]
  .filter(element => element.checkVisibility() && (element.type !== "radio" || element.checked)).length"""
FOCUSED = """(({activeElement: element}) => {
  element.number ??= window.reached = (window.reached ?? 0) + 1;
  const {outlineStyle, outlineWidth} = getComputedStyle(element);
  return [element === document.body, element.number, element.tagName, element.id, outlineStyle, outlineWidth];
})(document)"""


AXE = """axe.run({iframes: false})
  .then(({passes, violations}) => [passes.map(rule => rule.id), violations])"""


def check_access(browser, url, engine):
    window = open_console(browser, url)
    window.evaluate('document.querySelectorAll("details").forEach(details => { details.open = true })')
    by_keyboard(window)
    if engine:
        for page in (window, Window(browser, url + "/chat").connected()):
            page.evaluate(engine + "; null")
            for scheme in ("light", "dark"):
                page.prefer(scheme)
                passed, found = page.evaluate(AXE)
                assert "color-contrast" in passed, f"in {scheme}, no contrast was looked at"
                problems = [(rule["id"], node["html"], node["failureSummary"]) for rule in found for node in rule["nodes"]]
                assert not problems, f"in {scheme}: {problems}"
        print("the accessibility engine finds nothing, in light and dark")
    assert not browser.errors, f"the console's errors: {browser.errors}"


def by_keyboard(window):
    """Goes through the page by Tab, and presses one button."""
    reachable = window.evaluate(REACHABLE)
    reached = set()
    while len(reached) < reachable:
        window.press("Tab")
        is_out, number, tag, id, style, width = window.evaluate(FOCUSED)
        assert not is_out, f"Tab reaches {len(reached)} of {reachable}"
        if tag != "IFRAME":  # its contents show the focus
            assert style != "none" and float(width.removesuffix("px")) >= 2, f"no focus is seen on {tag} {id}"
        reached.add(number)
    window.evaluate('document.getElementById("press-all").focus()')
    window.sees(lambda: window.press("Enter", "\r"), matches("said-limits", "^/fixed: 1 "))
    print(f"all {reachable} controls are reached by Tab, and show it")


def picture(browser, url, path):
    """Writes the picture of the README: limits that were reached, had room again, and were reached again."""
    window = open_console(browser, url)
    window.prefer("light")
    window.resize(1000, 820)
    burst = lambda: window.click("#burst-all")
    window.sees(burst, matches("said-limits", "/open: "), matches("said-limits", "/sliding has room again"))
    window.sees(burst, matches("said-limits", "/open: "))
    png = window.picture()
    assert len(png) <= MAX_PICTURE, f"the picture has {len(png)} bytes"
    pathlib.Path(path).write_bytes(png)
    print(f"{path}: {len(png) >> 10} KB")

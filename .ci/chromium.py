"""A headless Chromium, driven over its DevTools protocol on a pipe, without polling."""

import base64
import itertools
import json
import os
import shutil
import signal
import subprocess

FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-dev-shm-usage
--disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe""".split()
# Names of other sites, which their DNS servers may resolve to this machine.
FLAGS.append("--host-resolver-rules=MAP evil.test 127.0.0.1, MAP rebound.test 127.0.0.1")

# A promise that resolves when a condition holds in a document.
WHEN = """new Promise(done => {
  const check = () => (%s) && done(true);
  const all = {subtree: true, childList: true, characterData: true, attributes: true};
  new MutationObserver(check).observe(%s, all);
  check();
})"""


def chromium():
    find = lambda: shutil.which("chromium")
    if not find() and shutil.which("apt-get"):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            try:
                subprocess.run(["apt-get", *command], timeout=300, check=False, **quiet)
            except subprocess.TimeoutExpired:
                break
    return find()


class Browser:
    def __init__(self, executable, profile):
        to_browser, self.writer = os.pipe()
        reader, from_browser = os.pipe()
        # The browser reads from 3 and writes to 4.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        command = [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self.process = subprocess.Popen(
            ["bash", "-c", script, "bash", *command],
            pass_fds=(to_browser, from_browser), stderr=subprocess.DEVNULL, start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self.errors = []
        self.messages = map(self.note, self.read(reader))
        self.ids = itertools.count(1)

    @staticmethod
    def read(reader):
        waiting = b""
        while chunk := os.read(reader, 1 << 16):
            *whole, waiting = (waiting + chunk).split(b"\0")
            yield from map(json.loads, whole)
        raise EOFError("the browser is gone")

    def note(self, message):
        """Keeps the errors of consoles, but for answers such as 429, which the tests cause."""
        params = message.get("params", {})
        entry = params.get("entry", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(params["exceptionDetails"])
        elif message.get("method") == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning"):
            self.errors.append(params["args"])
        elif entry.get("level") in ("error", "warning") and "the server responded with a status" not in entry["text"]:
            self.errors.append(entry)
        return message

    def call(self, method, session=None, **params):
        call = {"id": next(self.ids), "method": method, "params": params}
        if session:
            call["sessionId"] = session
        os.write(self.writer, json.dumps(call).encode() + b"\0")
        answer = next(message for message in self.messages if message.get("id") == call["id"])
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def wait(self, event, session):
        is_it = lambda message: (message.get("method"), message.get("sessionId")) == (event, session)
        return next(filter(is_it, self.messages))

    def stop(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Window:
    def __init__(self, browser, url):
        self.browser = browser
        # A context of its own, so that windows share only the server.
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", url="about:blank", browserContextId=context)
        target = target["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            browser.call(f"{domain}.enable", self.session)
        browser.call("Page.navigate", self.session, url=url)
        browser.wait("Page.loadEventFired", self.session)

    def evaluate(self, expression):
        result = self.browser.call(
            "Runtime.evaluate", self.session, expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{result['exceptionDetails']} in {expression}")
        return result["result"].get("value")

    def until(self, condition, document="document"):
        self.evaluate(WHEN % (condition, document))

    def sees(self, action, *conditions):
        """Does something, and waits until each condition has held since then."""
        promises = ", ".join(WHEN % (condition, "document") for condition in conditions)
        self.evaluate(f"window.seen = Promise.all([{promises}]), null")
        action()
        self.evaluate("window.seen")

    def click(self, selector):
        where = """(element => {
          element.scrollIntoView({block: "center", behavior: "instant"});
          const box = element.getBoundingClientRect();
          return [box.x + box.width / 2, box.y + box.height / 2];
        })(document.querySelector(%s))"""
        x, y = self.evaluate(where % json.dumps(selector))
        for kind in ("mousePressed", "mouseReleased"):
            self.browser.call("Input.dispatchMouseEvent", self.session,
                              type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, text=""):
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        for kind in ("keyDown", "keyUp"):
            self.browser.call("Input.dispatchKeyEvent", self.session,
                              type=kind, key=key, windowsVirtualKeyCode=code, text=text)

    def prefer(self, scheme):
        preferred = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.call("Emulation.setEmulatedMedia", self.session, features=preferred)

    def resize(self, width, height):
        self.browser.call("Emulation.setDeviceMetricsOverride", self.session,
                          width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.browser.call("Emulation.setScrollbarsHidden", self.session, hidden=True)

    def picture(self):
        """A PNG of the page's upper part."""
        self.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        return base64.b64decode(self.browser.call("Page.captureScreenshot", self.session, format="png")["data"])

    def connected(self):
        self.until('document.getElementById("state").textContent === "connected"')
        return self

    def type(self, field, text):
        self.evaluate(f'document.getElementById("{field}").select()')
        self.browser.call("Input.insertText", self.session, text=text)

    def say(self, text):
        self.type("text", text)
        self.press("Enter", "\r")

    def hear(self, line):
        line = json.dumps(line)
        self.until(f'[...document.querySelectorAll("#said li")].some(li => li.textContent === {line})')

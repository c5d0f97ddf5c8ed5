"""Headless Chromium, controlled through its debugging pipe (Chrome DevTools Protocol)."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading

import patience
import pytest

needed = pytest.mark.skipif(not shutil.which("chromium"), reason="needs a browser")

# The keys that tests press, by the numbers that Windows gives them.
KEYS = {"Tab": 9, "Enter": 13, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}


class Browser:
    """One page of a browser with its own profile in `folder`."""

    def __init__(self, folder):
        commands, answers = os.pipe(), os.pipe()

        def take_pipe():
            # The browser reads commands from descriptor 3 and writes to 4; neither end may have the other's number.
            source, target = os.dup2(commands[0], 10), os.dup2(answers[1], 11)
            os.dup2(source, 3)
            os.dup2(target, 4)

        self.process = subprocess.Popen(
            [
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
                "--remote-debugging-pipe", f"--user-data-dir={folder}/profile",
            ],
            env={**os.environ, "HOME": str(folder)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            close_fds=False,
            preexec_fn=take_pipe,
        )  # fmt: skip
        os.close(commands[0])
        os.close(answers[1])
        self.commands, self.answers = os.fdopen(commands[1], "wb"), os.fdopen(answers[0], "rb")
        # A browser that does not answer any more is killed, which ends the reading.
        self.limit = threading.Timer(patience.seconds(60), self.process.kill)
        self.limit.start()
        self.received = b""
        # What the browser has told unasked, since the test last cleared it.
        self.events = []
        self.number = 0
        self.session = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method, **parameters):
        """Executes a command and returns its result."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.commands.write(json.dumps(message).encode() + b"\0")
        self.commands.flush()
        while (answer := self.read()).get("id") != self.number:
            pass
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def read(self):
        while b"\0" not in self.received:
            data = self.answers.read1(1 << 20)
            assert data, "the browser has ended"
            self.received += data
        message, _, self.received = self.received.partition(b"\0")
        message = json.loads(message)
        if "method" in message:
            self.events.append(message)
        return message

    def show(self, url, width, height, scheme="light"):
        """Loads a page in a window of this size with the colour scheme `scheme`."""
        mobile = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        assert "errorText" not in self.call("Page.navigate", url=url)
        while self.read().get("method") != "Page.loadEventFired":
            pass

    def screenshot(self):
        """The window as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def evaluate(self, expression):
        """The value of an expression in the page, awaited."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, expression, limit=10):
        """Waits until an expression in the page is true, and returns its value."""
        found = []

        def holds():
            found[:] = [self.evaluate(expression)]
            return found[0]

        patience.until(holds, limit)
        return found[0]

    def press(self, key, code=None, text=None, modifiers=0):
        """Presses a key and releases it."""
        about = {"key": key, "code": code or key, "windowsVirtualKeyCode": KEYS[key], "modifiers": modifiers}
        self.call("Input.dispatchKeyEvent", type="keyDown", **about, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **about)

    def close(self):
        self.session = None
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        self.commands.close()
        self.process.wait(patience.seconds(20))
        self.limit.cancel()
        self.answers.close()


@contextlib.contextmanager
def opened(folder):
    browser = Browser(folder)
    try:
        yield browser
    finally:
        browser.close()

"""Chromium without a window, driven over its DevTools protocol through a pair of pipes: no library is needed for it.

Everything the page sends and everything the browser complains of is kept, so that a test can say what was never sent.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

# A machine that is busy with other things may take this long for anything.
PATIENCE_S = 30


class Browser:
    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix="counterfoil-page-")
        theirs_in, self.out = os.pipe()
        self.into, theirs_out = os.pipe()
        # Where root is who runs the tests, there is no sandbox to be had. Nothing of the browser's own goes out.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        arguments = [program, "--headless=new", "--remote-debugging-pipe", f"--user-data-dir={self.profile}",
                     "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", *sandbox]

        def descriptors_3_and_4():
            # First out of the way, for either may be 3 or 4 already.
            high_in, high_out = os.dup(theirs_in), os.dup(theirs_out)
            os.dup2(high_in, 3)
            os.dup2(high_out, 4)

        self.process = subprocess.Popen(arguments, preexec_fn=descriptors_3_and_4, close_fds=False,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, "LC_ALL": "C.UTF-8"})
        os.close(theirs_in)
        os.close(theirs_out)
        self.pending, self.last_id, self.answers, self.tabs = b"", 0, {}, {}

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.out)
        os.close(self.into)
        shutil.rmtree(self.profile, ignore_errors=True)

    def call(self, method, params=None, session=None):
        self.last_id += 1
        message = {"id": self.last_id, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        wanted = self.last_id
        until(lambda: self.read() or wanted in self.answers, f"{method} is answered")
        answer = self.answers.pop(wanted)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def read(self):
        """Takes in what has arrived, without waiting for more."""
        while select.select([self.into], [], [], 0.01)[0]:
            piece = os.read(self.into, 1 << 20)
            if not piece:
                raise AssertionError("the browser has ended")
            self.pending += piece
        *messages, self.pending = self.pending.split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.tabs:
                self.tabs[message["sessionId"]].happened(message["method"], message["params"])

    def tab(self, language="en-GB", scheme="light", width=1100, height=800):
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = self.tabs[session] = Tab(self, target, session)
        for domain in ["Page", "Network", "Log", "Runtime"]:
            tab.call(f"{domain}.enable")
        agent = tab.js("navigator.userAgent")
        tab.call("Emulation.setUserAgentOverride", {"userAgent": agent, "acceptLanguage": language})
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        tab.call("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        tab.call("Emulation.setDeviceMetricsOverride", metrics)
        return tab


class Tab:
    def __init__(self, browser, target, session):
        self.browser, self.target, self.session = browser, target, session
        self.requests, self.headers, self.complaints, self.held, self.loads = [], [], [], [], 0

    def call(self, method, params=None):
        return self.browser.call(method, params, self.session)

    def happened(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"])
        elif method == "Network.requestWillBeSentExtraInfo":
            # As they are on the wire; those above are what the page wished for.
            self.headers.append(params["headers"])
        elif method == "Fetch.requestPaused":
            self.held.append(params["requestId"])
        elif method == "Log.entryAdded":
            self.complaints.append(params["entry"]["text"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown"):
            self.complaints.append(json.dumps(params))
        elif method == "Page.loadEventFired":
            self.loads += 1

    def js(self, expression):
        params = {"expression": expression, "returnByValue": True, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", params)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def open(self, url):
        before = self.loads
        self.call("Page.navigate", {"url": url})
        until(lambda: self.browser.read() or self.loads > before, f"{url.split('#')[0]} is loaded")

    def reload(self):
        before = self.loads
        self.call("Page.reload")
        until(lambda: self.browser.read() or self.loads > before, "it is loaded again")

    def text(self):
        """What a person reads."""
        return self.js("document.body.innerText")

    def reads(self, text):
        until(lambda: text in self.text(), f"it reads {text!r} and not {self.text()!r}")

    def click(self, selector):
        """With the mouse, where it is seen."""
        at = self.js(f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView();"
                     " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ["mousePressed", "mouseReleased"]:
            params = {"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1}
            self.call("Input.dispatchMouseEvent", params)

    def key(self, name, code, text=None):
        for kind in ["keyDown", "keyUp"]:
            params = {"type": kind, "key": name, "code": name, "windowsVirtualKeyCode": code}
            if text and kind == "keyDown":
                params["text"] = text
            self.call("Input.dispatchKeyEvent", params)

    def type(self, text):
        self.call("Input.insertText", {"text": text})

    def offline(self, is_offline):
        conditions = {"offline": is_offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", conditions)

    def lose_next_answer(self, act):
        """The server does what it was asked, and the page never hears of it."""
        self.call("Fetch.enable", {"patterns": [{"urlPattern": "*/auth/*", "requestStage": "Response"}]})
        act()
        until(lambda: self.browser.read() or self.held, "an answer comes")
        self.call("Fetch.failRequest", {"requestId": self.held.pop(), "errorReason": "ConnectionReset"})
        self.call("Fetch.disable")

    def picture(self, path):
        data = self.call("Page.captureScreenshot", {"format": "png"})["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def close(self):
        self.browser.call("Target.closeTarget", {"targetId": self.target})


def until(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S} s: {what}")
        time.sleep(0.02)

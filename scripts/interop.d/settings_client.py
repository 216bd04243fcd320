"""Requests to our server, one connection for each client."""

import http.client
import json
import time

from settings_model import read, write

PATH = "/users/settings"
PASSWORD = "correct horse battery staple"
# Longer than anything takes that ends at all.
PATIENCE = 60


class Disagreement(Exception):
    """What the two sides do not agree on."""


def expect(is_so, what):
    if not is_so:
        raise Disagreement(what)


class Client:
    def __init__(self, listen, name):
        self.connection = http.client.HTTPConnection(listen, timeout=PATIENCE)
        self.name = name
        self.asked = 0
        self.token = None
        # What was written so far has to be read.
        self.position = 0
        who = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        self.ask("POST", "/auth/register", who)
        self.token = self.ask("POST", "/auth/login", {"username": name, "password": PASSWORD})[1]["access_token"]

    def send(self, method, path, body=None):
        """Asked again, if the server says so: a read model may be behind on a machine that is busy."""
        until = time.monotonic() + PATIENCE
        while True:
            status, text, headers = self.send_once(method, path, body)
            if status != 503 or time.monotonic() > until:
                return status, text, headers
            time.sleep(0.2)

    def send_once(self, method, path, body):
        headers = {"content-type": "application/json"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if method == "GET":
            headers["counterfoil-min-position"] = str(self.position)
        content = None if body is None else body if isinstance(body, str) else write(body)
        self.connection.request(method, path, content, headers)
        answer = self.connection.getresponse()
        text = answer.read().decode()
        self.asked += 1
        if method != "GET" and answer.status < 300:
            self.position = max(self.position, int(answer.headers.get("counterfoil-position") or 0))
        return answer.status, text, answer.headers

    def ask(self, method, path, body=None):
        """What has to succeed."""
        status, text, headers = self.send(method, path, body)
        # Quoted whole: nothing in it is anybody's.
        expect(status in (200, 201), f"{method} {path} {'' if body is None else write(body)}: {status} {text}")
        return headers.get("etag"), read(text)

    def export(self, query=""):
        """The file to the byte, and the version it is of."""
        status, text, headers = self.send("GET", f"{PATH}/export{query}")
        expect(status == 200, f"export: {status} {text}")
        return headers["etag"], text

    def refused(self, method, path, body):
        """Status, code, and what is named, each with its own code."""
        status, text, _ = self.send(method, path, body)
        problem = json.loads(text)
        errors = sorted((error["pointer"], error["code"]) for error in problem.get("errors") or [])
        return status, problem.get("code"), errors


def ready(listen):
    """Waits until the server takes requests."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            connection = http.client.HTTPConnection(listen, timeout=5)
            connection.request("GET", "/health/ready")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        expect(time.monotonic() < until, f"the server at {listen} does not get ready")
        time.sleep(0.1)

"""The page at "/" in a real browser: what links in mails lead to, in two languages, light and dark, narrow and wide."""

import json
import os
import shutil
import subprocess
import tempfile
import unittest
import urllib.error
import urllib.request
from email import message_from_bytes, policy
from pathlib import Path

from browser import Browser, until

PASSWORD = "correct horse battery staple"
NEW_PASSWORD = "a battery of horses"
PICTURES = Path(os.environ["PAGE_PICTURES"])


class Server:
    def __init__(self):
        self.data = Path(tempfile.mkdtemp(prefix="counterfoil-page-"))
        # Its PostgreSQL may have to run as somebody else.
        self.data.chmod(0o755)
        self.log = self.data / "log"
        environment = {**os.environ, "COUNTERFOIL_LISTEN": "127.0.0.1:0", "RUST_LOG": "debug",
                       "COUNTERFOIL_DATA_DIR": str(self.data / "d")}
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([os.environ["PAGE_COUNTERFOIL"], "serve"], env=environment, stdout=log,
                                            stderr=subprocess.STDOUT)
        runtime = self.data / "d" / "runtime.json"
        until(lambda: self.process.poll() is not None or (runtime.exists() and runtime.stat().st_size), "it serves")
        if self.process.poll() is not None:
            raise SystemExit(self.log.read_text())
        self.base = "http://" + json.loads(runtime.read_text())["listen"]

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.data, ignore_errors=True)

    def ask(self, path, body=None, token=None):
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.base + path, data, headers)
        try:
            with urllib.request.urlopen(request) as answered:
                return answered.status, json.load(answered)
        except urllib.error.HTTPError as refused:
            return refused.code, json.load(refused)

    def links(self, address, action):
        """Every link of a kind that was mailed to somebody, in order."""
        found = []
        for path in sorted((self.data / "d" / "outbox").glob("[!.]*.eml")):
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if mail["To"] == address:
                lines = mail.get_content().splitlines()
                found += [line for line in lines if f"#{action}=" in line]
        return found

    def link(self, address, action, count=1):
        until(lambda: len(self.links(address, action)) >= count, f"a mail with #{action}=")
        return self.links(address, action)[-1]


class Person:
    count = 0

    def __init__(self, server):
        Person.count += 1
        self.server, self.name = server, f"ada{Person.count}"
        self.address = f"{self.name}@example.com"
        body = {"username": self.name, "email": self.address, "password": PASSWORD}
        assert server.ask("/auth/register", body)[0] == 201
        self.token = self.sign_in(PASSWORD)[1]["access_token"]

    def sign_in(self, password):
        return self.server.ask("/auth/login", {"username": self.name, "password": password})

    def is_verified(self):
        return self.server.ask("/auth/me", token=self.token)[1]["user"]["email_verified"]

    def verify_link(self):
        return self.server.link(self.address, "verify")

    def reset_link(self, count=1):
        assert self.server.ask("/auth/password/forgot", {"email": self.address})[0] == 202
        return self.server.link(self.address, "reset", count)


class PageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        PICTURES.mkdir(parents=True, exist_ok=True)
        cls.server = Server()
        cls.addClassCleanup(cls.server.close)
        cls.browser = Browser(os.environ["PAGE_BROWSER"])
        cls.addClassCleanup(cls.browser.close)

    def tab(self, **choices):
        tab = self.browser.tab(**choices)
        self.addCleanup(tab.close)
        return tab

    @staticmethod
    def complaints(tab):
        # Whose password it is nobody knows who has not asked the server: there is no username to give.
        return [text for text in tab.complaints if "username fields" not in text]

    def assert_kept(self, tab, link, posts, complaints=0):
        """The token is out of sight, and went only where it belongs: into the bodies of so many requests."""
        token = link.split("=", 1)[1]
        self.assertNotIn("#", tab.js("location.href"))
        self.assertNotIn(token, tab.js("document.documentElement.outerHTML"))
        carriers = []
        for request in tab.requests:
            # Of the page itself, a browser keeps the fragment and sends the rest.
            sent = {name: value for name, value in request.items() if name not in ("urlFragment", "postDataEntries")}
            self.assertTrue(sent["url"].startswith((self.server.base + "/", "data:,")), sent["url"])
            body = sent.pop("postData", "")
            self.assertNotIn(token, json.dumps(sent))
            if token in body:
                carriers.append((sent["method"], sent["url"]))
        route = "/auth/email/verify" if "#verify=" in link else "/auth/password/reset"
        self.assertEqual(carriers, [("POST", self.server.base + route)] * posts)
        self.assertTrue(tab.headers)
        for headers in tab.headers:
            self.assertNotIn("referer", {name.lower() for name in headers})
            self.assertNotIn(token, json.dumps(headers))
        self.assertEqual(len(self.complaints(tab)), complaints, tab.complaints)
        self.assertNotIn(token, " ".join(tab.complaints))
        self.assertNotIn(token, self.server.log.read_text())
        for storage in ["localStorage", "sessionStorage"]:
            self.assertEqual(tab.js(f"{storage}.length"), 0)

    def test_the_page_without_a_link_says_how_it_is(self):
        tab = self.tab()
        tab.open(self.server.base + "/")
        tab.reads("Everything is well.")
        self.assertNotIn("Confirm", tab.text())
        self.assertEqual((tab.requests[0]["url"], self.complaints(tab)), (self.server.base + "/", []))

    def test_an_address_is_confirmed_by_a_click_and_not_before(self):
        ada, tab = Person(self.server), self.tab()
        link = ada.verify_link()
        tab.open(link)
        tab.reads("Confirm my address")
        self.assertEqual(tab.js("document.title"), "Confirm your e-mail address · Counterfoil")
        self.assert_kept(tab, link, posts=0)
        self.assertFalse(ada.is_verified())
        tab.click("#verify button")
        tab.reads(f"Thank you: {ada.address} is confirmed.")
        self.assertEqual(tab.js("document.querySelector('#verify .outcome').role"), "status")
        self.assertNotIn("Confirm my address", tab.text())
        until(ada.is_verified, "the address is confirmed")
        self.assert_kept(tab, link, posts=1)
        tab.reload()
        tab.reads("Everything is well.")

    def test_a_link_that_was_used_says_so(self):
        ada, tab = Person(self.server), self.tab()
        link = ada.verify_link()
        self.assertEqual(self.server.ask("/auth/email/verify", {"token": link.split("=")[1]})[0], 200)
        tab.open(link)
        tab.click("#verify button")
        tab.reads("This link has been used, or has expired, or a newer mail has replaced it.")
        self.assertNotIn("Confirm my address", tab.text())
        # The browser notes down that a request was refused.
        self.assert_kept(tab, link, posts=1, complaints=1)

    def test_a_link_that_was_cut_off_says_so(self):
        tab = self.tab()
        for link in ["/#verify=", "/#verify=cfm_cut", "/#reset="]:
            tab.open(self.server.base + "/health/live")
            tab.open(self.server.base + link)
            self.assertEqual(tab.js("location.href"), self.server.base + "/")
            if "reset" in link:
                tab.js("document.querySelector('#password').focus()")
                tab.type(NEW_PASSWORD)
            tab.click("main:not([hidden]) button")
            tab.reads("This link has been used, or has expired")

    def test_a_password_is_reset_and_every_session_ends(self):
        ada, tab = Person(self.server), self.tab()
        link = ada.reset_link()
        tab.open(link)
        tab.reads("Choose a new password")
        self.assertEqual(tab.js("document.querySelector('label[for=password]').innerText"), "New password")
        self.assertEqual(tab.js("document.querySelector('#password').autocomplete"), "new-password")
        self.assert_kept(tab, link, posts=0)

        tab.click("#password")
        tab.type("short")
        tab.click("#reset button")
        self.assertTrue(tab.js("document.querySelector('#password').validity.tooShort"))
        self.assert_kept(tab, link, posts=0)

        tab.js("document.querySelector('#password').value = ''")
        tab.click("#password")
        tab.type("password123")
        tab.key("Enter", 13, "\r")
        tab.reads("The password is one of the passwords that are tried first.")
        focused = "document.activeElement === document.querySelector('#password')"
        self.assertTrue(tab.js(f"{focused} && document.activeElement.ariaInvalid === 'true'"))
        tab.picture(PICTURES / "reset-refused-light-wide.png")

        tab.js("document.querySelector('#password').value = ''")
        tab.type(NEW_PASSWORD)
        tab.click("#show")
        self.assertEqual(tab.js("document.querySelector('#password').type"), "text")
        tab.click("#reset button")
        tab.reads("Your new password is set. All sessions have ended: sign in again with the new password.")
        self.assertEqual(tab.js("document.querySelector('#password').value"), "")
        self.assert_kept(tab, link, posts=2, complaints=1)
        self.assertNotIn(NEW_PASSWORD, self.server.log.read_text())
        self.assertEqual(self.server.ask("/auth/me", token=ada.token)[0], 401)
        self.assertEqual(ada.sign_in(PASSWORD)[0], 401)
        self.assertEqual(ada.sign_in(NEW_PASSWORD)[0], 200)

    def test_the_keyboard_is_enough(self):
        ada, tab = Person(self.server), self.tab()
        tab.open(ada.verify_link())
        tab.key("Tab", 9)
        self.assertEqual(tab.js("document.activeElement.innerText"), "Confirm my address")
        tab.key("Enter", 13, "\r")
        tab.reads("is confirmed.")

    def test_without_an_answer_it_can_be_tried_again(self):
        ada, tab = Person(self.server), self.tab()
        link = ada.verify_link()
        tab.open(link)
        tab.offline(True)
        tab.click("#verify button")
        tab.reads("No answer came. See whether you are online, and try again.")
        tab.reads("Confirm my address")
        tab.offline(False)
        tab.click("#verify button")
        tab.reads("is confirmed.")
        self.assert_kept(tab, link, posts=2, complaints=1)

    def test_an_answer_that_was_lost_is_told_once_more(self):
        ada, tab = Person(self.server), self.tab()
        tab.open(ada.verify_link())
        tab.lose_next_answer(lambda: tab.click("#verify button"))
        tab.reads("No answer came.")
        until(ada.is_verified, "the address is confirmed")
        tab.click("#verify button")
        tab.reads("is confirmed.")

        tab = self.tab()
        tab.open(ada.reset_link())
        tab.click("#password")
        tab.type("password123")
        tab.click("#reset button")
        tab.reads("The password is one of")
        # Another password is another request.
        tab.js("document.querySelector('#password').value = ''")
        tab.type(NEW_PASSWORD)
        tab.lose_next_answer(lambda: tab.click("#reset button"))
        tab.reads("No answer came.")
        self.assertEqual(ada.sign_in(NEW_PASSWORD)[0], 200)
        tab.click("#reset button")
        tab.reads("Your new password is set.")

    def test_a_second_link_in_the_same_tab_takes_the_place_of_the_first(self):
        ada, tab = Person(self.server), self.tab()
        verify, reset = ada.verify_link(), ada.reset_link()
        tab.open(verify)
        tab.reads("Confirm my address")
        # As when a person puts another link into the address bar: nothing is loaded.
        tab.call("Page.navigate", {"url": reset})
        tab.reads("Choose a new password")
        self.assertNotIn("Confirm my address", tab.text())
        self.assert_kept(tab, reset, posts=0)
        self.assertEqual(len([request for request in tab.requests if request["url"].endswith("page.js")]), 1)

    def test_ukrainians_read_ukrainian(self):
        ada = Person(self.server)
        tab = self.tab(language="uk-UA,en")
        tab.open(self.server.base + "/")
        tab.reads("Усе гаразд.")
        self.assertEqual(tab.js("document.documentElement.lang"), "uk")
        tab.picture(PICTURES / "front-uk-light-wide.png")
        tab = self.tab(language="uk")
        tab.open(ada.verify_link())
        tab.click("#verify button")
        tab.reads(f"Дякуємо: адресу {ada.address} підтверджено.")
        tab = self.tab(language="uk-UA,en")
        tab.open(ada.reset_link())
        tab.click("#password")
        tab.type("password123")
        tab.click("#reset button")
        tab.reads("Пароль не підходить: його пробують одним із перших.")
        tab.js("document.querySelector('#password').value = ''")
        tab.type(NEW_PASSWORD)
        tab.key("Enter", 13, "\r")
        tab.reads("Новий пароль встановлено. Усі сеанси завершено")

    def test_who_speaks_another_language_reads_the_first_one_that_is_known(self):
        for languages, title in [("fr,uk,en", "Підтвердьте"), ("fr-FR", "Confirm")]:
            tab = self.tab(language=languages)
            tab.open(self.server.base + "/#verify=cfm_x")
            tab.reads(title)

    def test_the_page_works_under_the_prefix_too(self):
        ada, tab = Person(self.server), self.tab()
        token = ada.verify_link().split("=")[1]
        tab.open(f"{self.server.base}/api/v1#verify={token}")
        tab.click("#verify button")
        tab.reads("is confirmed.")
        self.assertEqual(tab.js("location.href"), self.server.base + "/api/v1/")

    def test_nothing_is_cut_off_on_a_narrow_screen_and_all_can_be_read_in_the_dark(self):
        for scheme in ["light", "dark"]:
            for width, name in [(390, "narrow"), (1100, "wide")]:
                for path in ["/", "/#verify=cfm_x", "/#reset=cfm_x"]:
                    for language in ["en", "uk"]:
                        tab = self.tab(scheme=scheme, width=width, language=language)
                        tab.open(self.server.base + path)
                        view = path.strip("/#").split("=")[0] or "front"
                        tab.picture(PICTURES / f"{view}-{language}-{scheme}-{name}.png")
                        self.assertLessEqual(tab.js("document.documentElement.scrollWidth"), width, f"{path} {language}")
                        for selector in ["h1", "button", ".hint", "dd", "footer"]:
                            self.assert_legible(tab, selector)

    def assert_legible(self, tab, selector):
        """WCAG AA: 4.5 to 1 between a text and what it stands on."""
        contrast = tab.js("""(() => {
            const element = [...document.querySelectorAll(%s)].find((one) => one.offsetParent);
            if (!element) return null;
            const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
            const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
                .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
            let ground = element;
            while (parts(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
            const two = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor].map(light);
            return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
        })()""" % json.dumps(selector))
        if contrast is not None:
            self.assertGreaterEqual(contrast, 4.5, f"{selector} in {tab.js('location.href')}")


if __name__ == "__main__":
    unittest.main(verbosity=2)

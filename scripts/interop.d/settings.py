"""Settings: what our server accepts, real freqtrade has to accept, and what our server has to refuse, it refuses.

Random people change their settings in random ways, always to what may be: settings_model.py tells on paper what they
then are, our server has to show just that, its export goes to freqtrade (settings_judge.py), comes back by import
without changing anything, and older versions come back to the byte. Then everything that must not be is tried
(settings_wrong.py).
"""

import os
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import settings_table as table
import settings_wrong
from settings_client import PATH, Client, Disagreement, expect, ready
from settings_model import Model, flattened, nested, only_telegram, read, without_telegram, write

SEED = int(os.environ.get("INTEROP_SEED", random.SystemRandom().randrange(10**9)))
SEQUENCES = int(os.environ.get("INTEROP_SEQUENCES", "500"))
# So that no history gets long, and several ask at once.
PEOPLE, AT_ONCE = 20, 4
# One less than may be: the next one still fits.
PRESETS = 19
HERE = Path(__file__).resolve().parent
SHOWN_ONLY = ["bot_name", "dry_run", "strategy", "version", "updated_at", "source", "preset", "position"]


def plain(value):
    """One text for what is the same: 0.10 is 0.1, but 1 is not true."""
    if isinstance(value, Decimal):
        return format(value.normalize() + 0, "f")
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{plain(value[name])}" for name in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(plain, value)) + "]"
    return repr(value)


def version_in(etag):
    """What stands after a dot is shown beside the version, and is no part of it."""
    return int(etag.strip('"').split(".")[0])


def same(theirs, ours, what):
    different = [f"{key} is {theirs.get(key)!r}, not {ours.get(key)!r}" for key in sorted({*theirs, *ours})
                 if plain(theirs.get(key)) != plain(ours.get(key))]
    expect(not different, f"{what}: {'; '.join(different)}")


class Person:
    """Somebody at the server, and beside them what they have to be on paper."""

    def __init__(self, listen, name, chance, files):
        self.client, self.name, self.chance, self.files = Client(listen, name), name, chance, files
        self.counts = {"changes": 0, "reverts": 0, "presets": 0, "imports": 0, "with_telegram": 0, "files": 0}
        shown = self.client.ask("GET", PATH)[1]
        defaults = self.flat(shown)
        known = {key: as_read(value) for key, value in table.DEFAULTS.items()}
        same({key: defaults.get(key) for key in known}, known, "defaults")
        expect({*defaults} <= {*table.ALL}, f"keys that nobody knows: {({*defaults} - {*table.ALL})}")
        self.model = Model(defaults)
        self.model.files[0] = (self.client.export()[1], None)

    def flat(self, shown):
        """As on paper: without what is only shown, and of secrets nothing."""
        flat = flattened({key: value for key, value in shown.items() if key not in SHOWN_ONLY})
        return {key: value for key, value in flat.items() if key.split("/")[-1] not in table.SECRETS}

    def is_as_on_paper(self, etag, shown):
        model = self.model
        expect(version_in(etag) == model.version, f"{self.name}: version {etag}, not {model.version}")
        same(self.flat(shown), model.settings, f"{self.name} at version {model.version}")
        for secret in table.SECRETS:
            is_set = shown["telegram"][secret]["set"]
            expect(is_set == (secret in model.secrets), f"{self.name}: {secret} is set: {is_set}")

    def does(self, method, at, body=None):
        """What changes settings, and says what they are then."""
        self.counts["changes"] += 1
        self.is_as_on_paper(*self.client.ask(method, PATH + at, body))

    def patches(self):
        chance, model = self.chance, self.model
        if chance.random() < 0.05:
            return self.resets_a_section()
        sent, after = model.drawn(chance, model.settings, with_telegram=True)
        secrets = self.some_secrets() if chance.random() < 0.15 else {}
        has = {**model.secrets, **secrets}
        is_complete = bool(has.get("token") and has.get("chat_id"))
        if is_complete and chance.random() < 0.5:
            sent["/telegram/enabled"] = after["/telegram/enabled"] = chance.random() < 0.7
        elif not is_complete and after["/telegram/enabled"]:
            sent["/telegram/enabled"] = after["/telegram/enabled"] = False
        sent |= {f"/telegram/{name}": value for name, value in secrets.items()}
        model.becomes(after, {name: value for name, value in secrets.items() if value or name in model.secrets})
        self.does("PATCH", "", nested(sent))

    def some_secrets(self):
        chance = self.chance
        token = f"{chance.randrange(10**9, 10**10)}:{chance.getrandbits(128):032x}canary"
        drawn = {"token": token, "chat_id": str(chance.randrange(-10**12, 10**12)),
                 "authorized_users": [str(chance.randrange(10**8)) for _ in range(2)]}
        if chance.random() < 0.3:
            drawn = {name: None if chance.random() < 0.3 else value for name, value in drawn.items()}
        return {name: value for name, value in drawn.items() if chance.random() < 0.8}

    def resets_a_section(self):
        """Null for all that stands below it, secrets too."""
        model = self.model
        section = self.chance.choice(["exchange", "telegram", "unfilledtimeout", "order_time_in_force"])
        keys = {key: None for key in [*model.settings, *model.defaults] if key.startswith(f"/{section}/")}
        secrets = dict.fromkeys(model.secrets) if section == "telegram" else None
        model.becomes(model.merged(model.settings, keys), secrets)
        self.does("PATCH", "", {section: None})

    def reverts(self, version):
        self.counts["reverts"] += 1
        self.model.revert(version)
        self.does("POST", "/revert", {"version": version})

    def with_presets(self):
        """Saves one, changes one, applies one or deletes one."""
        chance, model = self.chance, self.model
        names, free = sorted(model.presets), f"p{model.version}.{self.counts['presets']}"
        self.counts["presets"] += 1
        does = chance.choice(["save", "apply", "apply", "edit", "put", "delete"]) if names else "save"
        name = chance.choice(names) if names else free
        if does == "delete" or len(names) >= PRESETS:
            del model.presets[name]
            self.client.ask("DELETE", f"{PATH}/presets/{name}")
        elif does == "apply":
            before = model.version
            model.becomes({**model.presets[name], **only_telegram(model.settings)})
            if model.version == before == 0:
                # Their own from now on, even where they equal the defaults.
                model.version, model.versions[1] = 1, dict(model.settings)
            self.does("POST", f"/presets/{name}/apply", {})
        else:
            before = {"edit": model.presets.get(name), "put": model.defaults, "save": model.settings}[does]
            sent, after = model.drawn(chance, without_telegram(before), with_telegram=False)
            if does == "put":
                replaced(sent, after, before)
            body = {"settings": nested(sent)}
            at, method = {"save": ("", "POST"), "put": (f"/{name}", "PUT"), "edit": (f"/{name}", "PATCH")}[does]
            if does != "put":
                body["name"] = free
                model.presets.pop(name if does == "edit" else free, None)
            saved = self.client.ask(method, f"{PATH}/presets{at}", body)[1]
            model.presets[name if does == "put" else free] = after
            same(flattened(saved["settings"]), after, f"{self.name}: preset {saved['name']}")

    def sequence(self, number):
        """One random sequence, and what has to hold after it."""
        chance, model = self.chance, self.model
        for _ in range(chance.randint(1, 6)):
            dice = chance.random()
            if dice < 0.15:
                self.with_presets()
            elif dice < 0.22:
                self.reverts(chance.randrange(model.version + 1))
            else:
                self.patches()
        self.is_as_on_paper(*self.client.ask("GET", PATH))
        self.exports(number)
        self.imports()
        self.goes_back()

    def exports(self, number):
        model = self.model
        etag, bare = self.client.export()
        in_full = self.client.export("?secrets=env")[1]
        expect(version_in(etag) == model.version, f"{self.name}: the export is of {etag}, not of {model.version}")
        shown = {**nested(without_telegram(model.settings)), "bot_name": "counterfoil", "dry_run": True}
        same(flattened(read(bare)), flattened(shown), f"{self.name}: export")
        expect("canary" not in bare + in_full, f"{self.name}: a secret is exported")
        (self.files / f"{number:04}.json").write_text(bare)
        self.counts["files"] += 1
        if model.is_complete:
            telegram = nested(only_telegram(model.settings))["telegram"]
            places = {name: f"FREQTRADE__TELEGRAM__{name.upper()}" for name in ["token", "chat_id"]}
            if "authorized_users" in model.secrets:
                places["authorized_users"] = ["FREQTRADE__TELEGRAM__AUTHORIZED_USERS"]
            if "authorized_users" in model.secrets:
                places["authorized_users"] = ["FREQTRADE__TELEGRAM__AUTHORIZED_USERS"]
            shown["telegram"] = {**telegram, **places}
            same(flattened(read(in_full)), flattened(shown), f"{self.name}: export with telegram")
            (self.files / f"{number:04}.env.json").write_text(in_full)
            self.counts["with_telegram"] += 1
        else:
            expect(in_full == bare, f"{self.name}: another export without secrets")
        model.files[model.version] = (bare, in_full if model.is_complete else None)

    def imports(self):
        """What was exported is nothing new."""
        model = self.model
        for file in filter(None, model.files[model.version]):
            etag, answer = self.client.ask("POST", f"{PATH}/import", file)
            self.counts["imports"] += 1
            expect(answer["changed"] == [] and answer["refused"] == [],
                   f"{self.name}: import changed {answer['changed']}, refused {answer['refused']}")
            codes = {one["code"] for one in answer["ignored"]}
            expect(codes <= {"read_only", "placeholder"}, f"{self.name}: import ignored {answer['ignored']}")
            self.is_as_on_paper(etag, answer["settings"])
        self.is_unchanged()

    def is_unchanged(self):
        """The same version, the same file, to the byte."""
        bare, in_full = self.model.files[self.model.version]
        etag, now = self.client.export()
        expect((version_in(etag), now) == (self.model.version, bare), f"{self.name}: {etag}, another file: {now}")
        if in_full:
            expect(self.client.export("?secrets=env")[1] == in_full, f"{self.name}: another file with telegram")

    def goes_back(self):
        """To a version of which the file of then is known."""
        model = self.model
        version = self.chance.choice(sorted(model.files))
        then, with_telegram = model.files[version]
        self.reverts(version)
        now = self.client.export()[1]
        expect(now == then, f"{self.name}: back at {version} another file:\n{then}\n{now}")
        in_full = self.client.export("?secrets=env")[1] if model.is_complete else None
        if with_telegram and in_full:
            expect(without_users(in_full) == without_users(with_telegram), f"{self.name}: back at {version} another file with telegram:\n{in_full}")
        model.files[model.version] = (now, in_full)


def replaced(sent, after, before):
    """Members that were not sent are not there: only a PATCH merges."""
    for pointer in table.MAPS:
        if isinstance(sent.get(pointer), dict):
            members = {name: inner for name, inner in after[pointer].items() if name in sent[pointer]}
            if not members:
                del sent[pointer]
            after[pointer] = members or before[pointer]


def without_users(file):
    """Secrets stay as they are now, and so does whether this one is set."""
    return re.sub(r'\s*"authorized_users": \[[^\]]*\],', "", file)


def as_read(value):
    """Numbers, as JSON has them."""
    if isinstance(value, dict):
        return {name: as_read(inner) for name, inner in value.items()}
    is_number = type(value) is int or (isinstance(value, str) and value.lstrip("-").replace(".", "").isdigit())
    return Decimal(value) if is_number else value


def one_persons_sequences(listen, index, files):
    chance = random.Random(f"{SEED}/{index}")
    person = Person(listen, f"person{index}", chance, files)
    for number in range(index, SEQUENCES, PEOPLE):
        try:
            person.sequence(number)
        except Disagreement as disagreement:
            raise Disagreement(f"sequence {number}: {disagreement}") from None
    person.counts["asked"] = person.client.asked
    return person.counts


def refusals(listen, files):
    """Everything that must not be, of somebody whose settings must stay as they are."""
    person = Person(listen, "careful", random.Random(f"{SEED}/wrong"), files)
    # Not the defaults any more; then what is wrong beside them still is.
    model = person.model
    model.becomes({**model.settings, "/tradable_balance_ratio": Decimal("0.5")})
    person.does("PATCH", "", {"tradable_balance_ratio": Decimal("0.5")})
    model.files[1] = (person.client.export()[1], None)
    found = []
    barred, wrong = (
        sum(try_it(person, *one, found) for one in all_of_them)
        for try_it, all_of_them in [(is_barred, settings_wrong.forbidden()),
                                    (is_wrong, settings_wrong.wrong(person.chance))])
    expect(person.client.ask("GET", f"{PATH}/presets")[1]["items"] == [], "a preset was saved")
    expect(not found, "\n".join(found))
    return barred, wrong, person.client.asked


def is_barred(person, pointer, change, found):
    code = "read_only" if pointer in settings_wrong.READ_ONLY else "setting_forbidden"
    for method, at, body, before in [("PATCH", "", change, ""),
                                     ("POST", "/presets", {"name": "p", "settings": change}, "/settings")]:
        answer = person.client.refused(method, PATH + at, beside(body, before))
        if answer != (403, "setting_forbidden", [(before + pointer, code)]):
            found.append(f"{method} {write(body)} should be forbidden, but the answer was {answer}")
    person.is_unchanged()
    return True


def is_wrong(person, pointers, change, found):
    status, code, errors = person.client.refused("PATCH", PATH, beside(change, ""))
    is_refused = status == 422 and code in ("validation_failed", "unknown_setting")
    if not is_refused or [pointer for pointer, _ in errors] != pointers:
        found.append(f"{write(change)} is wrong at {pointers}, but the answer was {status} {code} {errors}")
        expect(status != 200, "\n".join(found))
    person.is_unchanged()
    return True


def beside(change, before):
    """With something that would be good, and must not be taken either."""
    if before:
        return {**change, "settings": beside(change["settings"], "")}
    return {"amount_reserve_percent": Decimal("0.123"), **change} if isinstance(change, dict) else change


def main(listen, directory):
    print(f"interop: settings with INTEROP_SEED={SEED}", file=sys.stderr)
    files = Path(directory) / "files"
    files.mkdir()
    ready(listen)
    counts = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = [pool.submit(one_persons_sequences, listen, index, files) for index in range(min(PEOPLE, SEQUENCES))]
        for one in asked:
            for name, count in one.result().items():
                counts[name] = counts.get(name, 0) + count
    expect(counts["files"] == SEQUENCES > 0, f"{counts['files']} files of {SEQUENCES} sequences")
    barred, wrong, requests = refusals(listen, files)
    print(f"  {counts['asked'] + requests} requests: {counts['changes']} changes accepted and as on paper, "
          f"{counts['presets']} of presets, {counts['reverts']} reverts; {counts['imports']} imports changed nothing",
          file=sys.stderr)
    (files / "forbidden").mkdir()
    for index, (pointer, change) in enumerate(settings_wrong.for_freqtrade()):
        (files / "forbidden" / f"{index:02}.json").write_text(write({"pointer": pointer, "change": change}))
    judge = [sys.executable, "-B", str(HERE / "settings_judge.py"), str(files), str(SEED)]
    judged = subprocess.run(judge, stdout=subprocess.PIPE, text=True)
    expect(judged.returncode == 0, "freqtrade does not take what we exported")
    print(f"interop: {SEQUENCES} sequences of settings, {counts['with_telegram']} with telegram, seed {SEED}: "
          f"{judged.stdout.strip()}; {barred} forbidden keys 403, {wrong} wrong values 422, nothing changed by them; "
          f"{counts['imports']} imports changed nothing, {SEQUENCES} old versions came back to the byte")


try:
    main(*sys.argv[1:])
except Disagreement as disagreement:
    again = f"INTEROP_SEED={SEED} INTEROP_SEQUENCES={SEQUENCES} make interop"
    sys.exit(f"interop: {disagreement}\ninterop: {again} shows it again")

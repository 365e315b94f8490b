"""Lab 9, wasteful: syncs before it reads, although a version that is behind makes the write fail without harm."""
import json
import sys


class Client:
    def __init__(self, name):
        self.name, self.tag, self.addition, self.stage, self.unsure = name, 0, 0, "resting", False

    def ask(self, stage, what, **more):
        self.tag, self.stage = self.tag + 1, stage
        return [{"do": what, "tag": self.tag, "path": "/counter", **more}]

    def read(self):
        return self.ask("syncing", "sync")

    def done(self):
        self.stage = "resting"
        return [{"do": "added", "value": self.value}]

    def on_read(self, text, version):
        number, *marks = text.split(" ")
        last = {name: (int(nth), int(value)) for name, nth, value in (mark.split(":") for mark in marks)}
        if self.unsure and last.get(self.name, (0, 0))[0] == self.addition:
            self.value = last[self.name][1]
            return self.done()
        self.value = int(number) + 1
        last[self.name] = (self.addition, self.value)
        marks = "".join(f" {name}:{nth}:{value}" for name, (nth, value) in sorted(last.items()))
        return self.ask("writing", "set", data=f"{self.value}{marks}", version=version)

    def on(self, event):
        kind = event["is"]
        if kind == "add":
            self.addition, self.unsure = self.addition + 1, False
            return self.read()
        if kind not in ("reply", "refused", "lost"):
            return []
        if kind == "lost":
            self.unsure |= event["maybe"] and self.stage == "writing"
            return self.read()
        if kind == "reply" and self.stage == "syncing":
            return self.ask("reading", "get")
        if kind == "reply" and self.stage == "reading":
            return self.on_read(event["data"], event["version"])
        if kind == "reply" and self.stage == "writing":
            return self.done()
        if kind == "refused" and self.stage == "reading":
            return self.ask("founding", "create", data="0")
        return self.read()


clients = {}
for line in sys.stdin:
    question = json.loads(line)
    client, event = question["client"], question["event"]
    if event["is"] == "start":
        clients[client] = Client(event["name"])
    print(json.dumps({"do": clients[client].on(event)}), flush=True)

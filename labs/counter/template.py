"""Lab 9, counter.

Several clients add to the number in /counter, each addition exactly once. `on` is told what a client hears and answers
with what it does; the lines are in docs/grading.md. One program plays all clients: each has an object of its own, a
new one for each life, and they may share nothing.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


class Client:
    def __init__(self, name):
        self.name = name  # no other client and no other life has it
        self.tag = 0
        self.value = 0
        self.is_writing = False

    def ask(self, what, **more):
        self.tag += 1
        return [{"do": what, "tag": self.tag, "path": "/counter", **more}]

    def read(self):
        self.is_writing = False
        return self.ask("get")

    def on(self, event):
        """What the client does. `add` comes once; the next comes after you have answered `added`."""
        kind = event["is"]
        if kind == "add":
            return self.read()
        if kind == "reply" and not self.is_writing:
            self.value = int(event.get("data", "0").split(" ")[0]) + 1
            self.is_writing = True
            return self.ask("set", data=str(self.value), version=event.get("version"))
        if kind == "reply":
            return [{"do": "added", "value": self.value}]
        if kind == "refused" and event["why"] == "no-node":
            return self.ask("create", data="0")
        if kind == "refused":
            return self.read()
        if kind == "lost":
            return self.read()  # No reply will come. Was it carried out?
        return []


clients = {}
for line in sys.stdin:
    question = json.loads(line)
    client, event = question["client"], question["event"]
    if event["is"] == "start":
        clients[client] = Client(event["name"])
        actions = []
    else:
        actions = clients[client].on(event)
    print(json.dumps({"do": actions}), flush=True)

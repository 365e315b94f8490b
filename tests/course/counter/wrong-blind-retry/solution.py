"""Lab 9, wrong: a write without a reply counts as not done, so that it may be done twice."""
import json
import sys


class Client:
    def __init__(self, name):
        self.tag, self.writing, self.value = 0, False, 0

    def ask(self, what, **more):
        self.tag += 1
        return [{"do": what, "tag": self.tag, "path": "/counter", **more}]

    def read(self):
        self.writing = False
        return self.ask("get")

    def on(self, event):
        kind = event["is"]
        if kind in ("add", "lost"):
            return self.read()
        if kind == "reply" and self.writing:
            return [{"do": "added", "value": self.value}]
        if kind == "reply" and "data" in event:
            self.writing, self.value = True, int(event["data"]) + 1
            return self.ask("set", data=str(self.value), version=event["version"])
        if kind == "refused" and event["why"] == "no-node":
            return self.ask("create", data="0")
        if kind in ("reply", "refused"):
            return self.read()
        return []


clients = {}
for line in sys.stdin:
    question = json.loads(line)
    client, event = question["client"], question["event"]
    if event["is"] == "start":
        clients[client] = Client(event["name"])
    print(json.dumps({"do": clients[client].on(event)}), flush=True)

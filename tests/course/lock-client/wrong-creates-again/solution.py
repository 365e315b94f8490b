"""Lab 11, wrong: a create without a reply counts as not done, and a znode stays that nobody knows of."""
import json
import sys


def number(name):
    return int(name[-10:])


class Client:
    def __init__(self, name):
        self.name, self.tag, self.attempt, self.node, self.awaited = name, 0, 0, "", ""
        self.stage, self.told, self.wanted = "resting", True, False

    def ask(self, stage, what, path, **more):
        self.tag, self.stage = self.tag + 1, stage
        return [{"do": what, "tag": self.tag, "path": path, **more}]

    def prefix(self):
        return f"{self.name}-{self.attempt}-"

    def enlist(self):
        path = "/lock/" + self.prefix()
        return self.ask("creating", "create", path, data=self.name, ephemeral=True, sequential=True)

    def anew(self):
        self.attempt, self.wanted = self.attempt + 1, False
        return self.enlist()

    def flush(self):
        # A write comes after whatever was under way.
        return self.ask("flushing", "delete", "/lock/nothing")

    def list(self, stage):
        return self.ask(stage, "children", "/lock")

    def leave(self, told):
        self.told = told
        return self.ask("leaving", "delete", self.node)

    def gone(self, told):
        self.stage = "resting"
        if not told:
            return [{"do": "let-go"}]
        return self.anew() if self.wanted else []

    def adopt(self, node):
        self.node = node
        return self.list("looking")

    def look(self, names):
        own = self.node.split("/")[-1]
        if own not in names:
            return self.gone(False)
        before = [name for name in names if number(name) < number(own)]
        if before:
            self.awaited = "/lock/" + max(before, key=number)
            return self.ask("arming", "exists", self.awaited, watch=True)
        self.stage = "holding"
        return [{"do": "hold", "node": self.node, "token": number(own)}]

    def on_reply(self, event):
        if self.stage == "creating":
            return self.adopt(event["path"])
        if self.stage == "founding":
            return self.enlist()
        if self.stage == "flushing":
            return self.list("seeking")
        if self.stage == "seeking":
            mine = [name for name in event["names"] if name.startswith(self.prefix())]
            return self.adopt("/lock/" + mine[0]) if mine else self.enlist()
        if self.stage == "looking":
            return self.look(event["names"])
        if self.stage == "arming":
            self.stage = "waiting"
        if self.stage == "leaving":
            return self.gone(self.told)
        return []

    def on_refused(self, why):
        if self.stage == "creating" and why == "no-node":
            return self.ask("founding", "create", "/lock", data="")
        if self.stage == "founding":
            return self.enlist()
        if self.stage == "flushing":
            return self.list("seeking")
        if self.stage == "arming" and why == "no-node":
            return self.list("looking")
        return self.gone(self.stage == "leaving" and self.told)

    def on_lost(self, maybe):
        if self.stage in ("creating", "founding"):
            return self.enlist()
        if self.stage in ("flushing", "seeking"):
            return self.flush()
        if self.stage == "leaving":
            return self.leave(self.told)
        return self.list("looking")

    def on(self, event):
        kind = event["is"]
        if kind == "acquire":
            if self.stage == "resting":
                return self.anew()
            self.wanted = True
        if kind == "release":
            return self.leave(False)
        if kind in ("reply", "refused", "lost") and event["tag"] != self.tag:
            return []
        if kind == "reply":
            return self.on_reply(event)
        if kind == "refused":
            return self.on_refused(event["why"])
        if kind == "lost":
            return self.on_lost(event["maybe"])
        if kind == "changed" and self.stage == "waiting" and event["path"] == self.awaited:
            return self.list("looking")
        if kind == "disconnected" and self.stage == "holding":
            self.stage, self.told = "leaving", True
            return [{"do": "let-go"}]
        if kind == "connected" and self.stage == "leaving" and self.told:
            return self.leave(True)
        if kind == "expired" and self.stage != "resting":
            self.tag += 1
            return self.gone(self.stage == "leaving" and self.told)
        return []


clients = {}
for line in sys.stdin:
    question = json.loads(line)
    client, event = question["client"], question["event"]
    if event["is"] == "start":
        clients[client] = Client(event["name"])
    print(json.dumps({"do": clients[client].on(event)}), flush=True)

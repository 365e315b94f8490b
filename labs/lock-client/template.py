"""Lab 11, lock client.

Clients take turns with a lock: an ephemeral sequential znode in /lock each; the lowest number holds. `on` is told what
a client hears and answers with what it does; the lines are in docs/grading.md. One program plays all clients: each has
an object of its own, a new one for each life, and they may share nothing.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


class Client:
    def __init__(self, name):
        self.name = name  # no other client and no other life has it
        self.tag = 0
        self.node = ""
        self.stage = "resting"

    def ask(self, what, path, **more):
        self.tag += 1
        return [{"do": what, "tag": self.tag, "path": path, **more}]

    def enlist(self):
        self.stage = "creating"
        return self.ask("create", "/lock/lock-", data=self.name, ephemeral=True, sequential=True)

    def list(self):
        """The watch wakes everybody at every change. Is that necessary?"""
        self.stage = "listing"
        return self.ask("children", "/lock", watch=True)

    def look(self, names):
        if not names or names[0] != self.node.split("/")[-1]:
            return []
        self.stage = "holding"
        # What does the resource that the lock guards have to see?
        return [{"do": "hold", "node": self.node, "token": None}]

    def leave(self):
        self.stage = "deleting"
        return self.ask("delete", self.node)

    def let_go(self):
        self.stage = "resting"
        return [{"do": "let-go"}]

    def on(self, event):
        """What the client does. After `acquire` say `hold` once you hold it; `release` comes when the application is
        done, and is answered with `let-go` once the znode is gone. If you stop to wait or lose the lock, say `let-go`,
        too; the application will ask again."""
        kind = event["is"]
        if kind == "acquire":
            return self.enlist()
        if kind == "release":
            return self.leave()
        if kind == "reply" and self.stage == "creating":
            self.node = event["path"]
            return self.list()
        if kind == "reply" and self.stage == "listing":
            return self.look(event["names"])
        if kind == "reply" and self.stage == "deleting":
            return self.let_go()
        if kind == "reply" and self.stage == "founding":
            return self.enlist()
        if kind == "refused" and self.stage == "creating" and event["why"] == "no-node":
            self.stage = "founding"
            return self.ask("create", "/lock", data="")
        if kind == "refused" and self.stage == "founding":
            return self.enlist()
        if kind == "refused":
            return self.let_go()
        if kind == "changed" and self.stage == "listing":
            return self.list()  # Something in the line has changed. Was it for me?
        if kind == "lost" and self.stage in ("creating", "founding"):
            return self.enlist()  # Was it created?
        if kind == "lost" and self.stage == "listing":
            return self.list()
        if kind == "lost" and self.stage == "deleting":
            return self.leave()
        if kind == "expired" and self.stage != "resting":
            return self.let_go()
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

"""Lab 10: one read leaves a one-shot watch; what was read is served until it is told of a change."""
import json
import sys


class Client:
    def __init__(self, name):
        self.tag, self.asked, self.data = 0, False, None
        self.watched = self.connected = self.wanted = False

    def on(self, event):
        kind = event["is"]
        if kind == "read":
            self.wanted = True
        elif kind == "connected":
            self.connected, self.watched = True, self.watched and not event["new_session"]
        elif kind == "disconnected":
            self.connected = False
        elif kind == "expired":
            self.connected = self.watched = False
        elif kind == "changed":
            self.watched = False
        elif kind == "reply":
            self.asked, self.watched, self.data = False, True, event.get("data")
        elif kind == "refused":
            # There is no znode, and so no watch.
            self.asked = self.wanted = False
            return [{"do": "serve", "data": None}]
        elif kind == "lost":
            self.asked = False
        if not self.wanted or not self.connected or self.asked:
            return []
        if self.watched:
            self.wanted = False
            return [{"do": "serve", "data": self.data}]
        self.tag, self.asked = self.tag + 1, True
        return [{"do": "get", "tag": self.tag, "path": "/config", "watch": True}]


clients = {}
for line in sys.stdin:
    question = json.loads(line)
    client, event = question["client"], question["event"]
    if event["is"] == "start":
        clients[client] = Client(event["name"])
    print(json.dumps({"do": clients[client].on(event)}), flush=True)

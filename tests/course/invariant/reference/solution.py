"""Lab 13: one leader per epoch, commits by majorities, the same contents and histories everywhere, no step back."""
import json
import sys


def pair(zxid):
    return zxid["epoch"], zxid["counter"]


class Invariant:
    def __init__(self):
        self.leaders, self.contents, self.histories, self.last = {}, {}, {}, {}

    def leads(self, server, epoch):
        if self.leaders.setdefault(epoch, server) != server:
            return f"servers {self.leaders[epoch]} and {server} lead epoch {epoch}"
        return None

    def observe(self, event):
        kind, server = event["is"], event.get("server")
        if kind == "start":
            self.voters = event["voters"]
        if kind == "led":
            return self.leads(server, event["epoch"])
        if kind == "proposed":
            return self.leads(server, event["zxid"]["epoch"])
        if kind == "committed" and 2 * sum(ack in self.voters for ack in event["acks"]) <= len(self.voters):
            return f"{pair(event['zxid'])} is committed with {event['acks']}"
        if kind == "serves":
            self.last[server] = pair(event["last"])
            if self.histories.setdefault(pair(event["last"]), event["history"]) != event["history"]:
                return f"two histories end with {pair(event['last'])}"
        if kind == "delivered":
            zxid, what = pair(event["zxid"]), (event["what"], event["state"])
            if zxid <= self.last.get(server, (0, 0)):
                return f"server {server} went back to {zxid}"
            self.last[server] = zxid
            if self.contents.setdefault(zxid, what) != what:
                return f"{zxid} is not the same everywhere"
        return None


for line in sys.stdin:
    invariant, alarm = Invariant(), None
    for at, event in enumerate(json.loads(line)["events"]):
        why = invariant.observe(event)
        if why:
            alarm = {"at": at, "why": why}
            break
    print(json.dumps({"alarm": alarm}), flush=True)

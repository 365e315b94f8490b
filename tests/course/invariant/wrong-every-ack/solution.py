"""Lab 13, wrong: what a server acknowledged need not be delivered: the next leader may not have it."""
import json
import sys


class Invariant:
    def __init__(self):
        self.acked = set()

    def observe(self, event):
        if event["is"] == "acked":
            self.acked.add((event["server"], event["zxid"]["epoch"], event["zxid"]["counter"]))
        if event["is"] == "delivered":
            server, zxid = event["server"], event["zxid"]
            early = [c for s, e, c in self.acked if s == server and e < zxid["epoch"]]
            if early:
                return f"server {server} goes on without what it acknowledged"
            self.acked.discard((server, zxid["epoch"], zxid["counter"]))
        return None


for line in sys.stdin:
    invariant, alarm = Invariant(), None
    for at, event in enumerate(json.loads(line)["events"]):
        why = invariant.observe(event)
        if why:
            alarm = {"at": at, "why": why}
            break
    print(json.dumps({"alarm": alarm}), flush=True)

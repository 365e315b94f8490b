"""Lab 13, wrong: one leader per epoch is not all; most defects let servers differ under good leaders."""
import json
import sys


class Invariant:
    def __init__(self):
        self.leaders = {}

    def observe(self, event):
        if event["is"] == "led":
            first = self.leaders.setdefault(event["epoch"], event["server"])
            if first != event["server"]:
                return f"servers {first} and {event['server']} lead epoch {event['epoch']}"
        return None


for line in sys.stdin:
    invariant, alarm = Invariant(), None
    for at, event in enumerate(json.loads(line)["events"]):
        why = invariant.observe(event)
        if why:
            alarm = {"at": at, "why": why}
            break
    print(json.dumps({"alarm": alarm}), flush=True)

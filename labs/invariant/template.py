"""Lab 13, invariant.

What must hold in every run of an ensemble? A run is told from its beginning to its end: who leads, what is proposed,
acknowledged, committed and delivered; the events are in docs/grading.md.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


class Invariant:
    """A new one for each run."""

    def __init__(self):
        self.leaders = {}

    def observe(self, event):
        """What is wrong, or None."""
        if event["is"] == "led":
            first = self.leaders.setdefault(event["epoch"], event["server"])
            if first != event["server"]:
                return f"servers {first} and {event['server']} lead epoch {event['epoch']}"
        # What else must hold?
        return None


for line in sys.stdin:
    invariant = Invariant()
    alarm = None
    for at, event in enumerate(json.loads(line)["events"]):
        why = invariant.observe(event)
        if why:
            alarm = {"at": at, "why": why}
            break
    print(json.dumps({"alarm": alarm}), flush=True)

import json
import sys


def decide(window, last, peer, wants_snapshot):
    return {"send": "snap"}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"plan": decide(
        question["window"], question["last"], question["peer"], question["wants_snapshot"])}
    print(json.dumps(answer), flush=True)

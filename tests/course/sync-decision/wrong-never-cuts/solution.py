import json
import sys


def place(zxid):
    return zxid["epoch"], zxid["counter"]


def decide(window, last, peer, wants_snapshot):
    if wants_snapshot or window and place(peer) < place(window[0]):
        return {"send": "snap"}
    return {"send": "diff", "after": peer}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"plan": decide(
        question["window"], question["last"], question["peer"], question["wants_snapshot"])}
    print(json.dumps(answer), flush=True)

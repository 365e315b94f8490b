import json
import sys


def place(zxid):
    return zxid["epoch"], zxid["counter"]


def decide(window, last, peer, wants_snapshot):
    history = [place(zxid) for zxid in window] or [place(last)]
    mine = place(peer)
    if wants_snapshot:
        return {"send": "snap"}
    if peer == last:
        return {"send": "diff", "after": peer}
    if mine > history[-1] and mine[1] > 0:
        return {"send": "trunc", "to": window[-1]}
    if history[0] <= mine <= history[-1]:
        if mine in history or mine[1] == 0:
            return {"send": "diff", "after": peer}
        before = [zxid for zxid in window if place(zxid) < mine]
        if before:
            return {"send": "trunc", "to": before[-1]}
    return {"send": "snap"}


for line in sys.stdin:
    question = json.loads(line)
    answer = {"plan": decide(
        question["window"], question["last"], question["peer"], question["wants_snapshot"])}
    print(json.dumps(answer), flush=True)

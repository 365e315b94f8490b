import json
import sys


def at_new_leader():
    return ["append", "store-epoch", "ack", "force"]


def at_new_epoch():
    return ["store-epoch", "ack"]


for line in sys.stdin:
    question = json.loads(line)
    if question["ask"] == "at-new-leader":
        answer = {"at-new-leader": at_new_leader()}
    else:
        answer = {"at-new-epoch": at_new_epoch()}
    print(json.dumps(answer), flush=True)

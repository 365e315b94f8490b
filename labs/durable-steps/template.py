"""Lab 7, order of durable steps.

At NEWLEADER a learner has received the leader's history as a DIFF; the steps are "append" (it is written to the log),
"force" (the log is forced to disk), "store-epoch" (currentEpoch is written and forced) and "ack" (the ACK leaves).
When it is told a new epoch, the steps are "store-epoch" (acceptedEpoch is written and forced) and "ack".

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


def at_new_leader():
    """The steps at NEWLEADER, in order."""
    return ["ack", "append", "force", "store-epoch"]


def at_new_epoch():
    """The steps at a new epoch, in order."""
    return ["ack", "store-epoch"]


for line in sys.stdin:
    question = json.loads(line)
    if question["ask"] == "at-new-leader":
        answer = {"at-new-leader": at_new_leader()}
    else:
        answer = {"at-new-epoch": at_new_epoch()}
    print(json.dumps(answer), flush=True)

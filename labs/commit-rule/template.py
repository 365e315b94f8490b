"""Lab 2, commit rule.

The leader may tell everybody to commit a proposal once nothing can make it disappear. Say when that is.
Servers are numbers; `acks` are those that have the proposal on disk, the leader's own among them once that is so.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


def is_committed(leader, acks, voters, observers):
    """Whether the proposal is committed."""
    # Two copies. Is that enough?
    return len(acks) >= 2


for line in sys.stdin:
    question = json.loads(line)
    answer = {"is-committed": is_committed(
        question["leader"], question["acks"], question["voters"], question["observers"])}
    print(json.dumps(answer), flush=True)

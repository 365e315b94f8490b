"""Lab 4, vote order.

A server that looks for a leader changes its vote when `supersedes` says that what it has heard is better.
A vote is {"sid": 3, "epoch": 2, "zxid": {"epoch": 2, "counter": 7}}: the server voted for, its epoch
(currentEpoch), and the last transaction in its log.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


def supersedes(new, current):
    """Whether the vote `new` is better than the vote `current`."""
    # This takes any other server's vote. Is that an order?
    return new["sid"] != current["sid"]


for line in sys.stdin:
    question = json.loads(line)
    answer = {"supersedes": supersedes(question["new"], question["current"])}
    print(json.dumps(answer), flush=True)

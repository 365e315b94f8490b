import json
import sys


def supersedes(new, current):
    def rank(vote):
        zxid = vote["zxid"]
        return vote["epoch"], zxid["epoch"], zxid["counter"], vote["sid"]
    return rank(new) > rank(current)


for line in sys.stdin:
    question = json.loads(line)
    answer = {"supersedes": supersedes(question["new"], question["current"])}
    print(json.dumps(answer), flush=True)

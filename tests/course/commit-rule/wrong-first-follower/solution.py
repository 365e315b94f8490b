import json
import sys


def is_committed(leader, acks, voters, observers):
    return leader in acks and len(set(acks) & set(voters)) >= 2


for line in sys.stdin:
    question = json.loads(line)
    answer = {"is-committed": is_committed(
        question["leader"], question["acks"], question["voters"], question["observers"])}
    print(json.dumps(answer), flush=True)

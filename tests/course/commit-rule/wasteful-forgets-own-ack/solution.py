import json
import sys


def is_committed(leader, acks, voters, observers):
    return 2 * len((set(acks) & set(voters)) - {leader}) > len(voters)


for line in sys.stdin:
    question = json.loads(line)
    answer = {"is-committed": is_committed(
        question["leader"], question["acks"], question["voters"], question["observers"])}
    print(json.dumps(answer), flush=True)

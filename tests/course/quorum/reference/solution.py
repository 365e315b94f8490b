import json
import sys


def contains_quorum(members, voters, observers, weights, groups):
    def weight(servers):
        return sum(weights.get(sid, 1) for sid in servers if sid in voters)

    def won(group):
        return 2 * weight(set(group) & set(members)) > weight(group)

    if not groups:
        return won(voters)
    counted = [group for group in groups if weight(group) > 0]
    return 2 * sum(won(group) for group in counted) > len(counted)


for line in sys.stdin:
    question = json.loads(line)
    weights = {form["sid"]: form["weight"] for form in question["weights"]}
    answer = {"contains-quorum": contains_quorum(
        question["members"], question["voters"], question["observers"], weights, question["groups"])}
    print(json.dumps(answer), flush=True)

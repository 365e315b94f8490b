"""Lab 12, quorum verifier.

Say whether `members` decide. Two sets that decide must have a voter in common. `weights` says what a voter's vote
weighs where that is not 1; with `groups`, a majority of the groups that weigh anything must have a majority of
their weight each.

Print to standard error only: standard output belongs to the grader.
"""
import json
import sys


def contains_quorum(members, voters, observers, weights, groups):
    """Whether the members decide."""
    # More than half of all machines. Which machines?
    return 2 * len(members) > len(voters) + len(observers)


for line in sys.stdin:
    question = json.loads(line)
    weights = {form["sid"]: form["weight"] for form in question["weights"]}
    answer = {"contains-quorum": contains_quorum(
        question["members"], question["voters"], question["observers"], weights, question["groups"])}
    print(json.dumps(answer), flush=True)

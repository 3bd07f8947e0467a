"""Differences that are known, each a line of docs/differences.md: what is left of a comparison is a fault."""

import re

# A pattern of the statement, one of Cassandra's answer, one of ours, and the words of the line in docs/differences.md.
KNOWN = []


def reason_for(statement, theirs, ours):
    """Why the answers may differ, if it is known."""
    theirs, ours = "\n".join(theirs), "\n".join(ours)
    for of_statement, of_theirs, of_ours, reason in KNOWN:
        if re.search(of_statement, statement) and re.search(of_theirs, theirs) and re.search(of_ours, ours):
            return reason
    return None

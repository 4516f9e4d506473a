"""Histories of transactions that read lists and append to them, and what snapshot isolation forbids in them.

The order of the versions of a list is in the list itself (Kingsbury and Alvaro, "Elle", VLDB 2020). Dependencies between
transactions follow from it: who wrote the next version (ww), who read whose version (wr), who read what another one
replaced (rw). Snapshot isolation forbids every cycle in which no two rw stand next to each other (Fekete et al., TODS 2005).

    tests/consistency/histories.py       tries itself on small histories with known anomalies
"""

COMMITTED, UNKNOWN, REFUSED = "committed", "unknown", "not committed"


class Event:
    """A transaction: the element it appends, what it read, the lists it appends to."""

    def __init__(self, element, reads, writes, outcome=REFUSED):
        self.element, self.reads, self.writes, self.outcome = element, reads, writes, outcome


def problems(events, final):
    """What is wrong with the history, given the lists at its end."""
    found = []
    owner = {event.element: event for event in events}
    for key, elements in final.items():
        if len(set(elements)) != len(elements):
            found.append(f"list {key} has an element twice")
        for element in elements:
            event = owner.get(element)
            if event is None or event.outcome == REFUSED:
                found.append(f"list {key} has {element}, which was never committed")
            elif not all(element in final[other] for other in event.writes):
                found.append(f"half a transaction: {element} is in {key} but not in all of {event.writes}")
    for event in events:
        if event.outcome == COMMITTED:
            found += [f"acknowledged {event.element} is not in list {key}" for key in event.writes if event.element not in final[key]]
        for key, elements in event.reads.items():
            if event.outcome == COMMITTED and elements != final[key][: len(elements)]:
                found.append(f"{event.element} read {elements[-3:]} of list {key}, which never was its end")
    done = [event for event in events if is_there(event, final)]
    if not found:
        found += [f"cycle: {cycle}" for cycle in cycles(done, final)]
    return found


def is_there(event, final):
    """Whether it was committed, by word or by what is in the lists."""
    return event.outcome == COMMITTED or event.outcome == UNKNOWN and any(event.element in final[key] for key in event.writes)


def dependencies(events, final):
    """For each transaction whom it must precede: by ww and wr, and by rw."""
    owner = {event.element for event in events}
    before, anti = {event.element: set() for event in events}, {event.element: set() for event in events}
    for elements in final.values():
        for first, second in zip(elements, elements[1:]):
            if first in owner and second in owner:
                before[first].add(second)
    for event in events:
        for key, elements in event.reads.items():
            writer = elements[-1] if elements else None
            if writer in owner and writer != event.element:
                before[writer].add(event.element)
            rest = final[key][len(elements):]
            if rest and rest[0] in owner and rest[0] != event.element:
                anti[event.element].add(rest[0])
    return before, anti


def cycles(events, final):
    """Cycles without two rw in a row: those of the graph whose edges are ww or wr, each followed by at most one rw."""
    before, anti = dependencies(events, final)
    edges = {
        node: after | {last for middle in after for last in anti[middle] if last != node} | {node for middle in after if node in anti[middle]}
        for node, after in before.items()
    }
    return [component for component in components(edges) if len(component) > 1 or component[0] in edges[component[0]]]


def components(edges):
    """Strongly connected components (Tarjan, without recursion)."""
    index, low, on_stack, stack, found = {}, {}, set(), [], []
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(edges[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    stack.append(successor)
                    on_stack.add(successor)
                    work.append((successor, iter(edges[successor])))
                    break
                if successor in on_stack:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    found.append(component)
    return found


def main():
    def event(element, reads, writes, outcome=COMMITTED):
        return Event(element, reads, set(writes), outcome)

    def wrong(events, final):
        return bool(problems(events, final))

    good = [event(1, {0: [], 1: []}, [0]), event(2, {0: [1], 1: []}, [1]), event(3, {0: [1], 1: [2]}, [0])]
    assert not wrong(good, {0: [1, 3], 1: [2]})
    skew = [event(1, {0: [], 1: []}, [0]), event(2, {0: [], 1: []}, [1])]
    assert not wrong(skew, {0: [1], 1: [2]}), "write skew is allowed"
    assert wrong(good, {0: [1], 1: [2]}), "an acknowledged append is lost"
    assert wrong([event(1, {0: []}, [0]), event(2, {0: []}, [0])], {0: [1, 2]}), "a lost update"
    fork = [event(1, {}, [0]), event(2, {}, [1]), event(3, {0: [1], 1: []}, [2]), event(4, {0: [], 1: [2]}, [3])]
    assert wrong(fork, {0: [1], 1: [2], 2: [3], 3: [4]}), "a long fork"
    skewed = [event(1, {}, [0, 1]), event(2, {0: [1], 1: []}, [2])]
    assert wrong(skewed, {0: [1], 1: [1], 2: [2]}), "a transaction seen by half"
    assert wrong([event(1, {}, [0, 1])], {0: [1], 1: []}), "half a transaction"
    assert wrong([event(1, {}, [0], REFUSED)], {0: [1]}), "a refused append is there"
    assert not wrong([event(1, {}, [0], UNKNOWN)], {0: [1]})
    assert not wrong([event(1, {}, [0], UNKNOWN)], {0: []})
    print("every anomaly was found")


if __name__ == "__main__":
    main()

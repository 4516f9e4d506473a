//! Cycles in a graph of transactions.
//!
//! Snapshot isolation allows a cycle only where two anti-dependencies follow one another (Fekete and others, "Making
//! Snapshot Isolation Serializable", TODS 2005). So each transaction is two nodes, one for "reached by an
//! anti-dependency", from which no second one leads on; what is a cycle in that graph is forbidden.

use std::fmt;

/// Why one transaction comes before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// It wrote the version before.
    WriteWrite(u64),
    /// It wrote the version that the other read.
    WriteRead(u64),
    /// It read the version that the other replaced.
    ReadWrite(u64),
    /// It had ended before the other began.
    RealTime,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::WriteWrite(key) => write!(f, "ww {key}"),
            Why::WriteRead(key) => write!(f, "wr {key}"),
            Why::ReadWrite(key) => write!(f, "rw {key}"),
            Why::RealTime => write!(f, "real time"),
        }
    }
}

#[derive(Default)]
pub struct Graph {
    edges: Vec<(usize, usize, Why)>,
    nodes: usize,
}

impl Graph {
    pub fn add(&mut self, from: usize, to: usize, why: Why) {
        self.nodes = self.nodes.max(from + 1).max(to + 1);
        if from != to {
            self.edges.push((from, to, why));
        }
    }

    /// A cycle as a list of edges. `si`: only one that snapshot isolation forbids.
    pub fn forbidden_cycle(&self, si: bool) -> Option<Vec<(usize, usize, Why)>> {
        let (mut left, mut incoming) = (Vec::new(), vec![Vec::new(); self.nodes * 2]);
        for (edge, (from, to, why)) in self.edges.iter().enumerate() {
            let is_rw = si && matches!(why, Why::ReadWrite(_));
            let to = to * 2 + usize::from(is_rw);
            for from in [from * 2, from * 2 + 1].into_iter().take(if is_rw { 1 } else { 2 }) {
                left.push((from, to));
                incoming[to].push((from, edge));
            }
        }
        let remains = without_roots(self.nodes * 2, &left);
        // Whoever remains has a predecessor that remains, so going back must come round.
        let mut node = remains.iter().position(|remains| *remains)?;
        let (mut met, mut path) = (vec![None; self.nodes * 2], Vec::new());
        while met[node].is_none() {
            met[node] = Some(path.len());
            let (from, edge) = *incoming[node].iter().find(|(from, _)| remains[*from])?;
            path.push(edge);
            node = from;
        }
        let cycle = path.split_off(met[node]?);
        Some(cycle.into_iter().rev().map(|edge| self.edges[edge]).collect())
    }
}

/// Takes away nodes that nothing leads to, again and again; what remains is on a cycle or behind one.
fn without_roots(nodes: usize, edges: &[(usize, usize)]) -> Vec<bool> {
    let (mut incoming, mut outgoing) = (vec![0usize; nodes], vec![Vec::new(); nodes]);
    for (from, to) in edges {
        incoming[*to] += 1;
        outgoing[*from].push(*to);
    }
    let mut roots: Vec<usize> = (0..nodes).filter(|node| incoming[*node] == 0).collect();
    while let Some(root) = roots.pop() {
        for to in &outgoing[root] {
            incoming[*to] -= 1;
            if incoming[*to] == 0 {
                roots.push(*to);
            }
        }
    }
    incoming.into_iter().map(|count| count > 0).collect()
}

//! A walk over a graph: so many nodes at a time, in a random topological order.

use std::cell::RefCell;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use crate::dice::Dice;

/// A node, and those that must be done before it.
pub type Node<T> = (T, Vec<usize>);

/// Visits all nodes; what waits for a node that failed is not visited. Says whether all went well.
pub async fn walk<T, F: Future<Output = bool>>(
    nodes: &[Node<T>],
    parallelism: usize,
    dice: &RefCell<Dice>,
    visit: impl Fn(&T) -> F,
) -> bool {
    let mut waiting: Vec<usize> = (0..nodes.len()).collect();
    let mut done: Vec<Option<bool>> = nodes.iter().map(|_| None).collect();
    let mut running = FuturesUnordered::new();
    loop {
        // A node that waits for a failure fails.
        while let Some(position) = waiting.iter().position(|node| {
            let (_, after) = &nodes[*node];
            after.iter().any(|before| done[*before] == Some(false))
        }) {
            done[waiting.remove(position)] = Some(false);
        }
        let mut ready: Vec<usize> = waiting
            .iter()
            .copied()
            .filter(|node| {
                let (_, after) = &nodes[*node];
                after.iter().all(|before| done[*before] == Some(true))
            })
            .collect();
        dice.borrow_mut().shuffle(&mut ready);
        for node in ready.into_iter().take(parallelism - running.len()) {
            waiting.retain(|other| *other != node);
            let visiting = visit(&nodes[node].0);
            running.push(async move { (node, visiting.await) });
        }
        match running.next().await {
            Some((node, is_well)) => done[node] = Some(is_well),
            None => return done.iter().all(|done| *done == Some(true)),
        }
    }
}

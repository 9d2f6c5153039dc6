//! Invariants under concurrent callers, and under servers that share a store. Races between two processes are tested
//! with the program: `crates/server/tests/process/races`.

use larkspur_testkit::{Lab, LabOptions, Reply, Request, racing_store};

mod callers;
mod message_order;
mod nodes;
mod seats;
mod stale;

/// A lab where races can occur: on a file, with a grouping writer and concurrent readers, or on PostgreSQL.
async fn lab(directory: &tempfile::TempDir) -> Lab {
    let driver = racing_store(directory.path()).await;
    Lab::with(LabOptions { driver: Some(driver), ..LabOptions::default() }).await
}

/// Sends all at once; if several servers can use the store, alternating between two servers.
async fn all_at_once(requests: Vec<Request>) -> Vec<Reply> {
    let other = match requests.first() {
        Some(request) => request.lab().beside().await,
        None => None,
    };
    let spread = |(number, request): (usize, Request)| match &other {
        Some(other) if number % 2 == 1 => request.of(other),
        _ => request,
    };
    let tasks: Vec<_> =
        requests.into_iter().enumerate().map(spread).map(|request| tokio::spawn(request.send())).collect();
    let mut replies = Vec::with_capacity(tasks.len());
    for task in tasks {
        replies.push(task.await.expect("no panic"));
    }
    replies
}

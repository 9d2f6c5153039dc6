//! What callers at once, or servers on one store, may not break. What two processes may not break is tested with the
//! program: `crates/server/tests/process/races`.

use larkspur_testkit::{Lab, LabOptions, Reply, Request, racing_store};

mod callers;
mod nodes;
mod seats;
mod stale;

/// A lab where races can be: on a file, with a writer that groups and readers beside it, or on PostgreSQL.
async fn lab(directory: &tempfile::TempDir) -> Lab {
    let driver = racing_store(directory.path()).await;
    Lab::with(LabOptions { driver: Some(driver), ..LabOptions::default() }).await
}

/// Sends all at once; where several servers may use the store, every second one to another server.
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

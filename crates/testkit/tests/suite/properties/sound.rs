//! [`larkspur_testkit::sound`] on one server.

use std::sync::Arc;

use larkspur_store_sqlite::{Options, Sqlite};
use larkspur_testkit::sound::stays_sound;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chats_stay_sound_whatever_is_done_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let driver = Sqlite::open(directory.path(), &Options::default()).expect("a store on disk");
    stays_sound(Arc::new(driver), Vec::new()).await;
}

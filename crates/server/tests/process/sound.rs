//! [`larkspur_testkit::sound`] on two servers that share a database.

use std::sync::Arc;

use larkspur_store_postgres::{Options, Postgres};
use larkspur_testkit::sound::{Connection, OtherServer, stays_sound};

use crate::support::cluster::Cluster;
use crate::support::program::{CONTROL_KEY, Program};

impl OtherServer for Program {
    fn connect(&self) -> Connection {
        let mut client = self.client();
        Box::new(move |request| {
            let (method, path, token, body) = request.parts();
            let token = if path.starts_with("/larkspur/") { CONTROL_KEY } else { &token };
            client.send(token, &method, &path, &body).expect("an answer")
        })
    }

    fn log(&self) -> String {
        Program::log(self)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn chats_stay_sound_whatever_two_servers_are_asked_at_once() {
    let cluster = Cluster::new();
    let servers: Vec<Program> = (0..2).map(|_| cluster.spawn()).collect();
    let servers = servers.into_iter().map(|server| Box::new(server.until_ready()) as Box<dyn OtherServer>);
    let driver = Postgres::open(&cluster.url(), &Options::default()).await.expect("opens");
    stays_sound(Arc::new(driver), servers.collect()).await;
}

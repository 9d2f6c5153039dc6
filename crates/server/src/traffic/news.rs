//! What a stream tells besides calls: notices are gathered, and the state is read from the store when it is sent.

use std::sync::{Arc, Weak};
use std::time::Duration;

use larkspur_contract::Effect;
use larkspur_contract::ids::TenantKey;
use larkspur_control::traffic::Topics;
use larkspur_control::traffic::news::{self, News as Gathered};
use larkspur_store::Notice;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::time::sleep;

use super::board::Watched;
use crate::App;

/// The most deliveries, and the most messages, of a piece.
const MOST: usize = 200;
/// After how long a failed read is repeated.
const AGAIN: Duration = Duration::from_secs(1);

/// The news of a world for one stream.
pub(super) struct News {
    app: Weak<App>,
    watched: Watched,
    world: TenantKey,
    topics: Topics,
    gathered: Gathered,
    any: bool,
}

impl News {
    /// From now on.
    pub(super) fn new(app: Weak<App>, watched: Watched, world: TenantKey, topics: Topics) -> Self {
        News { app, watched, world, topics, gathered: Gathered::default(), any: false }
    }

    /// Waits until there is something to tell. Nothing is lost if it is canceled.
    pub(super) async fn ready(&mut self) {
        while !self.any {
            match self.watched.next().await {
                Ok(notice) => self.gather(&notice),
                Err(RecvError::Lagged(_)) => self.lost(),
                // Its sender lives as long as it is watched.
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }

    /// Adds what is to be told now.
    pub(super) async fn write(&mut self, text: &mut String) {
        loop {
            match self.watched.at_hand() {
                Ok(notice) => self.gather(&notice),
                Err(TryRecvError::Lagged(_)) => self.lost(),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        if !std::mem::take(&mut self.any) {
            return;
        }
        let Some(app) = self.app.upgrade() else { return };
        let (world, asked) =
            (self.world, Arc::new((self.topics.clone(), std::mem::take(&mut self.gathered))));
        let read = app.engine.run(Effect::Reads, move |root| {
            let asked = asked.clone();
            Box::pin(async move { news::tell(root, world, &asked.0, &asked.1).await })
        });
        match read.await {
            Ok(told) => {
                for (name, data) in told {
                    text.push_str(&format!("event: {name}\ndata: {data}\n\n"));
                }
            }
            // The store is unavailable, which others report.
            Err(_) => {
                self.lost();
                sleep(AGAIN).await;
            }
        }
    }

    fn gather(&mut self, notice: &Notice) {
        let (topics, gathered) = (&self.topics, &mut self.gathered);
        match *notice {
            Notice::Delivery(number) if topics.events => {
                if gathered.deliveries.len() < MOST {
                    gathered.deliveries.insert(number);
                } else {
                    gathered.gaps.insert("events");
                }
            }
            Notice::Deliveries if topics.events => drop(gathered.gaps.insert("events")),
            Notice::Message { number, chat, change }
                if !topics.chats.is_empty() && chat.is_none_or(|chat| topics.chats.contains(&chat)) =>
            {
                if gathered.messages.len() < MOST {
                    let known = gathered.messages.entry((number, change)).or_default();
                    *known = known.or(chat);
                } else {
                    gathered.gaps.insert("chat");
                }
            }
            Notice::Faults | Notice::FaultHits if topics.faults => gathered.faults = true,
            Notice::Clock if topics.clock => gathered.clock = true,
            _ => return,
        }
        self.any = true;
    }

    /// Too many notices came, or they could not be read.
    fn lost(&mut self) {
        if self.topics.events {
            self.gathered.gaps.insert("events");
        }
        if !self.topics.chats.is_empty() {
            self.gathered.gaps.insert("chat");
        }
        self.gathered.faults |= self.topics.faults;
        self.gathered.clock |= self.topics.clock;
        self.any = true;
    }
}

//! The stream of what happens in a world, as server-sent events. It reads the ring when its client has read what was sent, so
//! a slow client never slows a call: it loses rows, and is told how many.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use larkspur_api::Feed;
use larkspur_control::traffic::Place;
use larkspur_store::BoxFuture;
use serde_json::json;

use super::explain;
use super::news::News;
use super::ring::World;

/// The most streams of a process.
const STREAMS_MAX: usize = 16;
/// For how long rows are gathered.
const GATHER: Duration = Duration::from_millis(100);
/// The most bytes of rows that are sent at once, about.
const BATCH_BYTES: usize = 64 << 10;
/// The most rows that are sent at once.
const BATCH_ROWS: usize = 500;
/// After this time without a row, a comment is sent, so that a proxy keeps the connection.
const QUIET: Duration = Duration::from_secs(15);

/// One of the streams that a process may have; free again when it is dropped.
pub(super) struct Seat(Arc<AtomicUsize>);

impl Seat {
    /// Takes a seat; `None` if there is none.
    pub(super) fn take(seats: &Arc<AtomicUsize>) -> Option<Self> {
        let taken = seats.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < STREAMS_MAX).then_some(taken + 1)
        });
        taken.is_ok().then(|| Seat(seats.clone()))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Marks a world as watched: its calls then wake those who wait.
struct Watch<'a>(&'a World);

impl<'a> Watch<'a> {
    fn of(world: &'a World) -> Self {
        world.waiting.fetch_add(1, Ordering::AcqRel);
        Watch(world)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Waits until a world has a call beyond `seen`.
pub(super) async fn beyond(world: &World, seen: u64) {
    let _watch = Watch::of(world);
    loop {
        let mut changed = std::pin::pin!(world.changed.notified());
        changed.as_mut().enable();
        if world.newest() > seen {
            return;
        }
        // A call that saw the world unwatched did not wake anyone, so look again after a while.
        let _ = tokio::time::timeout(Duration::from_secs(1), changed).await;
    }
}

/// A stream of what happens in a world.
pub(super) struct Stream {
    rows: Option<Rows>,
    news: Option<News>,
    world: Arc<World>,
    greeted: bool,
    node: String,
    /// The mark of the process's start.
    start: u64,
    _seat: Seat,
}

impl Stream {
    /// Of the calls and of the news, or of one of them.
    pub(super) fn new(
        world: Arc<World>,
        (rows, news): (Option<Rows>, Option<News>),
        seat: Seat,
        (node, start): (String, u64),
    ) -> Self {
        Stream { rows, news, world, greeted: false, node, start, _seat: seat }
    }

    fn hello(&self) -> String {
        let page = self.world.after(u64::MAX, 0);
        let hello = json!({"newest": page.newest, "oldest": page.oldest, "node": self.node});
        // The place from which it goes on.
        let number = self.rows.as_ref().map_or(page.newest, |rows| rows.cursor);
        let id = Place { start: Some(self.start), number };
        format!("retry: 2000\nevent: hello\ndata: {hello}\nid: {id}\n\n")
    }

    /// Waits until there is something to send.
    async fn ready(&mut self) {
        let rows = async {
            match &self.rows {
                Some(rows) => rows.ready().await,
                None => pending().await,
            }
        };
        let news = async {
            match &mut self.news {
                Some(news) => news.ready().await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = rows => {}
            () = news => {}
        }
    }
}

impl Feed for Stream {
    fn next(&mut self) -> BoxFuture<'_, Option<Bytes>> {
        Box::pin(async move {
            let mut text = String::new();
            if self.greeted {
                if tokio::time::timeout(QUIET, self.ready()).await.is_err() {
                    return Some(Bytes::from_static(b": quiet\n\n"));
                }
                tokio::time::sleep(GATHER).await;
            } else {
                text = self.hello();
                self.greeted = true;
            }
            if let Some(rows) = &mut self.rows {
                rows.write(&mut text);
            }
            if let Some(news) = &mut self.news {
                news.write(&mut text).await;
            }
            Some(if text.is_empty() { Bytes::from_static(b": none\n\n") } else { text.into() })
        })
    }

    fn last(&mut self) -> Option<Bytes> {
        Some(Bytes::from_static(b"event: bye\ndata: {}\n\n"))
    }
}

/// The calls of a world, from one on.
pub(super) struct Rows {
    world: Arc<World>,
    ahead_ms: i64,
    /// The mark of the process's start.
    start: u64,
    /// The number of the last call that was sent.
    cursor: u64,
    /// Whether the client was at a place of another process, which is not told yet.
    foreign: bool,
}

impl Rows {
    /// From the call after `last` on, or from now on. `start` is the mark of this process's start: after a place of another
    /// process, all that is kept follows.
    pub(super) fn new(world: Arc<World>, ahead_ms: i64, (start, last): (u64, Option<Place>)) -> Self {
        let newest = world.newest();
        let foreign =
            last.is_some_and(|last| last.start.is_some_and(|of| of != start) || last.number > newest);
        let cursor = last.map_or(newest, |last| if foreign { 0 } else { last.number });
        Rows { world, ahead_ms, start, cursor, foreign }
    }

    async fn ready(&self) {
        if self.foreign {
            return;
        }
        beyond(&self.world, self.cursor).await;
    }

    /// Adds the calls that are to be sent now, and how many were lost.
    fn write(&mut self, text: &mut String) {
        let page = self.world.after(self.cursor, BATCH_ROWS);
        let foreign = std::mem::take(&mut self.foreign);
        if foreign || page.oldest > self.cursor + 1 {
            let missed = (page.oldest - 1).saturating_sub(self.cursor);
            self.cursor += missed;
            let restarted = if foreign { ",\"restarted\":true" } else { "" };
            text.push_str(&format!("event: gap\ndata: {{\"missed\":{missed}{restarted}}}\n\n"));
        }
        let mut data = String::new();
        for (seq, call) in &page.calls {
            let row = call.row.get_or_init(|| {
                serde_json::to_string(&explain::row(*seq, call, self.ahead_ms)).unwrap_or_default().into()
            });
            data.push(if data.is_empty() { '[' } else { ',' });
            data.push_str(row);
            self.cursor = *seq;
            if data.len() >= BATCH_BYTES {
                break;
            }
        }
        if !data.is_empty() {
            let id = Place { start: Some(self.start), number: self.cursor };
            text.push_str(&format!("event: rows\nid: {id}\ndata: {data}]\n\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use larkspur_contract::ids::TenantKey;

    use super::super::record::Record;
    use super::super::ring::Worlds;
    use super::*;

    fn add(worlds: &Worlds, world: &World, calls: usize) {
        for _ in 0..calls {
            worlds.push(world, Record::sized(10));
        }
    }

    /// The mark of this process's start.
    const START: u64 = 0x5f0c_61d2_a94b_e873;

    fn stream(world: &Arc<World>, last: Option<u64>) -> Stream {
        from(world, last.map(|number| Place { start: None, number }))
    }

    fn from(world: &Arc<World>, last: Option<Place>) -> Stream {
        let seat = Seat::take(&Arc::default()).expect("a seat");
        let rows = Rows::new(world.clone(), 0, (START, last));
        Stream::new(world.clone(), (Some(rows), None), seat, ("n1".to_owned(), START))
    }

    /// The numbers of the rows in a piece, and its text.
    async fn next(rows: &mut Stream) -> (Vec<u64>, String) {
        let piece = rows.next().await.expect("it goes on");
        let text = String::from_utf8(piece.to_vec()).expect("UTF-8");
        let data =
            text.split("event: rows\n").nth(1).and_then(|rest| rest.split("data: ").nth(1)).unwrap_or("[]");
        let rows: serde_json::Value = serde_json::from_str(data.trim()).expect("JSON");
        let numbers = rows.as_array().expect("a list").iter().filter_map(|row| row["seq"].as_u64());
        (numbers.collect(), text)
    }

    #[tokio::test]
    async fn every_row_arrives_once_also_after_a_new_connection() {
        let worlds = Worlds::new(10 << 20, 2000);
        let world = worlds.of(Some(TenantKey(1)));
        add(&worlds, &world, 3);
        let mut rows = stream(&world, None);
        let (numbers, hello) = next(&mut rows).await;
        assert!(numbers.is_empty() && hello.contains("event: hello\ndata: {\"newest\":3"), "{hello}");
        let (later, ()) = tokio::join!(next(&mut rows), async { add(&worlds, &world, 2) });
        assert_eq!(later.0, [4, 5]);
        drop(rows);
        add(&worlds, &world, 1200);
        let mut rows = stream(&world, Some(5));
        let mut got = Vec::new();
        while got.len() < 1200 {
            got.extend(next(&mut rows).await.0);
        }
        assert_eq!(got, (6..=1205).collect::<Vec<u64>>());
        // Nothing new: it waits, may be canceled, and loses nothing.
        assert!(tokio::time::timeout(Duration::from_millis(50), rows.next()).await.is_err());
        add(&worlds, &world, 1);
        assert_eq!(next(&mut rows).await.0, [1206]);
        assert!(rows.last().is_some_and(|last| last.starts_with(b"event: bye")));
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_how_many_rows_it_lost() {
        let worlds = Worlds::new(10 << 20, 10);
        let world = worlds.of(Some(TenantKey(1)));
        add(&worlds, &world, 5);
        let mut rows = stream(&world, Some(2));
        assert_eq!(next(&mut rows).await.0, [3, 4, 5]);
        add(&worlds, &world, 100);
        let (numbers, text) = next(&mut rows).await;
        assert!(text.contains("event: gap\ndata: {\"missed\":90}"), "{text}");
        assert_eq!(numbers, (96..=105).collect::<Vec<u64>>());
        // A number from before a restart.
        let mut rows = stream(&world, Some(999));
        assert_eq!(next(&mut rows).await.0, (96..=105).collect::<Vec<u64>>());
    }

    /// A place of the process before a restart is not one of this process, however small its number is.
    #[tokio::test]
    async fn a_place_of_another_process_is_a_gap_and_all_that_is_kept() {
        let worlds = Worlds::new(10 << 20, 2000);
        let world = worlds.of(Some(TenantKey(1)));
        add(&worlds, &world, 5);
        let place = Place { start: Some(START + 1), number: 3 };
        assert_eq!(Place::parse(&place.to_string()), Some(place));
        let (numbers, text) = next(&mut from(&world, Some(place))).await;
        assert_eq!(numbers, [1, 2, 3, 4, 5]);
        let gap = text.find("event: gap\ndata: {\"missed\":0,\"restarted\":true}").expect("a gap");
        assert!(gap < text.find("event: rows").expect("rows"), "{text}");
        let id = text.lines().rev().find_map(|line| line.strip_prefix("id: ")).expect("an id");
        assert_eq!(id, "5f0c61d2a94be873-5");
        let mut own = from(&world, Place::parse("5f0c61d2a94be873-3"));
        let (numbers, text) = next(&mut own).await;
        assert!(numbers == [4, 5] && !text.contains("gap"), "{text}");
        assert!(Place::parse("5f-3").is_none() && Place::parse("x").is_none());
    }

    #[test]
    fn seats_are_limited_and_free_again() {
        let seats = Arc::default();
        let taken: Vec<Seat> = std::iter::from_fn(|| Seat::take(&seats)).collect();
        assert_eq!(taken.len(), STREAMS_MAX);
        drop(taken);
        assert!(Seat::take(&seats).is_some());
    }
}

//! The load: keep-alive connections in a closed loop. Each sends its next request when it has the last answer.
//!
//! One thread drives all connections of a plan with non-blocking sockets, and so costs little beside the server.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::Res;
use crate::machine::{self, Group, Moment, Noise};
use crate::stats::Histogram;

/// What to send.
#[derive(Clone)]
pub(crate) struct Script {
    /// The requests, head and body, sent in turn.
    pub(crate) requests: Vec<Vec<u8>>,
    /// Where in each request the 12 digits are that must differ each time; `None` if requests may repeat.
    pub(crate) unique: Option<usize>,
    /// How the body of a good answer begins.
    pub(crate) expects: &'static [u8],
}

impl Script {
    /// Writes the request of a turn, with digits of its own: their number, 0 if it has none.
    pub(crate) fn write(&self, turn: usize, request: &mut Vec<u8>) -> u64 {
        request.clear();
        request.extend_from_slice(&self.requests[turn % self.requests.len()]);
        let Some(at) = self.unique else { return 0 };
        let own = UNIQUE.fetch_add(1, Ordering::Relaxed);
        let mut number = own;
        for digit in request[at..at + UNIQUE_DIGITS].iter_mut().rev() {
            *digit = b'0' + (number % 10).to_le_bytes()[0];
            number /= 10;
        }
        own
    }
}

/// Digits that make a request unique.
pub(crate) const UNIQUE_DIGITS: usize = 12;
static UNIQUE: AtomicU64 = AtomicU64::new(1);

/// One set of connections.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) address: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) script: Script,
    /// The processor to which its thread is pinned, if any.
    pub(crate) processor: Option<usize>,
}

/// Durations of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) warmup: Duration,
    pub(crate) measure: Duration,
}

/// The result of one plan.
#[derive(Debug, Clone, Default)]
pub(crate) struct Load {
    pub(crate) answers: u64,
    pub(crate) latency: Histogram,
    pub(crate) client_ns: u64,
}

/// The result of a measurement.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    /// One for each plan.
    pub(crate) loads: Vec<Load>,
    pub(crate) seconds: f64,
    /// Processor time of the servers' processes.
    pub(crate) server_ns: u64,
    /// Processor time of the database behind them.
    pub(crate) database_ns: u64,
    pub(crate) noise: Noise,
}

impl Measured {
    /// Processor time of the server per answer, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        self.server_ns as f64 / 1000.0 / self.loads.iter().map(|load| load.answers).sum::<u64>() as f64
    }
    /// Answers per second of the first plan.
    pub(crate) fn rate(&self) -> f64 {
        self.loads[0].answers as f64 / self.seconds
    }
    /// The share of a processor that the server used.
    pub(crate) fn server_use(&self) -> f64 {
        self.server_ns as f64 / 1e9 / self.seconds
    }
    /// The share of a processor that the load used.
    pub(crate) fn client_use(&self) -> f64 {
        self.loads.iter().map(|load| load.client_ns).sum::<u64>() as f64 / 1e9 / self.seconds
    }
}

/// Runs plans concurrently against the processes of `group`.
pub(crate) fn run(plans: &[Plan], group: &Group, times: Times) -> Res<Measured> {
    // Time to connect without contention.
    let begin = Instant::now() + Duration::from_millis(30) + times.warmup;
    let end = begin + times.measure;
    thread::scope(|scope| {
        let drivers: Vec<_> = plans.iter().map(|plan| scope.spawn(move || drive(plan, begin, end))).collect();
        thread::sleep(begin.saturating_duration_since(Instant::now()));
        let (moment, spent, began) = (Moment::now()?, group.now()?, Instant::now());
        thread::sleep(end.saturating_duration_since(Instant::now()));
        let seconds = began.elapsed().as_secs_f64();
        let spent = group.now()?.since(&spent);
        let noise = moment.until(&Moment::now()?, spent.all(), seconds);
        let mut loads = Vec::new();
        for driver in drivers {
            loads.push(driver.join().map_err(|_| "a load thread panicked")??);
        }
        if loads.iter().any(|load| load.answers == 0) {
            return Err("no answer came while measuring".into());
        }
        let (server_ns, database_ns) = (spent.servers, spent.database);
        Ok(Measured { loads, seconds, server_ns, database_ns, noise })
    })
}

fn drive(plan: &Plan, begin: Instant, end: Instant) -> Res<Load> {
    if let Some(processor) = plan.processor {
        machine::pin_this_thread(processor);
    }
    let mut poll = Poll::new()?;
    let mut connections = Vec::with_capacity(plan.connections);
    for index in 0..plan.connections {
        let stream = std::net::TcpStream::connect(plan.address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
        let mut connection = Connection {
            stream,
            turn: index * plan.script.requests.len() / plan.connections,
            request: Vec::new(),
            buffer: vec![0; 16 << 10],
            filled: 0,
            whole: 0,
            asked: Instant::now(),
        };
        connection.ask(&plan.script, Instant::now())?;
        connections.push(connection);
    }
    let mut load = Load::default();
    let mut events = Events::with_capacity(plan.connections.max(16));
    let mut cpu_before = None;
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(20)))?;
        let now = Instant::now();
        if now >= end {
            break;
        }
        if now >= begin && cpu_before.is_none() {
            cpu_before = Some(own_thread_ns());
        }
        for event in &events {
            let connection = &mut connections[event.token().0];
            if !connection.receive(plan.script.expects)? {
                continue;
            }
            let now = Instant::now();
            if now >= begin && now < end {
                load.answers += 1;
                load.latency.record(now - connection.asked);
            }
            connection.ask(&plan.script, now)?;
        }
    }
    load.client_ns = own_thread_ns().saturating_sub(cpu_before.unwrap_or(0));
    // Wait for pending answers, so that the next measurement finds an idle server. They count only if no call finished
    // during the measurement: then its duration is known, and only a bound of the rate.
    let none = load.answers == 0;
    for connection in &mut connections {
        let waiting = Instant::now();
        let mut whole = connection.receive(plan.script.expects)?;
        while !whole && waiting.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_micros(100));
            whole = connection.receive(plan.script.expects)?;
        }
        if none && whole {
            load.answers += 1;
            load.latency.record(connection.asked.elapsed());
        }
    }
    Ok(load)
}

fn own_thread_ns() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    text.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

struct Connection {
    stream: TcpStream,
    turn: usize,
    request: Vec<u8>,
    buffer: Vec<u8>,
    filled: usize,
    /// The length of the answer, once its head is complete.
    whole: usize,
    asked: Instant,
}

impl Connection {
    fn ask(&mut self, script: &Script, now: Instant) -> Res<()> {
        script.write(self.turn, &mut self.request);
        self.turn += 1;
        self.filled = 0;
        self.whole = 0;
        self.asked = now;
        let mut left = self.request.as_slice();
        while !left.is_empty() {
            match self.stream.write(left) {
                Ok(written) => left = &left[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Reads available data; true once the answer is complete. A bad answer is an error: the measurement would be
    /// wrong.
    fn receive(&mut self, expects: &[u8]) -> Res<bool> {
        loop {
            let room = self.buffer.len() - self.filled;
            match self.stream.read(&mut self.buffer[self.filled..]) {
                Ok(0) => return Err("the server closed a connection".into()),
                Ok(read) => {
                    self.filled += read;
                    if self.whole == 0
                        && let Some((head, body)) = measure(&self.buffer[..self.filled])?
                    {
                        self.whole = head + body;
                        if self.buffer.len() < self.whole {
                            self.buffer.resize(self.whole, 0);
                        }
                    }
                    if self.whole > 0 && self.filled >= self.whole {
                        return self.check(expects).map(|()| true);
                    }
                    if read < room {
                        return Ok(false);
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn check(&self, expects: &[u8]) -> Res<()> {
        let answer = &self.buffer[..self.whole];
        let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        if answer.starts_with(b"HTTP/1.1 200 ") && answer[body..].starts_with(expects) {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&answer[..answer.len().min(600)]);
        Err(format!("an unexpected answer: {text}").into())
    }
}

/// The lengths of an answer's head and body, if the head is complete.
fn measure(answer: &[u8]) -> Res<Option<(usize, usize)>> {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    for line in answer[..head].split(|byte| *byte == b'\n') {
        if line.len() > 15 && line[..15].eq_ignore_ascii_case(b"content-length:") {
            let number = std::str::from_utf8(&line[15..])?.trim();
            return Ok(Some((head + 4, number.parse()?)));
        }
    }
    Err("an answer without Content-Length".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_measured() {
        let answer = b"HTTP/1.1 200 OK\r\nDate: x\r\nContent-Length: 12\r\n\r\nhello";
        assert_eq!(measure(answer).expect("a head"), Some((48, 12)));
        assert_eq!(measure(&answer[..30]).expect("no head"), None);
        assert!(measure(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

//! Child processes: the server under test and the yardsticks.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Res;

/// A child that listens. It is stopped when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Process {
    /// The child's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Starts this program as a yardstick and waits for its address.
    pub(crate) fn yardstick(arguments: &[&str], processor: Option<usize>) -> Res<Self> {
        let program = std::env::current_exe()?;
        let mut command = tied(&program, processor);
        let mut child =
            command.arg("yardstick").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        match line.trim().parse() {
            Ok(address) => Ok(Process { child, address }),
            Err(_) => {
                drop((child.kill(), child.wait()));
                Err(format!("the yardstick {arguments:?} did not start: {line}").into())
            }
        }
    }

    /// Wraps a child that already listens.
    pub(crate) fn of(child: Child, address: SocketAddr) -> Self {
        Process { child, address }
    }

    /// Stops the child (SIGTERM) and waits for it.
    pub(crate) fn end(mut self) -> Res<()> {
        Command::new("kill").arg(self.pid().to_string()).status()?;
        let begun = Instant::now();
        while self.child.try_wait()?.is_none() {
            if begun.elapsed() > Duration::from_secs(30) {
                return Err("a child did not end".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop((self.child.kill(), self.child.wait()));
    }
}

/// Reports the yardstick's address to the parent.
pub(crate) fn say(address: SocketAddr) -> Res<()> {
    let mut output = std::io::stdout();
    writeln!(output, "{address}")?;
    Ok(output.flush()?)
}

/// A command, pinned to a processor or not.
pub(crate) fn tied(program: &Path, processor: Option<usize>) -> Command {
    match processor {
        None => Command::new(program),
        Some(processor) => {
            let mut command = Command::new("taskset");
            command.args(["-c", &processor.to_string()]).arg(program);
            command
        }
    }
}

/// A whole answer, as received.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, including the empty line.
    pub(crate) head: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Res<serde_json::Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// The bytes of a request. The control API answers under names of this machine only.
pub(crate) fn request(method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if let Some(token) = token {
        text += &format!("Authorization: Bearer {token}\r\n");
    }
    if let Some(body) = body {
        text +=
            &format!("Content-Type: application/json; charset=utf-8\r\nContent-Length: {}\r\n", body.len());
    }
    text += "\r\n";
    text += body.unwrap_or_default();
    text.into_bytes()
}

/// Sends one request on a connection of its own.
pub(crate) fn call(address: SocketAddr, request: &[u8]) -> Res<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    exchange(&mut stream, request)
}

/// Sends one request on an open connection.
pub(crate) fn exchange(stream: &mut TcpStream, request: &[u8]) -> Res<Answer> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut chunk = [0; 16 << 10];
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        match stream.read(&mut chunk)? {
            0 => return Err("the server closed the connection".into()),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|n| n.trim().to_owned())
        })
        .ok_or("an answer without Content-Length")?;
    let length: usize = length.parse()?;
    while bytes.len() < head + length {
        match stream.read(&mut chunk)? {
            0 => return Err("the server closed the connection".into()),
            read => bytes.extend_from_slice(&chunk[..read]),
        }
    }
    let status = text.split(' ').nth(1).unwrap_or_default().parse()?;
    let body = bytes.split_off(head);
    Ok(Answer { status, head: bytes, body })
}

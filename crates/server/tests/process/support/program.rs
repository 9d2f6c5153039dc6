//! The real program on a data directory, and a client that detects missing answers.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use larkspur_testkit::run;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(20);
/// The control key of every program.
pub(crate) const CONTROL_KEY: &str = "kill-control-key";

/// A running program. Dropping it kills it.
pub(crate) struct Program {
    child: Child,
    log: PathBuf,
    /// The content of the ready file.
    pub(crate) ready: Value,
}

/// The program, which cargo builds before this test.
pub(crate) fn binary() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_larkspur"))
}

impl Program {
    /// Starts it without waiting until it serves. `shell` runs before it in the same process: limits, traps.
    pub(crate) fn spawn(data: &Path, shell: &str) -> Program {
        let beside = data.parent().expect("a directory around the data");
        Program::spawn_at(beside, &["--data".as_ref(), data.as_os_str()], shell)
    }

    /// Starts it on some store, with its files in a directory. Rate limits are off unless `place` sets them.
    pub(crate) fn spawn_at(beside: &Path, place: &[&OsStr], shell: &str) -> Program {
        Program::spawn_by(Command::new("sh"), beside, place, shell)
    }

    /// As [`Program::spawn_at`], by a command that ends with a shell.
    pub(crate) fn spawn_by(mut by: Command, beside: &Path, place: &[&OsStr], shell: &str) -> Program {
        static STARTS: AtomicUsize = AtomicUsize::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        let (ready_file, log) =
            (beside.join(format!("ready-{start}.json")), beside.join(format!("log-{start}.txt")));
        let limits: &[&str] = match place.contains(&OsStr::new("--rate-limits")) {
            true => &[],
            false => &["--rate-limits", "off"],
        };
        let child = by
            .args(["-c", &format!("{shell} exec \"$0\" \"$@\"")])
            .arg(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--control-key", CONTROL_KEY])
            .args(limits)
            .args(place)
            .arg("--ready-file")
            .arg(&ready_file)
            // Do not inherit settings from the environment of the test run.
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).expect("a log file"))
            .spawn()
            .expect("a shell starts");
        Program { child, log, ready: Value::String(ready_file.to_string_lossy().into_owned()) }
    }

    /// Starts it and waits until it serves.
    pub(crate) fn start(data: &Path) -> Program {
        Program::start_with(data, "")
    }

    /// As [`Program::start`], with more flags.
    pub(crate) fn start_at(data: &Path, flags: &[&str]) -> Program {
        let beside = data.parent().expect("a directory around the data");
        let mut place = vec!["--data".as_ref(), data.as_os_str()];
        place.extend(flags.iter().map(OsStr::new));
        Program::spawn_at(beside, &place, "").until_ready()
    }

    /// As [`Program::start`], with a shell script to run before.
    pub(crate) fn start_with(data: &Path, shell: &str) -> Program {
        Program::spawn(data, shell).until_ready()
    }

    /// Waits until it serves.
    pub(crate) fn until_ready(mut self) -> Program {
        let ready_file = self.ready.as_str().expect("the path of the ready file").to_owned();
        let began = Instant::now();
        // Written atomically, so it can be read once it exists.
        let text = loop {
            if let Ok(text) = fs::read_to_string(&ready_file) {
                break text;
            }
            let ended = self.child.try_wait().expect("a child to ask");
            assert!(ended.is_none(), "the program ended with {ended:?}: {}", self.log());
            assert!(began.elapsed() < PATIENCE, "the program is not ready: {}", self.log());
            std::thread::sleep(Duration::from_millis(2));
        };
        self.ready = serde_json::from_str(&text).expect("the ready file is JSON");
        self
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child to ask").is_none()
    }

    /// Whether its ready file exists.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready.as_str().is_none_or(|path| Path::new(path).exists())
    }

    /// Its standard error. Lines are written shortly after the event: this waits until no more come.
    pub(crate) fn log(&self) -> String {
        let read = || fs::read_to_string(&self.log).unwrap_or_default();
        let (began, mut text) = (Instant::now(), read());
        loop {
            std::thread::sleep(Duration::from_millis(50));
            let now = read();
            if now.len() == text.len() || began.elapsed() > Duration::from_secs(2) {
                return now;
            }
            text = now;
        }
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    pub(crate) fn client(&self) -> Client {
        Client::at(self.ready["base_url"].as_str().expect("a base_url"))
    }

    /// SIGKILL, and waits for the end.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("a child to kill");
        self.child.wait().expect("an end");
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        run("sh", &["-c", &format!("kill -TERM {}", self.id())]);
    }

    /// Waits until it ends on its own.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child to ask") {
                return (status, self.log());
            }
            assert!(began.elapsed() < PATIENCE, "the program does not end: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A connection that is reopened when it breaks.
pub(crate) struct Client {
    address: String,
    stream: Option<BufReader<TcpStream>>,
    /// Whether the last call took effect although it failed, according to its answer.
    pub(crate) outcome: Option<String>,
}

impl Client {
    /// A client of the server at a base URL.
    pub(crate) fn at(url: &str) -> Client {
        Client { address: url.strip_prefix("http://").expect("http").to_owned(), stream: None, outcome: None }
    }

    /// Sends a request and reads the whole answer: status and body. `None` if there was no answer, or half of one.
    pub(crate) fn send(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, bytes) = self.send_bytes(token, method, path, "application/json", text.as_bytes())?;
        Some((status, serde_json::from_slice(&bytes).ok()?))
    }

    /// As [`Client::send`], for bodies other than JSON.
    pub(crate) fn send_bytes(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<(u16, Vec<u8>)> {
        let answer = self.exchange(token, method, path, content_type, body);
        if answer.is_none() {
            self.stream = None;
        }
        answer
    }

    /// Uploads an image.
    pub(crate) fn upload(&mut self, token: &str, content: &[u8]) -> Option<(u16, Value)> {
        let field = "--X\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n";
        let file = "--X\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        let body = [field.as_bytes(), file.as_bytes(), content, b"\r\n--X--\r\n"].concat();
        let (kind, path) = ("multipart/form-data; boundary=X", "/open-apis/im/v1/images");
        let (status, bytes) = self.send_bytes(token, "POST", path, kind, &body)?;
        Some((status, serde_json::from_slice(&bytes).ok()?))
    }

    /// The bytes of an image, if the answer has them.
    pub(crate) fn image(&mut self, token: &str, key: &str) -> Option<Vec<u8>> {
        let path = format!("/open-apis/im/v1/images/{key}");
        let (status, bytes) = self.send_bytes(token, "GET", &path, "application/json", b"")?;
        (status == 200 && bytes.first() != Some(&b'{')).then_some(bytes)
    }

    /// The bytes of a file, if the answer has them.
    pub(crate) fn file(&mut self, token: &str, key: &str) -> Option<Vec<u8>> {
        let path = format!("/open-apis/im/v1/files/{key}");
        let (status, bytes) = self.send_bytes(token, "GET", &path, "application/json", b"")?;
        (status == 200).then_some(bytes)
    }

    /// The text at a path.
    pub(crate) fn text(&mut self, path: &str) -> String {
        let answer = self.send_bytes("", "GET", path, "application/json", b"");
        let (status, bytes) = answer.expect("an answer");
        assert_eq!(status, 200, "GET {path}");
        String::from_utf8(bytes).expect("text")
    }

    /// A call of the platform's API; its `code` must be 0.
    pub(crate) fn call(&mut self, token: &str, method: &str, path: &str, body: &Value) -> Option<Value> {
        let (status, json) = self.send(token, method, &format!("/open-apis{path}"), body)?;
        assert!(status == 200 && json["code"] == 0, "{method} {path} {body}: {status} {json}");
        Some(json)
    }

    /// A call of the control API, which must succeed.
    pub(crate) fn control(&mut self, path: &str) -> Value {
        let answer = self.send(CONTROL_KEY, "GET", &format!("/larkspur/v1{path}"), &Value::Null);
        let (status, json) = answer.expect("an answer");
        assert!(status == 200 && json["code"] == 0, "GET {path}: {status} {json}");
        json["data"].clone()
    }

    /// Opens the connection, unless it is open.
    pub(crate) fn connect(&mut self) -> Option<&mut BufReader<TcpStream>> {
        if self.stream.is_none() {
            let stream = TcpStream::connect(&self.address).ok()?;
            stream.set_nodelay(true).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            self.stream = Some(BufReader::new(stream));
        }
        self.stream.as_mut()
    }

    fn exchange(
        &mut self,
        token: &str,
        method: &str,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Option<(u16, Vec<u8>)> {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            self.address,
            body.len()
        );
        self.outcome = None;
        let stream = self.connect()?;
        stream.get_mut().write_all(&[head.as_bytes(), body].concat()).ok()?;
        let (mut line, mut length, mut last, mut outcome) = (String::new(), None, false, None);
        stream.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        loop {
            line.clear();
            stream.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            length = if name.eq_ignore_ascii_case("content-length") { value.parse().ok() } else { length };
            outcome = if name == "X-Larkspur-Outcome" { Some(value.to_owned()) } else { outcome };
            last |= name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close");
        }
        let mut bytes = vec![0; length?];
        stream.read_exact(&mut bytes).ok()?;
        if last {
            self.stream = None;
        }
        self.outcome = outcome;
        Some((status, bytes))
    }
}

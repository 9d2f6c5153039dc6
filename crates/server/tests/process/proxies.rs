//! The program behind real reverse proxies, with the guide's own configuration; and the effects of its mode.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use larkspur_testkit::run;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::program::{CONTROL_KEY, Client, Program, binary};

const NAME: &str = "larkspur.example.com";
const PAGE: &str = "/open-apis/authen/v1/authorize";

#[derive(Debug, Clone, Copy)]
enum Kind {
    Nginx,
    Caddy,
    Haproxy,
}

/// A proxy in front of a server. Dropping it stops it.
struct Proxy {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The guide's block of this kind.
fn guide(kind: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/operating.md");
    let text = fs::read_to_string(path).expect("the guide");
    let (_, rest) = text.split_once(&format!("```{kind}\n")).expect("a block in the guide");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// Replaces a part of a text, which must exist.
fn put(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the guide lacks {from:?}: {text}");
    text.replace(from, to)
}

impl Proxy {
    /// Starts a proxy with the guide's settings; only the port, the certificate and the server behind it differ.
    fn start(kind: Kind, server: &str) -> Proxy {
        let folder = TempDir::new().expect("a directory");
        let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
        let (certificate, key) = (path("larkspur.pem"), path("larkspur.key"));
        let made =
            ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
        let (subject, name) = (format!("/CN={NAME}"), format!("subjectAltName=DNS:{NAME}"));
        let named = ["-subj", &subject, "-addext", &name, "-keyout", &key, "-out", &certificate];
        run("openssl", &[&made[..], &named].concat());
        // Free a moment ago.
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
        let settings = path("settings");
        let mut command = match kind {
            Kind::Nginx => {
                let mut site =
                    put(&guide("nginx"), "listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"));
                site = put(&site, "/etc/ssl/larkspur.pem", &certificate);
                site = put(&site, "/etc/ssl/larkspur.key", &key);
                site = put(&site, "127.0.0.1:5275", server);
                let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|what| format!("{what}_temp_path {};\n", path(what)))
                    .concat();
                let text = format!(
                    "daemon off;\nmaster_process off;\npid {};\nerror_log {} notice;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n",
                    path("pid"),
                    path("log")
                );
                fs::write(&settings, text).expect("written");
                // Debian keeps it out of a user's path.
                let mut command = Command::new("sh");
                command.args(["-c", "PATH=\"$PATH:/usr/sbin\"; exec nginx -p \"$1\" -c \"$2\"", "sh"]);
                command.arg(folder.path()).arg(&settings);
                command
            }
            Kind::Caddy => {
                let with = format!("https://{NAME}:{port} {{\n    tls {certificate} {key}");
                let site = put(&put(&guide("caddy"), &format!("{NAME} {{"), &with), "127.0.0.1:5275", server);
                let front = format!(
                    "{{\n    admin off\n    auto_https off\n    default_bind 127.0.0.1\n    storage file_system {}\n}}\n",
                    path("kept")
                );
                fs::write(&settings, front + &site).expect("written");
                let mut command = Command::new("caddy");
                command.args(["run", "--adapter", "caddyfile", "--config", &settings]);
                command.env("HOME", folder.path()).env_remove("XDG_CONFIG_HOME").env_remove("XDG_DATA_HOME");
                command
            }
            Kind::Haproxy => {
                let both =
                    [&certificate, &key].map(|file| fs::read_to_string(file).expect("a file")).concat();
                fs::write(&certificate, both).expect("written");
                let mut site = put(&guide("haproxy"), "bind :443", &format!("bind 127.0.0.1:{port}"));
                site = put(&site, "/etc/ssl/larkspur.pem", &certificate);
                for node in ["10.0.0.1:5275", "10.0.0.2:5275", "10.0.0.3:5275"] {
                    site = put(&site, node, server);
                }
                fs::write(&settings, site).expect("written");
                let mut command = Command::new("sh");
                command.args(["-c", "PATH=\"$PATH:/usr/sbin\"; exec haproxy -db -f \"$1\"", "sh", &settings]);
                command
            }
        };
        let log = fs::File::create(folder.path().join("errors")).expect("a log file");
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let child =
            child.unwrap_or_else(|error| panic!("{kind:?}: {error}: `cargo xtask setup` installs it"));
        let mut proxy = Proxy { child, port, folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = proxy.child.try_wait().expect("a child to ask");
            let waited = began.elapsed() > Duration::from_secs(20);
            assert!(ended.is_none() && !waited, "{kind:?} does not serve ({ended:?}): {}", proxy.said());
            std::thread::sleep(Duration::from_millis(20));
        }
        proxy
    }

    fn said(&self) -> String {
        ["errors", "log"]
            .map(|name| fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// The answer to a client at the proxy's name: status, head and body.
    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, String, String) {
        let mut sent = format!(
            "{method} {path} HTTP/1.1\r\nHost: {NAME}:{}\r\nConnection: close\r\nContent-Length: {}\r\n",
            self.port,
            body.len()
        );
        for (name, value) in headers {
            sent.push_str(&format!("{name}: {value}\r\n"));
        }
        sent.push_str("\r\n");
        let mut client = self.client();
        let mut input = client.stdin.take().expect("piped");
        input.write_all(sent.as_bytes()).and_then(|()| input.write_all(body)).expect("sent");
        let output = client.wait_with_output().expect("openssl ends");
        drop(input);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text:?}: {}", self.said()));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, head.to_owned(), body.to_owned())
    }

    /// The first line of the answer to a request that opens a WebSocket.
    fn opened(&self, target: &str) -> String {
        let mut client = self.client();
        let sent = format!(
            "GET {target} HTTP/1.1\r\nHost: {NAME}:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            self.port
        );
        let mut input = client.stdin.take().expect("piped");
        input.write_all(sent.as_bytes()).expect("sent");
        let mut line = String::new();
        BufReader::new(client.stdout.take().expect("piped")).read_line(&mut line).expect("an answer");
        client.kill().and_then(|()| client.wait()).expect("ended");
        line.trim_end().to_owned()
    }

    /// A program that passes its input to the proxy over TLS, and prints what comes back.
    fn client(&self) -> Child {
        let (port, certificate) =
            (format!("127.0.0.1:{}", self.port), self.folder.path().join("larkspur.pem"));
        Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-servername",
                NAME,
                "-verify_hostname",
                NAME,
            ])
            .args([OsStr::new("-connect"), port.as_ref(), "-CAfile".as_ref(), certificate.as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs")
    }

    fn json(&self, method: &str, path: &str, token: &str, body: &Value) -> Value {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let (status, head, text) = self.ask(method, path, &headers, body.as_bytes());
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{method} {path}: {status} {head} {text}"))
    }

    /// The URL of the sign-in page, with an app's parameters.
    fn page(&self, world: &Value) -> String {
        let app = world["app_id"].as_str().expect("an app_id");
        format!("{PAGE}?client_id={app}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%2Fcb")
    }
}

/// A server in memory, with these settings besides the usual ones.
fn server(beside: &TempDir, place: &[&str], shell: &str) -> Program {
    let place: Vec<&OsStr> = [&["--memory"], place].concat().into_iter().map(OsStr::new).collect();
    Program::spawn_at(beside.path(), &place, shell).until_ready()
}

/// Where programs on this machine reach it: URL, and host and port.
fn local(program: &Program) -> (String, String) {
    let url = program.ready["local_url"].as_str().or(program.ready["base_url"].as_str()).expect("an address");
    (url.to_owned(), url.strip_prefix("http://").expect("plain HTTP").to_owned())
}

/// A new world, created from this machine.
fn world(url: &str) -> Value {
    let made = Client::at(url).send(CONTROL_KEY, "POST", "/larkspur/v1/worlds", &json!({}));
    made.expect("an answer").1["data"].clone()
}

/// Signs in and reads chats, through the proxy.
fn calls(proxy: &Proxy, world: &Value) {
    let credentials = json!({"app_id": world["app_id"], "app_secret": world["app_secret"]});
    let signed_in = proxy.json("POST", "/open-apis/auth/v3/tenant_access_token/internal", "", &credentials);
    let token = signed_in["tenant_access_token"].as_str().unwrap_or_else(|| panic!("{signed_in}"));
    let list = proxy.json("GET", "/open-apis/im/v1/chats", token, &Value::Null);
    assert_eq!(list["data"]["items"][0]["chat_id"], world["chat_id"], "{list}");
    let credentials = json!({"AppID": world["app_id"], "AppSecret": world["app_secret"]});
    let endpoint = proxy.json("POST", "/callback/ws/endpoint", "", &credentials);
    let url = endpoint["data"]["URL"].as_str().unwrap_or_else(|| panic!("{endpoint}"));
    let (_, target) = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).expect("a path");
    assert_eq!(proxy.opened(&format!("/{target}")), "HTTP/1.1 101 Switching Protocols", "{}", proxy.said());
    // Larger than the proxies' defaults allow: it must reach the server.
    let front = "--X\r\nContent-Disposition: form-data; name=\"image_type\"\r\n\r\nmessage\r\n--X\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
    let body = [front.as_bytes(), &vec![b'x'; 12 << 20], b"\r\n--X--\r\n"].concat();
    let bearer = format!("Bearer {token}");
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", "multipart/form-data; boundary=X")];
    let (status, _, text) = proxy.ask("POST", "/open-apis/im/v1/images", &headers, &body);
    assert!(status == 400 && text.contains("234006"), "{status} {text}");
}

/// Sends the page's form from a page of some origin; returns status and head.
fn decide(proxy: &Proxy, world: &Value, token: &str, origin: &str) -> (u16, String, String) {
    let query = proxy.page(world);
    let query = query.split_once('?').expect("a query").1;
    let body = format!("{query}&decision=deny&form_token={token}");
    let headers = [("Origin", origin), ("Content-Type", "application/x-www-form-urlencoded")];
    proxy.ask("POST", PAGE, &headers, body.as_bytes())
}

fn in_production(kind: Kind) {
    let beside = TempDir::new().expect("a directory");
    let public = format!("https://{NAME}");
    let place = ["--mode", "production", "--public-url", &public];
    let closed = server(&beside, &place, "");
    assert_eq!(closed.ready["base_url"], public.as_str());
    assert!(closed.ready.get("app_id").is_none(), "no demo world: {}", closed.ready);
    let (url, address) = local(&closed);
    let proxy = Proxy::start(kind, &address);
    let made = world(&url);
    calls(&proxy, &made);
    for path in [
        "/larkspur/v1/worlds",
        "/larkspur/metrics",
        "/%6carkspur/metrics",
        "/larkspur/guide/",
        "/larkspur/health/ready",
    ] {
        let bearer = format!("Bearer {CONTROL_KEY}");
        let (status, _, text) = proxy.ask("GET", path, &[("Authorization", &bearer)], b"");
        assert_eq!(status, 404, "{path}: {text}");
    }
    let (status, _, text) = proxy.ask("GET", &proxy.page(&made), &[], b"");
    assert!(status == 403 && text.contains("Error code: 5275403."), "no user is picked: {status} {text}");
    // Programs on this machine still find the server.
    let ready = beside.path().join("ready.json");
    fs::write(&ready, closed.ready.to_string()).expect("written");
    let asked = Command::new(binary()).arg("health").arg("--ready-file").arg(&ready).env_clear().output();
    assert!(asked.expect("it runs").status.success());
    drop(proxy);

    let open = server(&beside, &place, "export LARKSPUR_BEHAVIOURS_USER_PICKER=true;");
    let (url, address) = local(&open);
    let proxy = Proxy::start(kind, &address);
    let made = world(&url);
    let (status, _, text) = proxy.ask("GET", &proxy.page(&made), &[("Sec-Fetch-Site", "cross-site")], b"");
    assert_eq!(status, 200, "{text}");
    let token = text.split("name=\"form_token\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let token = token.expect("a token");
    let own = format!("https://{NAME}:{}", proxy.port);
    let (status, head, text) = decide(&proxy, &made, token, &own);
    assert!(status == 302 && head.contains("http://localhost/cb?error=access_denied"), "{head} {text}");
    let (status, _, text) = decide(&proxy, &made, token, "https://evil.example");
    assert!(status == 403 && text.contains("5275419"), "{status} {text}");
}

fn in_test_mode(kind: Kind) {
    let beside = TempDir::new().expect("a directory");
    for (shell, status) in [("", 421), ("export LARKSPUR_HTTP_HOSTS=larkspur.example.com;", 200)] {
        let server = server(&beside, &[], shell);
        let (_, address) = local(&server);
        let proxy = Proxy::start(kind, &address);
        calls(&proxy, &server.ready);
        let (answered, _, text) = proxy.ask("GET", &proxy.page(&server.ready), &[], b"");
        assert_eq!(answered, status, "{text}");
        assert_eq!(status == 421, text.contains("[http] hosts"), "{text}");
    }
}

#[test]
fn nginx_in_front_of_production() {
    in_production(Kind::Nginx);
}

#[test]
fn caddy_in_front_of_production() {
    in_production(Kind::Caddy);
}

#[test]
fn haproxy_in_front_of_production() {
    in_production(Kind::Haproxy);
}

#[test]
fn haproxy_in_front_of_a_test_server() {
    in_test_mode(Kind::Haproxy);
}

#[test]
fn nginx_in_front_of_a_test_server() {
    in_test_mode(Kind::Nginx);
}

#[test]
fn caddy_in_front_of_a_test_server() {
    in_test_mode(Kind::Caddy);
}

/// What a start prints until it serves.
fn greeting(arguments: &[&str]) -> (String, Value) {
    let beside = TempDir::new().expect("a directory");
    let path = |name: &str| -> PathBuf { beside.path().join(name) };
    let said = fs::File::create(path("said")).expect("a file");
    let mut child = Command::new(binary())
        .args(["serve", "--memory", "--listen", "127.0.0.1:0", "--control-key", CONTROL_KEY, "--ready-file"])
        .arg(path("ready.json"))
        .args(arguments)
        .env_clear()
        .stdout(said)
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let began = Instant::now();
    let text = loop {
        let text = fs::read_to_string(path("said")).expect("said");
        if text.contains("guide ") || began.elapsed() > Duration::from_secs(20) {
            break text;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let ready = fs::read(path("ready.json")).expect("a ready file");
    child.kill().and_then(|()| child.wait()).expect("ended");
    (text, serde_json::from_slice(&ready).expect("JSON"))
}

#[test]
fn a_start_prints_secrets_in_test_mode_alone() {
    let (text, ready) = greeting(&[]);
    let secret = ready["app_secret"].as_str().expect("a demo world");
    assert!(text.contains(CONTROL_KEY) && text.contains(secret), "{text}");
    assert!(ready.get("local_url").is_none());
    let (text, ready) = greeting(&["--mode", "production", "--public-url", "https://larkspur.example.com"]);
    assert!(ready.get("app_id").is_none() && ready["control_key"] == CONTROL_KEY, "{ready}");
    assert!(
        !text.contains(CONTROL_KEY) && text.contains("Larkspur serves https://larkspur.example.com\n"),
        "{text}"
    );
    assert!(
        text.contains(&format!("on this machine {}\n", ready["local_url"].as_str().expect("one"))),
        "{text}"
    );
}

#[test]
fn what_would_be_unsafe_is_refused_at_the_start() {
    for (arguments, part) in [
        (
            &["--mode", "production", "--control-key", "short"][..],
            "needs at least 16 when other machines can reach it: create one with `openssl rand",
        ),
        (
            &["--listen", "0.0.0.0:0", "--control-key", "short"][..],
            "needs at least 16 when other machines can reach it: create one with `openssl rand",
        ),
        (&["--mode", "production", "--demo"][..], "leave one of them out"),
        (&["--mode", "prod"][..], "--mode is \"prod\""),
        (&["--public-url", "larkspur.example.com"][..], "not http:// or https://"),
    ] {
        let listen: &[&str] =
            if arguments.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let mut command = Command::new(binary());
        command.args(["serve", "--memory"]).args(listen).args(arguments).env_clear();
        let output = command.output().expect("it ends");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && text.contains(part), "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

/// A web page under a name that leads to this machine, and a program without a browser.
#[test]
fn a_name_that_leads_here_is_no_name_of_this_machine() {
    let beside = TempDir::new().expect("a directory");
    let server = server(&beside, &[], "");
    let (_, address) = local(&server);
    let ask = |target: &str, headers: &str| {
        let mut stream = TcpStream::connect(&address).expect("connected");
        let request = format!(
            "GET {target} HTTP/1.1\r\n{headers}Authorization: Bearer {CONTROL_KEY}\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut stream, &mut answer).expect("an answer");
        answer.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok()).expect("a status")
    };
    let port = address.rsplit_once(':').expect("a port").1.to_owned();
    for path in ["/larkspur/v1/worlds", "/larkspur/metrics", "/larkspur/guide/"] {
        for (headers, status) in [
            (format!("Host: {address}\r\n"), 200),
            (format!("Host: localhost:{port}\r\n"), 200),
            ("Host: rebound.example\r\n".to_owned(), 421),
            ("Host: localhost\r\nHost: rebound.example\r\n".to_owned(), 421),
            ("Host: localhost\r\nX-Forwarded-For: 10.0.0.9\r\n".to_owned(), 421),
            ("Host: localhost\r\nVia: 1.1 proxy\r\n".to_owned(), 421),
            ("Host: localhost\r\nX-Forwarded-Host: a.example\r\n".to_owned(), 421),
        ] {
            assert_eq!(ask(path, &headers), status, "{path} {headers}");
        }
        let whole = format!("http://rebound.example{path}");
        assert_eq!(ask(&whole, "Host: localhost\r\n"), 421, "the request line counts");
    }
    assert_eq!(ask("/larkspur/health/live", "Host: rebound.example\r\n"), 200);
}

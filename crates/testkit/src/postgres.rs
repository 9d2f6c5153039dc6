//! A PostgreSQL server of the test run, and a database on it for each test.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use larkspur_contract::Effect;
use larkspur_store::{BoxFuture, Driver, Engine, Row, StoreError, SystemClock, Unit, Value};
use larkspur_store_postgres::{Options, Postgres};
use tokio::sync::oneshot;
use tokio_postgres::NoTls;

use crate::disk::{FullDisk, SmallDisk};
use crate::partitioned::Partitioned;

const NEEDED: &str = "the tests need PostgreSQL 15 or newer: `cargo xtask setup` installs it";
/// Databases that are prepared in advance.
const READY: usize = 2;

/// Creates a cluster in a temporary folder, in memory if there is room (databases are copied by the hundred), and
/// serves it on a socket in there. Stops when its input closes, and so with the process that started it.
const SCRIPT: &str = r#"
set -e
base=${TMPDIR:-/tmp}
if [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'NR == 2 { print $4 }')" -gt 2000000 ]; then base=/dev/shm; fi
folder=$(mktemp -d "$base/larkspur-postgres.XXXXXX")
server=
trap '[ -z "$server" ] || { kill -QUIT $server 2>/dev/null; wait $server || true; }; rm -rf "$folder"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"
data=$folder/data wal=16 checksums=
if [ "$1" = small ]; then data=$2/data wal=1; shift 2; fi
if [ "$1" = durable ]; then data=$2/data checksums=--data-checksums; shift 2; fi
if [ "$1" = standby ]; then
    primary=$2; shift 2
    pg_basebackup --pgdata "$data" --host "$primary" --username larkspur --checkpoint=fast --no-sync --write-recovery-conf
else
    initdb --pgdata "$data" --wal-segsize=$wal --username larkspur --auth trust --encoding UTF8 --locale C.UTF-8 --no-sync $checksums
fi >log 2>&1 || { cat log >&2; exit 1; }
if [ "$1" = encrypted ]; then shift; prepare; fi
begin() {
    postgres -D "$data" -k "$folder" -c listen_addresses= -c max_connections=300 -c autovacuum=off -c shared_buffers=64MB \
        -c logging_collector=off "$@" >>log 2>&1 </dev/null &
    server=$!
    tries=0
    until pg_isready -q -h "$folder" -U larkspur -d postgres; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ] || ! kill -0 $server 2>/dev/null; then cat log >&2; exit 1; fi
        sleep 0.05
    done
    echo "$folder"
}
begin "$@"
# Each line asks for a crash and another start, or for a crash alone.
while read -r word; do
    [ -z "$server" ] || { kill -QUIT $server 2>/dev/null || true; wait $server || true; }
    server=
    if [ "$word" = stop ]; then echo "$folder"; else begin "$@"; fi
done
"#;

/// Makes a CA, `ca.pem`, and a certificate from it for `localhost`; also `old.pem`, a self-signed X.509 version 1
/// certificate, such as some installations of PostgreSQL make. The role `secret` needs a password.
const CERTIFICATES: &str = r#"
prepare() {
    key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    {
        openssl req -x509 $key -days 2 -subj /CN=authority -keyout ca.key -out ca.pem &&
        openssl req $key -subj /CN=server -keyout server.key -out server.csr &&
        echo subjectAltName=DNS:localhost >server.ext &&
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile server.ext -out server.pem &&
        openssl req -new -newkey rsa:2048 -nodes -subj /CN=old -keyout old.key -out old.csr &&
        openssl x509 -req -in old.csr -signkey old.key -days 2 -out old.pem
    } >>log 2>&1 || { cat log >&2; exit 1; }
    chmod 600 server.key old.key
    { echo 'host all secret all scram-sha-256'; cat data/pg_hba.conf; } >hba
    mv hba data/pg_hba.conf
    # In the file, where a test can change it.
    {
        echo ssl=on
        echo "ssl_cert_file='../server.pem'"
        echo "ssl_key_file='../server.key'"
    } >>data/postgresql.conf
}
"#;

/// A private PostgreSQL server. It stops when this is dropped, or with the process.
pub struct Server {
    folder: PathBuf,
    port: u16,
    out: Mutex<BufReader<ChildStdout>>,
    script: Child,
    disk: Option<SmallDisk>,
}

impl Server {
    /// Starts a server with these settings, such as `fsync=off`.
    pub fn start(settings: &[&str]) -> Server {
        Server::start_at(5432, None, &[], settings)
    }

    /// Starts a server whose data is on a disk of this many megabytes.
    pub fn on_small_disk(megabytes: u32, settings: &[&str]) -> Server {
        let disk = SmallDisk::new(megabytes * 1024);
        let folder = disk.folder().to_owned();
        Server::start_at(5432, Some(disk), &["small", &folder.to_string_lossy()], settings)
    }

    /// Starts a server that keeps its data in a folder on disk, with checksums. `settings` override the defaults of
    /// this file's servers, for example with `autovacuum=off`. The data stays until the folder is deleted.
    pub fn in_folder(folder: &Path, settings: &[&str]) -> Server {
        if is_root() {
            let owned = Command::new("chown").arg("postgres").arg(folder).status().expect("chown runs");
            assert!(owned.success(), "there is no user postgres; {NEEDED}");
        }
        Server::start_at(5432, None, &["durable", &folder.to_string_lossy()], settings)
    }

    /// The id of its main process; the others are its children.
    pub async fn process(&self) -> u32 {
        let found =
            self.run("postgres", "SELECT split_part(pg_read_file('postmaster.pid'), chr(10), 1)").await;
        found[0].parse().expect("a number")
    }

    /// Its small disk, if it was started on one.
    pub fn disk(&self) -> Option<FullDisk> {
        Some(self.disk.as_ref()?.of(self.script.id()))
    }

    /// Starts a server that accepts encrypted connections on a port of `localhost`, with a certificate from
    /// [`Server::authority`].
    pub fn encrypted(settings: &[&str]) -> Server {
        // Free a moment ago; no other code here picks ports by number.
        let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr());
        let settings = [&["listen_addresses=127.0.0.1"], settings].concat();
        Server::start_at(free.expect("a free port").port(), None, &["encrypted"], &settings)
    }

    fn start_at(port: u16, disk: Option<SmallDisk>, how: &[&str], settings: &[&str]) -> Server {
        let shell: &[&str] = if is_root() { &["runuser", "-u", "postgres", "--", "sh"] } else { &["sh"] };
        let mut command = match &disk {
            Some(disk) => disk.command(shell[0]),
            None => Command::new(shell[0]),
        };
        command.args(&shell[1..]);
        command
            .arg("-c")
            .arg(format!("PATH=\"{}:$PATH\"\n{CERTIFICATES}{SCRIPT}", programs().display()))
            .arg("larkspur-postgres")
            .args(how)
            .env("PGPORT", port.to_string());
        for setting in settings {
            command.arg("-c").arg(setting);
        }
        let command = command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut script = command.spawn().expect("the shell runs");
        let mut out = BufReader::new(script.stdout.take().expect("piped"));
        let mut folder = String::new();
        out.read_line(&mut folder).expect("the script's output");
        assert!(!folder.is_empty(), "PostgreSQL did not start; {NEEDED}");
        Server { folder: PathBuf::from(folder.trim_end()), port, out: Mutex::new(out), script, disk }
    }

    /// Starts a standby of a server: it follows until it is promoted with `pg_promote()`.
    pub fn standby_of(primary: &Server, settings: &[&str]) -> Server {
        Server::start_at(5432, None, &["standby", &primary.folder.to_string_lossy()], settings)
    }

    /// Stops it as a crash would, whatever it is doing.
    pub fn stop(&self) {
        self.tell("stop");
    }

    /// As [`Server::stop`], unless it has ended already; then starts it again.
    pub fn restart(&self) {
        self.tell("again");
    }

    fn tell(&self, word: &str) {
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let said = format!("{word}\n");
        self.script.stdin.as_ref().expect("piped").write_all(said.as_bytes()).expect("the script reads");
        let mut folder = String::new();
        out.read_line(&mut folder).expect("the script's output");
        assert!(!folder.is_empty(), "PostgreSQL did not do as told: {word}");
    }

    /// Its log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).expect("the log of the script")
    }

    /// The PEM file of the CA behind an encrypted server's certificate.
    pub fn authority(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The URL of one of its databases over the network.
    pub fn network_url(&self, user: &str, host: &str, database: &str) -> String {
        format!("postgres://{user}@{host}:{}/{database}", self.port)
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://larkspur@{}/{database}", self.host())
    }

    /// The URL of a database on the one of two servers that takes writes.
    pub fn url_with(&self, other: &Server, database: &str) -> String {
        format!("postgres://larkspur@{},{}/{database}", self.host(), other.host())
    }

    fn host(&self) -> String {
        let folder = self.folder.to_string_lossy().replace('/', "%2F");
        if self.port == 5432 { folder } else { format!("{folder}:{}", self.port) }
    }

    /// Runs statements on one of its databases, without a driver.
    pub async fn run(&self, database: &str, sql: &str) -> Vec<String> {
        let (client, connection) =
            tokio_postgres::connect(&self.url(database), NoTls).await.expect("connects");
        let task = tokio::spawn(connection);
        let found = client.simple_query(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
        drop(client);
        drop(task.await);
        let first = |message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        found.into_iter().filter_map(first).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}

/// PostgreSQL refuses to run as root, so root starts it as the user of Debian's package.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().expect("id runs").stdout == b"0\n"
}

/// Where PostgreSQL's programs are: Debian keeps them out of the path.
fn programs() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let has = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| has(folder)) {
        return folder;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(version, folder)| *version >= 15 && has(folder))
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("{NEEDED}")).1
}

/// How a database's tables are created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tables {
    /// Not at all.
    None,
    /// By the migrations.
    Plain,
    /// Partitioned by tenant, as Citus distributes them.
    Partitioned,
}

const ALL: [Tables; 3] = [Tables::None, Tables::Plain, Tables::Partitioned];

impl Tables {
    fn template(self) -> &'static str {
        match self {
            Tables::None => "template1",
            Tables::Plain => "plain",
            Tables::Partitioned => "partitioned",
        }
    }
}

/// A new database on the test run's server. It is dropped with the driver.
pub async fn database(tables: Tables) -> Arc<dyn Driver> {
    let keeper = KEEPER.get_or_init(Keeper::start);
    let (reply, name) = oneshot::channel();
    keeper.requests.send(Request::Make(tables, reply)).expect("the keeper runs");
    let name = name.await.expect("a database is made");
    let driver =
        Postgres::open(&keeper.server.url(&name), &Options::default()).await.expect("the database opens");
    Arc::new(Database { driver, name })
}

struct Database {
    driver: Postgres,
    name: String,
}

impl Driver for Database {
    fn transact(&self, effect: Effect, unit: Arc<dyn Unit>) -> BoxFuture<'_, Result<(), StoreError>> {
        self.driver.transact(effect, unit)
    }

    fn query(
        &self,
        effect: Effect,
        sql: &'static str,
        params: Vec<Value>,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        self.driver.query(effect, sql, params)
    }

    fn is_shared(&self) -> bool {
        self.driver.is_shared()
    }

    fn trouble(&self) -> Option<String> {
        self.driver.trouble()
    }

    fn name(&self) -> &'static str {
        self.driver.name()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(keeper) = KEEPER.get() {
            // The receiver is gone only when the process ends, and the databases with it.
            drop(keeper.requests.send(Request::Drop(std::mem::take(&mut self.name))));
        }
    }
}

static KEEPER: OnceLock<Keeper> = OnceLock::new();

/// The server, and the thread that creates and drops databases.
struct Keeper {
    server: Arc<Server>,
    requests: Sender<Request>,
}

enum Request {
    Make(Tables, oneshot::Sender<String>),
    Drop(String),
}

impl Keeper {
    fn start() -> Keeper {
        let settings = ["fsync=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0"];
        let server = Arc::new(Server::start(&settings));
        let (requests, inbox) = channel();
        let shared = server.clone();
        std::thread::spawn(move || keep(&shared, &inbox));
        Keeper { server, requests }
    }
}

/// Serves requests first; in between, prepares databases and drops unused ones.
#[tokio::main(flavor = "current_thread")]
async fn keep(server: &Server, inbox: &Receiver<Request>) {
    let mut ready: [Option<Vec<String>>; 3] = [None, None, None];
    let (mut done, mut count) = (Vec::new(), 0);
    loop {
        let wanting =
            ALL.iter().zip(&ready).find(|(_, ready)| ready.as_ref().is_some_and(|ready| ready.len() < READY));
        let idle = wanting.is_none() && done.is_empty();
        let request = if idle { inbox.recv().ok() } else { inbox.try_recv().ok() };
        match request {
            Some(Request::Make(tables, reply)) => {
                let index = ALL.iter().position(|each| *each == tables).expect("one of them");
                if ready[index].is_none() {
                    template(server, tables).await;
                    ready[index] = Some(Vec::new());
                }
                let waiting = ready[index].as_mut().and_then(Vec::pop);
                let name = match waiting {
                    Some(name) => name,
                    None => make(server, tables, &mut count).await,
                };
                // The requesting test may have failed since.
                drop(reply.send(name));
            }
            Some(Request::Drop(name)) => done.push(name),
            None if idle => return,
            None => {
                let wanting = wanting.map(|(tables, _)| *tables);
                if let Some(tables) = wanting {
                    let index = ALL.iter().position(|each| *each == tables).expect("one of them");
                    let name = make(server, tables, &mut count).await;
                    ready[index].get_or_insert_default().push(name);
                } else if let Some(name) = done.pop() {
                    server.run("postgres", &format!("DROP DATABASE {name} WITH (FORCE)")).await;
                }
            }
        }
    }
}

async fn make(server: &Server, tables: Tables, count: &mut u32) -> String {
    *count += 1;
    let name = format!("test_{count}");
    server
        .run("postgres", &format!("CREATE DATABASE {name} TEMPLATE {} STRATEGY FILE_COPY", tables.template()))
        .await;
    name
}

/// Creates the template of databases with such tables.
async fn template(server: &Server, tables: Tables) {
    if tables == Tables::None {
        return;
    }
    let name = tables.template();
    server.run("postgres", &format!("CREATE DATABASE {name}")).await;
    let postgres = Arc::new(Postgres::open(&server.url(name), &Options::default()).await.expect("opens"));
    let driver: Arc<dyn Driver> = match tables {
        Tables::Partitioned => Arc::new(Partitioned::over(postgres)),
        _ => postgres,
    };
    Engine::open(driver, Arc::new(SystemClock), 0).await.expect("the tables are made");
}

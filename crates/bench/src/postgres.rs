//! A private PostgreSQL server, on the same disk as the other stores, with full durability.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use crate::Res;
use crate::machine::runtime;
use crate::product::Place;

/// Settings besides the defaults, for the conditions of the table.
pub(crate) const SETTINGS: &str = "fsync and synchronous_commit on, data checksums, shared_buffers 512 MB, max_wal_size 4 GB, on a Unix socket";

/// Creates a cluster in the folder `$1` and serves it on a socket in a temporary folder (socket paths must be short).
/// Stops when its input closes, and so with the process that started it.
const SCRIPT: &str = r#"
set -e
folder=$1
sockets=$(mktemp -d /tmp/larkspur-bench.XXXXXX)
server=
trap '[ -z "$server" ] || { kill -INT $server 2>/dev/null; wait $server || true; }; rm -rf "$sockets" "$folder/data"' EXIT
trap 'exit 1' HUP INT TERM
cd "$folder"
initdb --pgdata data --username larkspur --auth trust --encoding UTF8 --locale C.UTF-8 --data-checksums >log 2>&1 || { cat log >&2; exit 1; }
postgres -D data -k "$sockets" -c listen_addresses= -c max_connections=300 -c shared_buffers=512MB -c max_wal_size=4GB \
    -c fsync=on -c synchronous_commit=on -c logging_collector=off >>log 2>&1 </dev/null &
server=$!
tries=0
until pg_isready -q -h "$sockets" -U larkspur -d postgres; do
    tries=$((tries + 1))
    if [ $tries -gt 600 ] || ! kill -0 $server 2>/dev/null; then cat log >&2; exit 1; fi
    sleep 0.1
done
echo "$server $sockets"
while read -r _; do :; done
"#;

/// A private PostgreSQL server. It stops when this is dropped, or with the process.
pub(crate) struct Cluster {
    /// Its main process; the others are its children.
    pub(crate) pid: u32,
    sockets: String,
    script: Child,
}

impl Cluster {
    /// Creates one below the directory of the run, and starts it.
    pub(crate) fn start(place: &Place) -> Res<Self> {
        let programs = programs()?;
        let folder = place.fresh("postgres")?.canonicalize()?;
        // PostgreSQL refuses to run as root, so root starts it as the user of Debian's package.
        let mut command = if Command::new("id").arg("-u").output()?.stdout == b"0\n" {
            if !Command::new("chown").arg("postgres").arg(&folder).status()?.success() {
                return Err("PostgreSQL does not run as root, and there is no user postgres".into());
            }
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        let mut script = command
            .arg("-c")
            .arg(format!("PATH=\"{}:$PATH\"\n{SCRIPT}", programs.display()))
            .arg("larkspur-bench-postgres")
            .arg(&folder)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = script.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let mut cluster = Cluster { pid: 0, sockets: String::new(), script };
        let (pid, sockets) = line.trim_end().split_once(' ').ok_or("PostgreSQL did not start")?;
        (cluster.pid, cluster.sockets) = (pid.parse()?, sockets.to_owned());
        Ok(cluster)
    }

    /// The URL of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://larkspur@{}/{database}", self.sockets.replace('/', "%2F"))
    }

    /// Creates an empty database, and returns its URL.
    pub(crate) fn database(&self, name: &str) -> Res<String> {
        self.run("postgres", &format!("CREATE DATABASE {name}"))?;
        Ok(self.url(name))
    }

    /// A session with one of its databases.
    pub(crate) fn session(&self, database: &str) -> Res<Session> {
        let runtime = runtime()?;
        let client = runtime.block_on(connect(&self.url(database)))?;
        Ok(Session { client, runtime })
    }

    /// Runs statements in a session of their own; see [`Session::strings`].
    pub(crate) fn run(&self, database: &str, sql: &str) -> Res<Vec<String>> {
        self.session(database)?.strings(sql)
    }

    /// Its version.
    pub(crate) fn version(&self) -> Res<String> {
        let shown = self.run("postgres", "SHOW server_version")?.pop().ok_or("no version")?;
        Ok(shown.split(' ').next().unwrap_or_default().to_owned())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        drop(self.script.wait());
    }
}

/// A session with a database, for work besides the product.
pub(crate) struct Session {
    client: Client,
    runtime: Runtime,
}

impl Session {
    /// Runs statements and returns the first column of their results. A single statement runs outside of a transaction
    /// block.
    pub(crate) fn strings(&self, sql: &str) -> Res<Vec<String>> {
        let found = self.runtime.block_on(self.client.simple_query(sql))?;
        let first = |message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        Ok(found.into_iter().filter_map(first).collect())
    }
}

/// A connection, driven by the current runtime.
pub(crate) async fn connect(url: &str) -> Res<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Where PostgreSQL's programs are: Debian keeps them out of the path.
///
/// # Errors
/// What to install.
pub(crate) fn programs() -> Res<PathBuf> {
    let has = |folder: &Path| folder.join("initdb").is_file() && folder.join("postgres").is_file();
    let path = std::env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = std::env::split_paths(&path).find(|folder| has(folder)) {
        return Ok(folder);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let found = versions.filter_map(|entry| {
        let entry = entry.ok()?;
        Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path().join("bin")))
    });
    let newest = found.filter(|(version, folder)| *version >= 15 && has(folder)).max();
    newest.map(|(_, folder)| folder).ok_or_else(|| {
        "the rows on PostgreSQL need PostgreSQL 15 or newer: `cargo xtask setup` installs it; without it, name the other rows: --only reads,writes,start,sizes,lists"
            .into()
    })
}

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use larkspur_store::{Engine, Keys};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::sync::oneshot;

use super::browser;
use super::mode::Stance;
use super::store::Store;
use super::waiting::patiently;
use super::{open_files, seed};
use crate::config::Config;
use crate::console::ConsoleOptions;
use crate::delivery::DeliveryWorker;
use crate::ready::{self, Ready, World};
use crate::{App, AppOptions, BackgroundJobs, demo, endpoints, http, logs};

/// Flags of `larkspur serve`.
#[derive(Default, Args)]
pub(super) struct Flags {
    /// Address and port to listen on [default: 127.0.0.1:5275]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Data directory [default: ./larkspur-data]
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    data: Option<PathBuf>,
    /// PostgreSQL URL, instead of a data directory: postgres://user@host1,host2,host3/larkspur
    #[arg(long, value_name = "URL", conflicts_with_all = ["data", "memory"])]
    store: Option<String>,
    /// Keep all data in memory; it is lost when the server stops
    #[arg(long)]
    pub(super) memory: bool,
    /// Serve reads and refuse writes, for a disk that is full or read-only
    #[arg(long, conflicts_with = "memory")]
    read_only: bool,
    /// File to write base URL, control key and demo world to (JSON), once the port is open
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    /// platform, off, or a factor for every limit [default: platform]
    #[arg(long, value_name = "HOW")]
    pub(super) rate_limits: Option<String>,
    /// test (open to everyone on this machine) or production [default: test on loopback, production elsewhere]
    #[arg(long, value_name = "MODE")]
    mode: Option<String>,
    /// Public URL of this server, such as https://larkspur.example.com behind a proxy
    #[allow(rustdoc::bare_urls, reason = "printed as it is")]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Key of the control API [default: a new random key at every start]
    #[arg(long, value_name = "KEY")]
    control_key: Option<String>,
    /// Create the demo world and print its secrets, on any address
    #[arg(long)]
    demo: bool,
    /// Folder to read the files of the console from, to work on them
    #[arg(long, value_name = "DIR")]
    console_dir: Option<PathBuf>,
    /// Open the console in a browser
    #[arg(long)]
    open: bool,
    /// Seed of a world that is made if no world has its name, repeatable
    #[arg(long, value_name = "FILE", conflicts_with = "read_only")]
    seed: Vec<PathBuf>,
    /// Settings file; `larkspur config` prints all settings
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Flags {
    fn config(&self) -> Result<Config, String> {
        let path = |path: &PathBuf| path.display().to_string();
        let flags: Vec<(&str, String)> = [
            ("listen", self.listen.clone()),
            ("data", self.data.as_ref().map(path)),
            ("store", self.store.clone()),
            ("memory", self.memory.then(|| "true".to_owned())),
            ("read_only", self.read_only.then(|| "true".to_owned())),
            ("ready_file", self.ready_file.as_ref().map(path)),
            ("rate_limits", self.rate_limits.clone()),
            ("mode", self.mode.clone()),
            ("public_url", self.public_url.clone()),
            ("control_key", self.control_key.clone()),
            ("console.dir", self.console_dir.as_ref().map(path)),
            ("demo", self.demo.then(|| "always".to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        super::silent(self.config.as_deref(), &flags)
    }
}

/// Serves until the process is told to stop.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let mut config = flags.config()?;
    // A place on the command line overrides other kinds of place from the settings.
    config.memory &= flags.data.is_none();
    if flags.data.is_some() || flags.memory {
        config.store.clear();
    }
    if config.read_only && config.memory {
        return Err(
            "read_only cannot be used with memory: a store in memory starts empty; name a store on disk"
                .to_owned(),
        );
    }
    logs::start(&config.logs)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("larkspur")
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    if config.read_only && !flags.seed.is_empty() {
        return Err("--seed cannot be used with read_only: a seed makes a world".to_owned());
    }
    runtime.block_on(serve(&config, &flags.seed, flags.open))
}

async fn serve(config: &Config, seeds: &[PathBuf], browse: bool) -> Result<(), String> {
    let (mut ended, at_once) = signals().map_err(|error| format!("cannot listen for signals: {error}"))?;
    let listener = listen(&config.listen).await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let stance = Stance::of(config, address)?;
    let console = console(config, &stance, address)?;
    let opening = opened(config, address);
    let (store, engine) = if config.is_on_a_server() {
        tokio::select! {
            biased;
            there = opening => there?,
            _ = &mut ended => {
                tracing::info!("stopped");
                return Ok(());
            }
            () = http::serve_before(&listener, endpoints::before) => return Ok(()),
        }
    } else {
        opening.await?
    };
    let writes = !config.read_only;
    let open = stance.is_open(config);
    let world = world(config, &engine, open && writes).await?;
    let control_key =
        if config.control_key.is_empty() { Keys::fresh_secret() } else { config.control_key.clone() };
    let options = AppOptions {
        control_key: control_key.clone(),
        store_stats: Some(store.stats()),
        console,
        ..options(config, &stance)
    };
    let jobs = writes.then(|| BackgroundJobs::of(&engine, config.grace(), config.retention()));
    let app = App::build(engine, options)?;
    seed::at_start(&app, seeds, open).await?;
    let ready = Ready::at(base_url(address), &config.public_url, control_key, world);
    let link = app.console_link().map(|link| link.url);
    announce(config, &ready, open, link.as_deref())?;
    if browse {
        browser::open_or_complain(link.as_deref());
    }
    let files = ready_files(config);
    let ended = async move {
        let _ = ended.await;
        // Before the port is free for another server: programs that wait for a server watch this file.
        files.iter().for_each(|path| ready::withdraw(path, &ready));
    };
    let doing = if writes { "serving" } else { "serving, read-only" };
    tracing::info!(address = %address, mode = stance.name(), "{doing}");
    let limits = open_files::fitting(config.limits(stance.lame_duck()), config.postgres().connections);
    serve_app((listener, app, limits), writes, ended, at_once).await;
    drop(jobs);
    tracing::info!("stopped");
    store.close();
    Ok(())
}

/// Answers requests and, unless it only reads, delivers events, until the process is told to stop.
async fn serve_app(
    (listener, app, limits): (TcpListener, Arc<App>, http::Limits),
    writes: bool,
    ended: impl Future<Output = ()>,
    at_once: oneshot::Receiver<()>,
) {
    let (stop, stopped) = oneshot::channel::<()>();
    let deliveries = writes.then(|| {
        let worker = DeliveryWorker::new(app.clone());
        tokio::spawn(worker.run(async {
            let _ = stopped.await;
        }))
    });
    let serving = async {
        http::serve(listener, app, limits, ended).await;
        drop(stop);
        if let Some(deliveries) = deliveries
            && deliveries.await.is_err()
        {
            tracing::error!("the event delivery worker panicked");
        }
    };
    tokio::select! {
        biased;
        () = serving => {}
        _ = at_once => tracing::warn!("second signal: stopping at once, requests in progress are cut off"),
    }
}

/// How the console is served, if it is.
fn console(config: &Config, stance: &Stance, address: SocketAddr) -> Result<Option<ConsoleOptions>, String> {
    let console = stance.console(config, address, &public_url(config, address))?;
    match console.as_ref().and_then(|console| console.folder.as_deref()) {
        Some(folder) if !folder.is_dir() => {
            Err(format!("cannot serve the console: {} is not a folder", folder.display()))
        }
        _ => Ok(console),
    }
}

/// The options of the app that follow from the settings alone.
fn options(config: &Config, stance: &Stance) -> AppOptions {
    AppOptions {
        settings: Arc::new(stance.settings(config)),
        rate_limits: config.rate_limits,
        rate_limit_status: config.rate_limit_status,
        brand: config.brand,
        names: stance.names(config),
        public_url: config.public_url.clone(),
        long_connections: config.long_connections(),
        private_receivers: stance.allow_private(config),
        traffic: stance.traffic(config),
        ..AppOptions::default()
    }
}

/// Opens the store; waits if it is on a database server that does not answer yet.
async fn opened(config: &Config, address: SocketAddr) -> Result<(Store, Arc<Engine>), String> {
    let report = |why: &str| {
        tracing::warn!(address = %address, why, "waiting for the store: calls fail with 5000 until it is available");
    };
    let opened = patiently(None, report, async || {
        let store = Store::try_open(config).await?;
        let engine = store.engine(config).await.inspect_err(|_| store.close())?;
        Ok((store, engine))
    });
    opened.await
}

async fn listen(address: &str) -> Result<TcpListener, String> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is in use by another program: stop it, or choose another port with --listen (port 0 picks a free one)"
        ),
        io::ErrorKind::PermissionDenied => {
            format!("not allowed to listen on {address}: choose a port above 1023 with --listen")
        }
        _ => format!("cannot listen on {address}: {error}: --listen takes an address and a port, such as 127.0.0.1:5275"),
    })
}

/// The demo world: a new one in an empty store, else the saved one.
async fn world(config: &Config, engine: &Arc<Engine>, make: bool) -> Result<Option<World>, String> {
    let failed = |error| format!("cannot create the demo world: {error}");
    if make && let Some(made) = demo::make_if_empty(engine).await.map_err(failed)? {
        return Ok(Some(made));
    }
    // It is saved even if it is not printed: only this file has the secret. A ready file has it after a kill, and from
    // an earlier release.
    let written = demo_file(config).and_then(|path| ready::read::<World>(&path));
    let known = written
        .into_iter()
        .chain(ready_files(config).into_iter().filter_map(|path| ready::read::<Ready>(&path)?.world));
    for world in known {
        if demo::is_there(engine, &world).await.map_err(failed)? {
            return Ok(Some(world));
        }
    }
    Ok(None)
}

/// The URL by which clients reach the server.
fn public_url(config: &Config, address: SocketAddr) -> String {
    if config.public_url.is_empty() { base_url(address) } else { config.public_url.clone() }
}

/// The URL by which clients on this machine reach an address.
fn base_url(address: SocketAddr) -> String {
    format!("http://{}", super::reachable(address))
}

/// Where the ready file is written; without a data directory, only where the settings say.
fn ready_files(config: &Config) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    if !config.memory && !config.is_on_a_server() {
        paths.push(config.data.join(ready::NAME));
    }
    if !config.ready_file.as_os_str().is_empty() {
        paths.push(config.ready_file.clone());
    }
    paths
}

/// Where the demo world is saved for the next start: in the data directory or, with a PostgreSQL store, beside the
/// ready file.
fn demo_file(config: &Config) -> Option<PathBuf> {
    if config.memory {
        return None;
    }
    if !config.is_on_a_server() {
        return Some(config.data.join(ready::DEMO));
    }
    let mut beside = Some(config.ready_file.clone().into_os_string()).filter(|path| !path.is_empty())?;
    beside.push(".demo");
    Some(beside.into())
}

/// Writes the ready files, and prints the next steps on the terminal.
fn announce(config: &Config, ready: &Ready, open: bool, link: Option<&str>) -> Result<(), String> {
    if let (Some(world), Some(path)) = (&ready.world, demo_file(config))
        && !config.read_only
        && ready::read::<World>(&path).as_ref() != Some(world)
    {
        ready::write(&path, world)
            .map_err(|error| format!("cannot save the demo world to {}: {error}", path.display()))?;
    }
    let paths = ready_files(config);
    for path in &paths {
        let written = ready::write(path, ready)
            .map_err(|error| format!("cannot write the ready file {}: {error}", path.display()));
        match written {
            // The data directory is not writable.
            Err(why) if config.read_only && *path != config.ready_file => {
                tracing::warn!("{why}: choose another file with --ready-file");
            }
            written => written?,
        }
    }
    let mut text = greeting(ready, paths.first(), open, link);
    if config.read_only {
        text.push_str("\nRead-only: calls that write are refused with 5275503.\n");
    }
    if let Err(why) = super::print(&text) {
        // Without a terminal, the ready file has everything.
        tracing::warn!(why, "cannot print the greeting");
    }
    Ok(())
}

/// What a person at the terminal needs for a first call.
fn greeting(ready: &Ready, file: Option<&PathBuf>, open: bool, link: Option<&str>) -> String {
    let url = &ready.base_url;
    let file = file.map_or("none (set one with --ready-file)".to_owned(), |path| {
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        format!("{} (removed when the server stops)", whole.display())
    });
    let mut text = format!("Larkspur serves {url}\n");
    if let Some(local) = &ready.local_url {
        text.push_str(&format!("on this machine {local}\n"));
    }
    text.push('\n');
    if open {
        text.push_str(&exports(ready));
        text.push('\n');
    }
    for user in ready.world.iter().filter(|_| open).flat_map(|world| &world.users) {
        text.push_str(&format!(
            "user        {}  open_id={} user_id={}\n",
            user.name, user.open_id, user.user_id
        ));
    }
    if let Some(link) = link.filter(|_| open) {
        text.push_str(&format!("console     {link}\n"));
    }
    text.push_str(&format!("ready file  {file}\nguide       {}/larkspur/guide/\n", ready.reach()));
    match (&ready.world, open) {
        (Some(world), true) => text.push_str(&clients(url, world)),
        (None, true) => text.push_str(
            "\nNo demo world with a known secret was found: app secrets are stored as hashes. Set a new one with\n`larkspur call larkspur.v1.app.secret` (`larkspur call larkspur.v1.app.list` lists the apps), or start with another --data.\n",
        ),
        (_, false) => text.push_str(
            "\nProduction mode: no demo world was created and no secrets are printed (--mode test does both, for this machine only).\nThe control key is in the ready file.\n",
        ),
    }
    text
}

/// Lines for a shell: the variables that the README's examples read.
fn exports(ready: &Ready) -> String {
    let mut all = vec![("BASE_URL", ready.base_url.as_str())];
    if let Some(world) = &ready.world {
        all.extend([
            ("TENANT_KEY", world.tenant_key.as_str()),
            ("APP_ID", &world.app_id),
            ("APP_SECRET", &world.app_secret),
            ("CHAT_ID", &world.chat_id),
            ("DOCUMENT_URL", &world.document_url),
        ]);
        if let Some(user) = world.users.first() {
            all.extend([("USER_ID", user.user_id.as_str()), ("USER_OPEN_ID", &user.open_id)]);
        }
    }
    all.push(("CONTROL_KEY", &ready.control_key));
    all.into_iter().map(|(name, value)| format!("export {name}={}\n", quoted(value))).collect()
}

/// A word for a shell, in quotation marks if it contains special characters.
fn quoted(value: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:@%+=".contains(&byte);
    if !value.is_empty() && value.bytes().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Lines for the official SDKs and for curl.
fn clients(url: &str, world: &World) -> String {
    let (id, secret) = (&world.app_id, &world.app_secret);
    format!(
        "\nPython  import lark_oapi; client = lark_oapi.Client.builder().app_id(\"{id}\").app_secret(\"{secret}\").domain(\"{url}\").build()\n\
         Node    const client = new (require('@larksuiteoapi/node-sdk').Client)({{appId: '{id}', appSecret: '{secret}', domain: '{url}'}})\n\
         curl    curl -s {url}/open-apis/auth/v3/tenant_access_token/internal -d '{{\"app_id\":\"{id}\",\"app_secret\":\"{secret}\"}}'\n"
    )
}

/// The first receiver ends when the process is told to stop, the second one when it is told again.
fn signals() -> io::Result<(oneshot::Receiver<()>, oneshot::Receiver<()>)> {
    let mut signals = Signals::listen()?;
    let ((first, ended), (second, at_once)) = (oneshot::channel(), oneshot::channel());
    tokio::spawn(async move {
        for stop in [first, second] {
            signals.next().await;
            let _ = stop.send(());
        }
    });
    Ok((ended, at_once))
}

/// The signals that stop the process.
#[cfg(unix)]
struct Signals([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Signals {
    fn listen() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals([signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?]))
    }

    async fn next(&mut self) {
        let [terminate, interrupt] = &mut self.0;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}

/// The signals that stop the process.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Signals)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell() {
        for (value, word) in
            [("cli_1", "cli_1"), ("http://h:1", "http://h:1"), ("", "''"), ("a'$b", "'a'\\''$b'")]
        {
            assert_eq!(quoted(value), word);
        }
    }

    #[test]
    fn base_urls() {
        for (address, url) in [
            ("127.0.0.1:5275", "http://127.0.0.1:5275"),
            ("0.0.0.0:80", "http://127.0.0.1:80"),
            ("[::]:81", "http://[::1]:81"),
            ("10.0.0.1:82", "http://10.0.0.1:82"),
        ] {
            assert_eq!(base_url(address.parse().expect("an address")), url);
        }
    }
}

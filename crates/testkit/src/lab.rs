//! A server without a socket.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use larkspur_api::Settings;
use larkspur_server::delivery::DeliveryWorker;
use larkspur_server::{
    App, AppOptions, BackgroundJobs, ConsoleOptions, Exchange, Names, Place, RateLimits, Recorder,
    TrafficOptions,
};
use larkspur_store::blobs::Blobs;
use larkspur_store::{Clock, Driver, Engine, EngineOptions, SystemClock};
use serde_json::{Value, json};

use crate::{Request, World};

/// A server without a socket, and its control key.
#[derive(Clone)]
pub struct Lab {
    /// The application.
    pub app: Arc<App>,
    control_key: String,
    _jobs: Arc<BackgroundJobs>,
}

/// Options of a lab.
pub struct LabOptions {
    /// The store; by default a new one of the kind that the run tests.
    pub driver: Option<Arc<dyn Driver>>,
    /// The switches.
    pub settings: Settings,
    /// Rate limits; off by default.
    pub rate_limits: RateLimits,
    /// The HTTP status of a call over the rate limit.
    pub rate_limit_status: u16,
    /// The real time; the machine's clock by default.
    pub clock: Arc<dyn Clock>,
    /// Where files are kept; by default in memory beside SQLite, and in the database on PostgreSQL.
    pub blobs: Option<Arc<dyn Blobs>>,
    /// Whether it only reads an existing store.
    pub read_only: bool,
    /// The host names under which it serves private pages.
    pub names: Names,
    /// Whether events may go to addresses that are not public; on by default, as receivers are on this machine.
    pub private_receivers: bool,
    /// How the console is served; by default under the names of this machine, without a port.
    pub console: Option<ConsoleOptions>,
    /// How much is recorded of calls; `None` for nothing.
    pub traffic: Option<TrafficOptions>,
    /// How old cached values may be on a store that others write to, in milliseconds.
    pub stale_ms: u32,
}

/// A clock that only moves when it is told to.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows this time, in milliseconds since 1970.
    pub fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(ManualClock(AtomicI64::new(now_ms)))
    }

    /// Moves it forward.
    pub fn advance(&self, milliseconds: i64) {
        self.0.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Default for LabOptions {
    fn default() -> Self {
        LabOptions {
            driver: None,
            // Limits are off, since tests call quickly.
            settings: Settings { chat_limit: false, ..Settings::default() },
            rate_limits: RateLimits::Off,
            rate_limit_status: 429,
            clock: Arc::new(SystemClock),
            blobs: crate::store::blobs(),
            read_only: false,
            names: Names::Any,
            private_receivers: true,
            console: Some(ConsoleOptions {
                place: Place::Machine(SocketAddr::from(([127, 0, 0, 1], 80))),
                links: true,
                folder: None,
                base_url: "http://localhost".to_owned(),
                mode: "test",
            }),
            traffic: Some(TrafficOptions::default()),
            stale_ms: 0,
        }
    }
}

impl Lab {
    /// A lab on an empty store.
    pub async fn start() -> Lab {
        Lab::with(LabOptions::default()).await
    }

    /// A lab with these switches.
    pub async fn with_settings(settings: Settings) -> Lab {
        Lab::with(LabOptions { settings, ..LabOptions::default() }).await
    }

    /// A lab with options.
    pub async fn with(options: LabOptions) -> Lab {
        let driver = match options.driver {
            Some(driver) => driver,
            None => crate::empty_store().await,
        };
        let opening = EngineOptions {
            tag_bytes: 64 << 20,
            stale_ms: options.stale_ms,
            blobs: options.blobs,
            read_only: options.read_only,
        };
        let engine = Engine::open_with(driver, options.clock, opening).await;
        let engine = engine.expect("the store opens");
        // No other jobs: a test sweeps when it wants to.
        let jobs = Arc::new(BackgroundJobs::of_the_node(&engine));
        let control_key = "lab-control-key".to_owned();
        let options = AppOptions {
            settings: Arc::new(options.settings),
            rate_limits: options.rate_limits,
            rate_limit_status: options.rate_limit_status,
            control_key: control_key.clone(),
            names: options.names,
            private_receivers: options.private_receivers,
            console: options.console,
            traffic: options.traffic,
            recorder: recorder(),
            ..AppOptions::default()
        };
        Lab { app: App::build(engine, options).expect("the registry is sound"), control_key, _jobs: jobs }
    }

    /// Another server on the same store, with its own engine and node number; `None` if the store allows only one.
    pub async fn beside(&self) -> Option<Lab> {
        let engine = self.app.engine();
        if !engine.driver.is_shared() {
            return None;
        }
        let engine =
            Engine::open(engine.driver.clone(), engine.clock.clone(), 0).await.expect("the store opens");
        let app = App::build(engine.clone(), self.app.options().clone()).expect("the registry is sound");
        let control_key = self.control_key.clone();
        Some(Lab { app, control_key, _jobs: Arc::new(BackgroundJobs::of_the_node(&engine)) })
    }

    /// A request without credentials.
    pub fn request(&self, method: &str, path: &str) -> Request {
        Request::new(self.clone(), method, path)
    }

    /// A request with the control key.
    pub fn control(&self, method: &str, path: &str) -> Request {
        self.request(method, &format!("/larkspur/v1{path}")).token(&self.control_key)
    }

    /// A worker that delivers the lab's events, to any address.
    pub fn delivery_worker(&self) -> Arc<DeliveryWorker> {
        DeliveryWorker::new(self.app.clone())
    }

    /// A new world: a tenant with an app, three users, a chat and a document. Its app is subscribed to nothing, so that a
    /// test hears of the events that it asks for alone.
    pub async fn world(&self) -> World {
        let body = json!({"name": "test", "events": {"request_url": ""}});
        let made = self.control("POST", "/worlds").body(body).send().await.data();
        World::enter(self.clone(), &made).await
    }

    /// A new, empty tenant.
    pub async fn empty_world(&self) -> String {
        let body = json!({"name": "empty", "template": "empty"});
        let made: Value = self.control("POST", "/worlds").body(body).send().await.data();
        made["tenant_key"].as_str().expect("a tenant_key").to_owned()
    }
}

/// Records which (operation, code) and (operation, event) pairs occur, if the coverage check asks for it: an empty file
/// for each.
fn recorder() -> Option<Arc<dyn Recorder>> {
    let directory = PathBuf::from(std::env::var_os("TEST_OBSERVED")?);
    Some(Arc::new(move |exchange: &Exchange<'_>| {
        // A planned refusal says nothing about the operation, and an unserved operation has no spec.
        let (Some(spec), Some(code), false) = (exchange.spec, exchange.code, exchange.planned) else {
            return;
        };
        let names = exchange.work.events.iter().map(|event| event.kind.name.to_owned());
        for name in names.chain([code.to_string()]) {
            let file = directory.join(format!("{} {name}", spec.id));
            if !file.exists() {
                std::fs::write(file, "").expect("the directory for observed pairs is writable");
            }
        }
    }))
}

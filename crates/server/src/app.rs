//! The application: an open store and everything else that a request needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use larkspur_api::{Entry, Question, Services, Settings, Told};
use larkspur_contract::Fault;
use larkspur_contract::envelope::Brand;
use larkspur_control::console::{Link, Links};
use larkspur_control::traffic::Traffic;
use larkspur_store::{Engine, Keys, Notice};
use serde_json::Value;
use tokio::sync::Semaphore;

use crate::REGISTRY;
use crate::call_id::CallIds;
use crate::console::{Console, ConsoleOptions};
use crate::delivery;
use crate::delivery::connection::{ConnectionOptions, LongConnections};
use crate::delivery::webhook::Webhook;
use crate::documents::Documents;
use crate::endpoints::{self, ENDPOINTS, Endpoint};
use crate::gateway;
use crate::gateway::admit::Frequency;
use crate::gateway::exchange::Recorder;
use crate::gateway::lookups::Lookups;
use crate::gateway::own::OwnSettings;
use crate::gateway::rate_limits::RateLimits;
use crate::gateway::route::Routes;
use crate::health::Health;
use crate::metrics::Metrics;
use crate::request::{Request, Response};
use crate::ruled::Faults;
use crate::site::Names;
use crate::traffic::{Recording, TrafficOptions};

/// The driver's counts, for the metrics: name, help and value of each.
pub type StoreStats = Arc<dyn Fn() -> Vec<(&'static str, &'static str, u64)> + Send + Sync>;

/// Options of an application.
#[derive(Clone)]
pub struct AppOptions {
    /// The switches of the operations.
    pub settings: Arc<Settings>,
    /// Rate limits.
    pub rate_limits: RateLimits,
    /// The HTTP status of a call over the rate limit: 429, or 400 as the older platform APIs answer.
    pub rate_limit_status: u16,
    /// The brand that texts and links show.
    pub brand: Brand,
    /// The key of the control API. Default: a new random one.
    pub control_key: String,
    /// The host names under which the control API, browser pages and documents are served.
    pub names: Names,
    /// The public URL; empty if clients use the address that it listens on.
    pub public_url: String,
    /// How long connections are kept.
    pub long_connections: ConnectionOptions,
    /// Whether events and challenges may go to addresses that are not public.
    pub private_receivers: bool,
    /// How the console is served; `None` if it is not.
    pub console: Option<ConsoleOptions>,
    /// How much is recorded of calls, for the control API; `None` for nothing.
    pub traffic: Option<TrafficOptions>,
    /// Sees every call.
    pub recorder: Option<Arc<dyn Recorder>>,
    /// The driver's counts.
    pub store_stats: Option<StoreStats>,
    /// The operations.
    pub registry: &'static [&'static [Entry]],
    /// The paths that the process itself answers.
    pub endpoints: &'static [Endpoint],
}

impl Default for AppOptions {
    fn default() -> Self {
        AppOptions {
            settings: Arc::new(Settings::default()),
            rate_limits: RateLimits::Platform,
            rate_limit_status: 429,
            brand: Brand::Feishu,
            control_key: Keys::fresh_secret(),
            names: Names::default(),
            public_url: String::new(),
            long_connections: ConnectionOptions::default(),
            private_receivers: false,
            console: None,
            traffic: None,
            recorder: None,
            store_stats: None,
            registry: REGISTRY,
            endpoints: ENDPOINTS,
        }
    }
}

/// An application.
pub struct App {
    pub(crate) engine: Arc<Engine>,
    pub(crate) options: AppOptions,
    pub(crate) control_hash: String,
    pub(crate) routes: Routes,
    pub(crate) lookups: Arc<Lookups>,
    pub(crate) frequency: Frequency,
    pub(crate) faults: Faults,
    pub(crate) own_settings: OwnSettings,
    pub(crate) call_ids: CallIds,
    pub(crate) metrics: Metrics,
    pub(crate) documents: Documents,
    pub(crate) health: Health,
    pub(crate) long_connections: Arc<LongConnections>,
    pub(crate) webhook: Arc<Webhook>,
    pub(crate) console: Arc<Console>,
    /// Records calls, if they are recorded.
    pub(crate) traffic: Arc<Recording>,
    /// What operations that run on the process get.
    pub(crate) services: Arc<Services>,
    /// Room for the bodies of uploads, in MiB.
    pub(crate) uploads: Semaphore,
    draining: AtomicBool,
}

impl App {
    /// Builds an application on a store.
    ///
    /// # Errors
    /// The registry is invalid, with the reason: a defect.
    pub fn build(engine: Arc<Engine>, mut options: AppOptions) -> Result<Arc<Self>, String> {
        if options.rate_limits == RateLimits::Off {
            Arc::make_mut(&mut options.settings).limits_edits = false;
        }
        let routes = Routes::of(options.registry)?;
        let metrics = Metrics::of(&routes);
        let frequency = Frequency::on(&engine, options.rate_limits, options.rate_limit_status);
        let control_hash = engine.keys.hash_secret(&options.control_key);
        let long_connections = LongConnections::new(options.long_connections.clone());
        let console = options.console.clone();
        let console = Arc::new(Console::new(console, engine.clone(), control_hash.clone()));
        let webhook = Arc::new(Webhook::new(options.private_receivers));
        Ok(Arc::new_cyclic(|app| {
            let recording = Recording::new(options.traffic, app.clone());
            let told = recording.clone();
            let connections = long_connections.clone();
            engine.notices.listen(move |world, notice| {
                if matches!(notice, Notice::Faults) {
                    connections.rules_changed(world);
                }
                told.tell(world, notice);
            });
            let services = Services::default().with::<Arc<dyn Traffic>>(recording.clone());
            let services = services.with::<Arc<dyn Links>>(console.clone());
            App {
                engine,
                control_hash,
                routes,
                lookups: Arc::default(),
                frequency,
                faults: Faults::default(),
                own_settings: OwnSettings::default(),
                call_ids: CallIds::default(),
                metrics,
                documents: Documents::default(),
                health: Health::default(),
                long_connections,
                webhook,
                console,
                traffic: recording,
                services: Arc::new(services),
                options,
                uploads: Semaphore::new(gateway::UPLOADS_MIB),
                draining: AtomicBool::new(false),
            }
        }))
    }

    /// Answers a request.
    pub async fn handle(&self, mut request: Request<'_>) -> Response {
        match endpoints::answer(self, &mut request).await {
            Some(response) => response,
            None => gateway::handle(self, request).await,
        }
    }

    /// Asks an app what an operation wants to know.
    pub(crate) async fn ask(&self, question: Question) -> Told {
        delivery::ask(self, question).await
    }

    /// Calls an operation of the control API from inside, with a body, and returns its `data`.
    pub(crate) async fn call_own(&self, id: &str, body: &Value) -> Result<Value, Fault> {
        gateway::own_call(self, id, body).await
    }

    /// A link that signs a browser in to the console, if links are made here.
    pub(crate) fn console_link(&self) -> Option<Link> {
        self.console.link(self.engine.clock.now_ms()).ok()
    }

    /// The store.
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The long connections to this process.
    pub fn long_connections(&self) -> &Arc<LongConnections> {
        &self.long_connections
    }

    /// Its options.
    pub fn options(&self) -> &AppOptions {
        &self.options
    }

    /// Makes the readiness endpoint fail from now on, so that load balancers stop sending requests.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Whether calls are shown to recorders, unless their world says otherwise.
    pub(crate) fn is_recorded(&self) -> bool {
        self.traffic.is_on() || self.options.recorder.is_some()
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

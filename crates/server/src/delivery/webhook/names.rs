//! Addresses of hosts. A name server that does not answer must not delay the events for other hosts: a host is looked up once
//! at a time, a failure is remembered for a moment, and the number of lookups is bounded, in all and for each app.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use larkspur_contract::ids::AppId;
use tokio::net::lookup_host;
use tokio::sync::watch;

/// The most hosts that are looked up at a time. Each may occupy a thread of the runtime until the system gives up.
const AT_ONCE: usize = 64;
/// The most of them for one app: hosts that are not answered delay the events of their own app only.
const AT_ONCE_FOR_APP: usize = 8;
/// How long a failure is remembered.
const KEPT: Duration = Duration::from_secs(5);
/// After how long a lookup is taken for a failure by those who did not start it.
const PATIENCE: Duration = Duration::from_secs(2);
/// The most failures that are remembered.
const FAILURES: usize = 1024;

/// The addresses of a host, or why there are none.
type Found = Result<Vec<IpAddr>, String>;

/// Looks up hosts.
#[derive(Default)]
pub(super) struct Names(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: HashMap<String, Running>,
    failed: HashMap<String, (Instant, String)>,
}

/// A lookup in progress.
struct Running {
    app: AppId,
    since: Instant,
    result: watch::Receiver<Option<Found>>,
}

impl Names {
    /// The addresses of a host, which may be an address itself, for an app.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub(super) async fn find(&self, app: AppId, host: &str, port: u16) -> Result<Vec<SocketAddr>, String> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let name = host.to_owned();
        let found = self.with(app, host, async move {
            let found = lookup_host((name.as_str(), port)).await;
            found
                .map(|all| all.map(|one| one.ip()).collect())
                .map_err(|error| format!("{name} is not found: {error}"))
        });
        Ok(found.await?.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    /// The result of `look` for a host, or of the same lookup that another delivery has started. A lookup goes on if its caller
    /// does not wait for it any more.
    async fn with(
        &self,
        app: AppId,
        host: &str,
        look: impl Future<Output = Found> + Send + 'static,
    ) -> Found {
        let mut result = self.start(app, host, look)?;
        let ended = result.wait_for(Option::is_some).await;
        let found = ended.ok().and_then(|found| found.clone());
        found.unwrap_or_else(|| Err(format!("the lookup of {host} was interrupted")))
    }

    fn start(
        &self,
        app: AppId,
        host: &str,
        look: impl Future<Output = Found> + Send + 'static,
    ) -> Result<watch::Receiver<Option<Found>>, String> {
        let mut state = lock(&self.0);
        state.failed.retain(|_, (since, _)| since.elapsed() < KEPT);
        if let Some((_, why)) = state.failed.get(host) {
            return Err(why.clone());
        }
        if let Some(running) = state.running.get(host) {
            return match running.since.elapsed() < PATIENCE {
                true => Ok(running.result.clone()),
                false => Err(format!("the lookup of {host} is not answered")),
            };
        }
        if state.running.len() >= AT_ONCE {
            return Err(format!(
                "{host} is not looked up: {AT_ONCE} lookups of other hosts are not answered"
            ));
        }
        let of_app = state.running.values().filter(|running| running.app == app).count();
        if of_app >= AT_ONCE_FOR_APP {
            return Err(format!(
                "{host} is not looked up: {of_app} lookups of other hosts of the app are not answered"
            ));
        }
        let (sender, result) = watch::channel(None);
        state.running.insert(host.to_owned(), Running { app, since: Instant::now(), result: result.clone() });
        drop(state);
        let mut ended = Ended { names: self.0.clone(), host: host.to_owned(), found: None };
        tokio::spawn(async move {
            let found = look.await;
            ended.found = Some(found.clone());
            drop(ended);
            // Its callers may have given up.
            let _ = sender.send(Some(found));
        });
        Ok(result)
    }
}

/// Removes a lookup when it has ended, for any reason.
struct Ended {
    names: Arc<Mutex<State>>,
    host: String,
    found: Option<Found>,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let mut state = lock(&self.names);
        state.running.remove(&self.host);
        if let Some(Err(why)) = self.found.take()
            && state.failed.len() < FAILURES
        {
            state.failed.insert(std::mem::take(&mut self.host), (Instant::now(), why));
        }
    }
}

fn lock(names: &Mutex<State>) -> MutexGuard<'_, State> {
    names.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::net::Ipv4Addr;

    use tokio::time::timeout;

    use super::*;

    const APP: AppId = AppId(1000);
    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn an_address_is_not_looked_up() {
        let found = Names::default().find(APP, "::1", 80).await.expect("an address");
        assert_eq!(found, ["[::1]:80".parse().expect("an address")]);
    }

    #[tokio::test]
    async fn a_host_that_is_not_answered_delays_no_other() {
        let names = Names::default();
        let moment = Duration::from_millis(10);
        for number in (0..).take(AT_ONCE) {
            assert!(
                timeout(moment / 10, names.with(AppId(number), &format!("hangs-{number}"), pending()))
                    .await
                    .is_err()
            );
        }
        // One lookup of each host.
        assert!(timeout(moment, names.with(APP, "hangs-0", ready(Ok(vec![HERE])))).await.is_err());
        let refused =
            timeout(moment, names.with(APP, "other", ready(Ok(vec![HERE])))).await.expect("at once");
        assert!(refused.is_err_and(|why| why.contains("not looked up")));
        // The system gave up one of them.
        lock(&names.0).running.remove("hangs-1");
        assert_eq!(names.with(APP, "other", ready(Ok(vec![HERE]))).await, Ok(vec![HERE]));
        lock(&names.0).running.get_mut("hangs-0").expect("it hangs").since -= PATIENCE;
        let late = timeout(moment, names.with(APP, "hangs-0", pending())).await.expect("at once");
        assert!(late.is_err_and(|why| why.contains("not answered")));
    }

    #[tokio::test]
    async fn an_app_has_a_share_of_the_lookups() {
        let names = Names::default();
        let moment = Duration::from_millis(10);
        for number in 0..AT_ONCE_FOR_APP {
            let host = format!("hangs-{number}");
            assert!(timeout(moment / 10, names.with(APP, &host, pending())).await.is_err());
        }
        let refused =
            timeout(moment, names.with(APP, "other", ready(Ok(vec![HERE])))).await.expect("at once");
        assert!(refused.is_err_and(|why| why.contains("of the app")));
        assert_eq!(names.with(AppId(1), "other", ready(Ok(vec![HERE]))).await, Ok(vec![HERE]));
    }

    #[tokio::test]
    async fn a_failure_is_remembered_for_a_moment() {
        let names = Names::default();
        assert_eq!(names.with(APP, "a", ready(Err("no".to_owned()))).await, Err("no".to_owned()));
        assert_eq!(names.with(APP, "a", ready(Ok(vec![HERE]))).await, Err("no".to_owned()));
        assert_eq!(names.with(APP, "b", ready(Ok(vec![HERE]))).await, Ok(vec![HERE]));
        lock(&names.0).failed.get_mut("a").expect("a failure").0 -= KEPT;
        assert_eq!(names.with(APP, "a", ready(Ok(vec![HERE]))).await, Ok(vec![HERE]));
    }
}

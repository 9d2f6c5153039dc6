use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::client;
use crate::http::{self, Sent};
use crate::ready;

/// The timeout of the request: longer than the server's own for its store.
const PATIENCE: Duration = Duration::from_secs(4);

/// Flags of `larkspur health`.
#[derive(Args)]
pub(super) struct Flags {
    /// Address and port of the server [default: the setting `listen`]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Ready file of the server, if the system chose its port
    #[arg(long, value_name = "PATH", conflicts_with = "listen")]
    ready_file: Option<PathBuf>,
    /// Data directory of the server, with its ready file
    #[arg(long, value_name = "DIR", conflicts_with_all = ["listen", "ready_file"])]
    data: Option<PathBuf>,
    /// Settings file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Asks a running server whether it is ready; if it is not, the command fails.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let ready_file = flags.ready_file.clone().or_else(|| Some(flags.data.as_ref()?.join(ready::NAME)));
    let authority = match ready_file {
        Some(path) => client::authority(ready::load(&path)?.reach())?,
        None => {
            let listen = flags.listen.clone().map(|listen| ("listen", listen));
            let config = super::load(flags.config.as_deref(), &listen.into_iter().collect::<Vec<_>>())?;
            client::listened(config.listen)
        }
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    runtime.block_on(async {
        let asked = http::fetch(&authority, "GET", "/larkspur/health/ready", Sent::json(None, None));
        let answer = tokio::time::timeout(PATIENCE, asked)
            .await
            .map_err(|_| format!("{authority} does not respond"))?
            .map_err(|error| format!("cannot reach {authority}: {error}: is the server running?"))?;
        let text = String::from_utf8_lossy(&answer.body);
        match answer.status {
            200 => super::print(&text),
            status => Err(format!("{authority} is not ready: HTTP {status}: {}", text.trim_end())),
        }
    })
}

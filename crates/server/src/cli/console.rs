//! `larkspur console`: a link to the console of a running server.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::browser;
use super::client::Server;
use crate::http::Sent;

/// Flags of `larkspur console`.
#[derive(Args)]
pub(super) struct Flags {
    /// Open it in a browser, too
    #[arg(long)]
    open: bool,
    /// Base URL of the server [default: from the ready file, else BASE_URL]
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Control key [default: from the ready file, else CONTROL_KEY]
    #[arg(long)]
    token: Option<String>,
    /// Ready file [default: the setting `ready_file`, else ready.json in the data directory]
    #[arg(long, value_name = "PATH")]
    ready_file: Option<PathBuf>,
    #[command(flatten)]
    place: super::Place,
}

/// Prints a fresh link.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    let link = runtime.block_on(link(flags))?;
    super::print(&format!("{link}\n"))?;
    if flags.open {
        browser::open_or_complain(Some(&link));
    }
    Ok(())
}

async fn link(flags: &Flags) -> Result<String, String> {
    let server = Server::find(flags.url.as_deref(), flags.ready_file.as_ref(), &flags.place)?;
    let key = match &flags.token {
        Some(key) => key.clone(),
        None => server.known()?.control_key.clone(),
    };
    let authorization = format!("Bearer {key}");
    let answer =
        server.send("POST", "/larkspur/v1/console/links", Sent::json(Some(&authorization), None)).await?;
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    value["data"]["url"].as_str().map(str::to_owned).ok_or_else(|| {
        let why = value["msg"].as_str().unwrap_or("the answer is not JSON");
        format!("no link: HTTP {}: {why}", answer.status)
    })
}

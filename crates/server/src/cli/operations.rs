use clap::Args;
use larkspur_api::REGISTRY;
use serde_json::json;

use crate::documents::{access_text, scopes_of};

/// Flags of `larkspur operations`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// Prints the registry.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    let specs = || REGISTRY.iter().copied().flatten().map(|entry| entry.spec);
    if flags.json {
        let list: Vec<_> = specs()
            .map(|spec| {
                json!({
                    "id": spec.id,
                    "summary": spec.summary,
                    "method": spec.route.method.name(),
                    "path": spec.route.path,
                    "access": access_text(spec),
                    "scopes": scopes_of(spec),
                    "rate": spec.rate.name,
                    "codes": spec.codes.iter().map(|code| code.number).collect::<Vec<_>>(),
                    "example": spec.example,
                })
            })
            .collect();
        let text = serde_json::to_string_pretty(&list).map_err(|error| error.to_string())?;
        return super::print(&format!("{text}\n"));
    }
    let width = |of: fn(&larkspur_contract::Spec) -> usize| specs().map(of).max().unwrap_or_default();
    let (ids, paths) = (width(|spec| spec.id.len()), width(|spec| spec.route.path.len()));
    let mut text = String::new();
    for spec in specs() {
        let (method, path) = (spec.route.method.name(), spec.route.path);
        text.push_str(&format!("{:ids$}  {method:6} {path:paths$}  {}\n", spec.id, spec.summary));
    }
    super::print(&text)
}

use clap::{Args, ValueEnum};

use crate::REGISTRY;
use crate::config::DEFAULTS;
use crate::documents;

/// Flags of `larkspur document`.
#[derive(Debug, Args)]
pub(super) struct Flags {
    /// Document to print
    name: Name,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// The OpenAPI 3.1 document
    Openapi,
    /// What is covered, and how
    Coverage,
    /// Every error code
    Errors,
    /// The operations of the control API, for its guide
    Control,
    /// Every setting
    Config,
}

/// Prints a generated document.
pub(super) fn run(flags: &Flags) -> Result<(), String> {
    match flags.name {
        Name::Openapi => super::print(&documents::openapi::document(REGISTRY)),
        Name::Coverage => super::print(&documents::coverage::document(REGISTRY, documents::coverage::GAPS)),
        Name::Errors => super::print(&documents::errors::document(REGISTRY)),
        Name::Control => super::print(&documents::control::document(REGISTRY)),
        Name::Config => super::print(DEFAULTS),
    }
}

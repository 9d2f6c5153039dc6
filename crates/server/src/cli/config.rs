use crate::config::DEFAULTS;

/// Prints every setting with its default and a description.
pub(super) fn run() -> Result<(), String> {
    super::print(DEFAULTS)
}

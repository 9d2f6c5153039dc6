use crate::config::DEFAULTS;

/// Prints every setting with its default and its explanation.
pub(super) fn run() -> Result<(), String> {
    super::print(DEFAULTS)
}

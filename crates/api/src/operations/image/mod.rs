//! `im/v1/images`

use larkspur_contract::model::InstallStatus;
use larkspur_contract::{Code, Fault, codes};

use super::{Entry, entry};
use crate::Call;

mod create;
mod get;

pub(super) static ENTRIES: &[Entry] = &[entry::<create::Create>(), entry::<get::Get>()];

/// The prerequisites of both pages, which have codes of their own for them.
fn app_may(call: &Call) -> Result<(), Fault> {
    if call.app.status != InstallStatus::Enabled {
        return Err(Fault::new(codes::IMAGE_UNAUTHORIZED, "the app is not in use in this tenant"));
    }
    if !call.app.bot {
        return Err(Fault::new(
            codes::IMAGE_BOT_NOT_ENABLED,
            "the app has no bot; switch its bot ability on",
        ));
    }
    Ok(())
}

/// Listed by both pages without a cause that can exist here: storage keys and quotas.
const STORAGE: [Code; 2] = [codes::IMAGE_HAS_NO_OWNER, codes::IMAGE_KEY_UNAVAILABLE];

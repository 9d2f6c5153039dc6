//! The end of step 4: refusals that a test planned, instead of the call's own result.

use std::sync::Arc;

use larkspur_api::Caller;
use larkspur_contract::{Code, Effect, Fault, Spec, codes};
use larkspur_store::{Engine, refusals};

use super::admit::Pace;
use super::rate_limits::Full;

/// The refusal that is planned for this call; counts the call.
pub(super) async fn refusal(
    engine: &Arc<Engine>,
    pace: Pace,
    spec: &'static Spec,
    caller: &Caller,
) -> Result<Option<Fault>, Fault> {
    let Caller::Token(call) = caller else { return Ok(None) };
    // A refusal is used up when it is answered, which a read-only server cannot record.
    if !call.refuses || engine.read_only {
        return Ok(None);
    }
    let tenant = call.tenant;
    let taken = engine.run(Effect::Writes, move |root| {
        let mut tx = root.tenant(tenant);
        Box::pin(async move {
            let number = refusals::take(&mut tx, spec.id).await?;
            tx.outcome()?;
            Ok(number)
        })
    });
    let number = taken.await?.and_then(|number| u32::try_from(number).ok());
    // A code that this release no longer lists has no effect.
    Ok(number.and_then(|number| spec.plannable(number)).map(|code| fault(pace, spec, code)))
}

fn fault(pace: Pace, spec: &Spec, code: Code) -> Fault {
    let note = "planned with the control API".to_owned();
    if code.number != codes::RATE_LIMITED.number {
        return Fault::new(code, note);
    }
    let (cap, seconds) = spec.rate.windows.first().map_or((1, 1), |window| (window.cap, window.seconds));
    pace.refusal(Full { cap, seconds }, note)
}

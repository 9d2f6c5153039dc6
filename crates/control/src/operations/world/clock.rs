use larkspur_api::{Empty, Input, Operation, RootCall};
use larkspur_contract::{Consumes, Effect, Fault, Spec, codes, put};
use larkspur_store::events::outbox;
use larkspur_store::{Root, tenants};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::World;
use crate::operations::{CONTROL, WorldPath};
use crate::{support, values};

/// `PUT /larkspur/v1/worlds/:tenant_key/clock`
pub(crate) struct SetClock;

/// Where to move the clock, which keeps running. Exactly one field is required.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Body {
    /// Seconds to move it forward, or back if negative; at most two hundred years.
    #[schemars(range(min = -6_307_200_000i64, max = 6_307_200_000i64))]
    advance_seconds: Option<i64>,
    /// Milliseconds ahead of the real time; 0 resets it. At most a hundred years.
    #[schemars(range(min = -3_153_600_000_000i64, max = 3_153_600_000_000i64))]
    offset_ms: Option<i64>,
    /// The new time, in milliseconds since 1970; at most a hundred years from the real time.
    now_ms: Option<i64>,
}

impl Body {
    /// The new offset of the clock from the real time.
    fn target(&self, present: i64, now: i64) -> Result<i64, Fault> {
        let (field, target) = match (self.advance_seconds, self.offset_ms, self.now_ms) {
            (Some(seconds), None, None) => {
                ("advance_seconds", seconds.checked_mul(1000).and_then(|ms| ms.checked_add(present)))
            }
            (None, Some(offset), None) => ("offset_ms", Some(offset)),
            (None, None, Some(time)) => ("now_ms", time.checked_sub(now)),
            _ => {
                let why = "exactly one of advance_seconds, offset_ms and now_ms";
                return Err(values::invalid("advance_seconds", None, why));
            }
        };
        target
            .filter(|target| (-values::TIME_MAX_MS..=values::TIME_MAX_MS).contains(target))
            .ok_or_else(|| values::invalid(field, None, "at most a hundred years from the real time"))
    }
}

impl Operation for SetClock {
    const SPEC: &'static Spec = &Spec {
        id: "larkspur.v1.world.clock",
        summary: "Move the clock of a world",
        route: put("/larkspur/v1/worlds/{tenant_key}/clock"),
        effect: Effect::Writes,
        consumes: Consumes::Json,
        codes: &[codes::CONTROL_PARAM_INVALID, codes::CONTROL_NOT_FOUND],
        emits: &[],
        example: r#"{"advance_seconds":7200}"#,
        ..CONTROL
    };
    type Ground = Root;
    type Path = WorldPath;
    type Query = Empty;
    type Body = Body;
    type Output = World;

    async fn run(root: &mut Root, call: &RootCall, input: &Input<Self>) -> Result<World, Fault> {
        let key = &input.path.tenant_key;
        let mut tx = root.tenant(support::tenant_key(key)?);
        let mut world = tenants::lock(&mut tx).await?.ok_or_else(|| support::no_world(key))?;
        let before = world.clock_offset_ms;
        world.clock_offset_ms = input.body.target(world.clock_offset_ms, call.now)?;
        tenants::set_clock(&mut tx, world.clock_offset_ms).await?;
        outbox::move_clock(&mut tx, world.clock_offset_ms - before, call.now).await?;
        Ok(super::show(&world, call.now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(advance: Option<i64>, offset: Option<i64>, now: Option<i64>) -> Option<i64> {
        Body { advance_seconds: advance, offset_ms: offset, now_ms: now }.target(500, 10_000).ok()
    }

    #[test]
    fn the_target_is_given_in_three_ways() {
        assert_eq!(target(Some(7200), None, None), Some(7_200_500));
        assert_eq!(target(Some(-1), None, None), Some(-500));
        assert_eq!(target(None, Some(0), None), Some(0));
        assert_eq!(target(None, None, Some(9_000)), Some(-1_000));
    }

    #[test]
    fn exactly_one_target_in_range_is_accepted() {
        assert_eq!(target(None, None, None), None);
        assert_eq!(target(Some(1), Some(1), None), None);
        for far in [i64::MAX, i64::MIN] {
            assert_eq!(target(Some(far), None, None), None);
            assert_eq!(target(None, Some(far), None), None);
            assert_eq!(target(None, None, Some(far)), None);
        }
    }
}

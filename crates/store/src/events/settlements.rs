//! The results of attempts, and of challenges.

use std::collections::BTreeMap;

use larkspur_contract::events::Form;
use larkspur_contract::ids::TenantKey;

use super::delivery::{Attempt, Delivery, Outcome};
use super::{outbox, subscriptions};
use crate::driver::StoreError;
use crate::tx::{PIECE, in_list};
use crate::{Notice, Root, Tx, Value};

/// Records the results of attempts; returns the outcomes, in their order. `real_now` is the real time.
pub async fn settle(
    root: &mut Root,
    done: &[(Delivery, Attempt)],
    real_now: i64,
) -> Result<Vec<Outcome>, StoreError> {
    let mut outcomes = vec![Outcome::Lost; done.len()];
    let mut arrived: BTreeMap<(TenantKey, &str, Option<u16>), BTreeMap<i64, usize>> = BTreeMap::new();
    for (place, (delivery, attempt)) in done.iter().enumerate() {
        if attempt.failure.is_none() {
            let group = (delivery.tenant, &*delivery.owner, attempt.status);
            arrived.entry(group).or_default().insert(delivery.number, place);
        } else {
            outcomes[place] = failed(root, delivery, attempt, real_now).await?;
        }
    }
    for ((tenant, owner, status), places) in arrived {
        let numbers: Vec<Value> = places.keys().map(|number| (*number).into()).collect();
        for piece in numbers.chunks(PIECE) {
            for number in delivered(&mut root.tenant(tenant), piece.to_vec(), owner, status).await? {
                if let Some(place) = places.get(&number) {
                    outcomes[*place] = Outcome::Delivered;
                }
            }
        }
    }
    for (place, (delivery, attempt)) in done.iter().enumerate() {
        if delivery.form == Form::Challenge && outcomes[place] != Outcome::Lost {
            verified(root, delivery, attempt.failure.as_deref(), real_now).await?;
        }
    }
    Ok(outcomes)
}

/// Records that events of a tenant were delivered; returns the numbers of those whose claim was still valid.
async fn delivered(
    tx: &mut Tx,
    mut numbers: Vec<Value>,
    owner: &str,
    status: Option<u16>,
) -> Result<Vec<i64>, StoreError> {
    let list = in_list(4, &mut numbers);
    let sql = format!(
        "UPDATE event_delivery SET state = 'delivered', status = $3, failure = '', attempts = attempts + 1, lease_until = 0 \
         WHERE tenant = $1 AND number IN {list} AND owner = $2 AND state = 'waiting' RETURNING number"
    );
    let mut params = vec![owner.into(), status.map(i64::from).into()];
    params.append(&mut numbers);
    let rows = tx.rows_of(&sql, params).await?;
    let ended: Vec<i64> = rows.into_iter().map(|row| row.int(0)).collect::<Result<_, _>>()?;
    tx.notify_deliveries(&ended);
    Ok(ended)
}

/// Records a failed attempt.
async fn failed(
    root: &mut Root,
    delivery: &Delivery,
    attempt: &Attempt,
    real_now: i64,
) -> Result<Outcome, StoreError> {
    let ladder = delivery.form.retries_ms();
    let wait = usize::try_from(delivery.attempts).ok().and_then(|before| ladder.get(before));
    let (outcome, state, due_at) = match wait {
        Some(wait) => (Outcome::Retried, "waiting", real_now + wait),
        None => (Outcome::Dropped, "dropped", real_now),
    };
    let sql = "UPDATE event_delivery SET state = $4, due_at = $5, status = $6, failure = $7, attempts = attempts + 1, lease_until = 0 \
               WHERE tenant = $1 AND number = $2 AND owner = $3 AND state = 'waiting' RETURNING number";
    let params = [
        delivery.number.into(),
        (*delivery.owner).into(),
        state.into(),
        due_at.into(),
        attempt.status.map(i64::from).into(),
        attempt.failure.as_deref().unwrap_or_default().into(),
    ];
    let mut tx = root.tenant(delivery.tenant);
    let held = tx.row(sql, params).await?.is_some();
    if held {
        tx.notify(Notice::Delivery(delivery.number));
    }
    Ok(if held { outcome } else { Outcome::Lost })
}

/// Records whether a URL was verified: if so, the waiting events are sent; if not, they are dropped. Nothing happens if the
/// app has another URL by now.
async fn verified(
    root: &mut Root,
    delivery: &Delivery,
    failure: Option<&str>,
    real_now: i64,
) -> Result<(), StoreError> {
    let mut maker = root.tenant(delivery.developer);
    let asked_url = &delivery.route.events.request_url;
    if !subscriptions::set_verified(&mut maker, delivery.app_id, asked_url, failure).await? {
        return Ok(());
    }
    subscriptions::announce(root, delivery.app_id).await?;
    if failure.is_none() {
        return outbox::release(&mut maker, delivery.app_id, real_now).await;
    }
    outbox::drop_everywhere(root, delivery.app_id, "the request URL is not verified").await
}

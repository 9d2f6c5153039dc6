//! Fair shares of due events for their apps.

use std::collections::{HashMap, VecDeque};

use larkspur_contract::ids::AppId;

/// `most` of the rows: round-robin over the apps, in order for each app.
pub(super) fn shares<T>(rows: Vec<T>, most: usize, app_of: impl Fn(&T) -> AppId) -> Vec<T> {
    if rows.len() <= most {
        return rows;
    }
    let mut queues: Vec<VecDeque<T>> = Vec::new();
    let mut places: HashMap<AppId, usize> = HashMap::new();
    for row in rows {
        let place = *places.entry(app_of(&row)).or_insert_with(|| {
            queues.push(VecDeque::new());
            queues.len() - 1
        });
        queues[place].push_back(row);
    }
    let mut taken = Vec::with_capacity(most);
    while taken.len() < most && queues.iter().any(|queue| !queue.is_empty()) {
        taken.extend(queues.iter_mut().filter_map(VecDeque::pop_front));
    }
    taken.truncate(most);
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_app_has_its_share_in_its_order() {
        let rows: Vec<(u64, i64)> = (0..10).map(|number| (1, number)).chain([(2, 10), (3, 11)]).collect();
        let taken = |most| -> Vec<i64> {
            shares(rows.clone(), most, |(app, _)| AppId(*app)).iter().map(|(_, number)| *number).collect()
        };
        assert_eq!(taken(5), [0, 10, 11, 1, 2]);
        assert_eq!(
            taken(20),
            (0..12).collect::<Vec<i64>>(),
            "all of them in the order in which they were due"
        );
        assert_eq!(taken(0), [] as [i64; 0]);
    }
}

//! SQL that every driver supports.

use super::facts;

facts! {
    parameters_are_bound_by_number_in_any_order
    values_come_back_as_they_were
    ten_megabytes_come_back
    text_is_ordered_and_compared_by_its_bytes
    a_duplicate_that_is_expected_gives_no_row
    updates_and_deletes_return_their_rows
    an_upsert_returns_the_row_as_it_is_now
    a_list_may_repeat_its_values
    a_page_begins_behind_a_pair
    sums_and_counts_are_whole_numbers
    a_wrong_statement_is_a_defect
}

mod facts {
    use larkspur_contract::Effect::{Reads, Writes};
    use larkspur_store::{Row, StoreError, Value};

    use super::super::{INSERT, Store, row};

    pub(super) async fn parameters_are_bound_by_number_in_any_order(store: &Store) {
        store
            .must("INSERT INTO t (g, k, v) VALUES ($3, $1, $2)", vec![7.into(), "v".into(), "g".into()])
            .await;
        let sql = "SELECT v FROM t WHERE k = $2 AND g = $1 AND (k = $2 OR g <> $1)";
        assert_eq!(store.read(sql, vec!["g".into(), 7.into()]).await, [Row(vec!["v".into()])]);
        let keys: Vec<Value> = (1..=11).map(Value::Int).collect();
        let list: Vec<String> = (1..=11).rev().map(|number| format!("${number}")).collect();
        let sql = format!("SELECT k FROM t WHERE k IN ({})", list.join(", "));
        assert_eq!(store.read(&sql, keys).await, [Row(vec![7.into()])]);
    }

    pub(super) async fn values_come_back_as_they_were(store: &Store) {
        let all: Vec<u8> = (0..=255).collect();
        let every_plane = "\u{1}a\u{7f}ä\u{301}ß中\u{fffd}\u{feff}🦜\u{10ffff}'\"\\%_;--\r\n".to_owned();
        let values = [
            (i64::MIN, Value::Null, Value::Null),
            (i64::MAX, "".into(), Value::Bytes(vec![])),
            (0, every_plane.into(), Value::Bytes(all)),
            (-1, "123".into(), Value::Bytes(b"123".to_vec())),
            (1, "1e3".into(), Value::Bytes(vec![0, 0xff, 0xfe])),
        ];
        for (number, text, bytes) in &values {
            let params = vec![(*number).into(), text.clone(), bytes.clone()];
            store.must("INSERT INTO t (g, k, v, b) VALUES ('g', $1, $2, $3)", params).await;
        }
        for (number, text, bytes) in values {
            let found = store.read("SELECT k, v, b FROM t WHERE k = $1", vec![number.into()]).await;
            assert_eq!(found, [Row(vec![number.into(), text, bytes])]);
        }
    }

    pub(super) async fn ten_megabytes_come_back(store: &Store) {
        let bytes: Vec<u8> =
            (0..10u32 << 20).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[3]).collect();
        let params = vec![Value::Bytes(bytes.clone())];
        store.must("INSERT INTO t (g, k, b) VALUES ('g', 1, $1)", params).await;
        let mut found = store.read("SELECT b FROM t WHERE k = 1", vec![]).await;
        assert!(found.swap_remove(0).bytes(0).expect("bytes") == bytes, "10 MiB are not what they were");
    }

    pub(super) async fn text_is_ordered_and_compared_by_its_bytes(store: &Store) {
        let texts = ["🦜", "b", "A", "", "é", "e\u{301}", "a", "B", "中", "a ", " a", "Z", "_", "ä", "aa"];
        for (key, text) in (0..).zip(texts) {
            store.put(key, text).await;
        }
        let mut sorted = texts;
        sorted.sort_unstable();
        let found = store.read("SELECT v FROM t WHERE g = $1 ORDER BY v", vec!["g".into()]).await;
        let found: Vec<Value> = found.into_iter().flat_map(|row| row.0).collect();
        assert_eq!(found, sorted.map(Value::from));
        for text in texts {
            assert_eq!(
                store.read("SELECT k FROM t WHERE v = $1", vec![text.into()]).await.len(),
                1,
                "{text:?}"
            );
        }
    }

    pub(super) async fn a_duplicate_that_is_expected_gives_no_row(store: &Store) {
        let sql = "INSERT INTO t (g, k, v) VALUES ($1, $2, $3) ON CONFLICT (g, k) DO NOTHING RETURNING k";
        assert_eq!(store.must(sql, row(1, "first")).await, [Row(vec![1.into()])]);
        assert_eq!(store.must(sql, row(1, "second")).await, []);
        assert_eq!(store.read("SELECT v FROM t", vec![]).await, [Row(vec!["first".into()])]);
    }

    pub(super) async fn updates_and_deletes_return_their_rows(store: &Store) {
        store.put(1, "one").await;
        let update = "UPDATE t SET v = $2 WHERE k = $1 RETURNING k, v";
        assert_eq!(
            store.must(update, vec![1.into(), "uno".into()]).await,
            [Row(vec![1.into(), "uno".into()])]
        );
        assert_eq!(store.must(update, vec![2.into(), "dos".into()]).await, []);
        let delete = "DELETE FROM t WHERE k = $1 RETURNING v";
        assert_eq!(store.must(delete, vec![1.into()]).await, [Row(vec!["uno".into()])]);
        assert_eq!(store.must(delete, vec![1.into()]).await, []);
    }

    pub(super) async fn an_upsert_returns_the_row_as_it_is_now(store: &Store) {
        let sql = "INSERT INTO t (g, k, v) VALUES ($1, $2, $3) ON CONFLICT (g, k) DO UPDATE SET v = excluded.v \
                   WHERE t.v <> $4 RETURNING v";
        let with = |text: &str, unless: &str| [row(1, text), vec![unless.into()]].concat();
        assert_eq!(store.must(sql, with("a", "-")).await, [Row(vec!["a".into()])]);
        assert_eq!(store.must(sql, with("b", "-")).await, [Row(vec!["b".into()])]);
        assert_eq!(store.must(sql, with("c", "b")).await, []);
        assert_eq!(store.read("SELECT v FROM t", vec![]).await, [Row(vec!["b".into()])]);
    }

    pub(super) async fn a_list_may_repeat_its_values(store: &Store) {
        for key in 1..=3 {
            store.put(key, "v").await;
        }
        let params = [1, 3, 9, 3, 3, 3, 3, 3].map(Value::Int).to_vec();
        let sql = "SELECT k FROM t WHERE k IN ($1,$2,$3,$4,$5,$6,$7,$8) ORDER BY k";
        assert_eq!(store.read(sql, params).await, [Row(vec![1.into()]), Row(vec![3.into()])]);
    }

    pub(super) async fn a_page_begins_behind_a_pair(store: &Store) {
        for (key, text) in [(1, "a"), (2, "a"), (3, "b"), (4, "b"), (5, "c")] {
            store.put(key, text).await;
        }
        let sql = "SELECT k FROM t WHERE (v, k) > ($1, $2) ORDER BY v, k LIMIT $3";
        let page = store.read(sql, vec!["a".into(), 2.into(), 2.into()]).await;
        assert_eq!(page, [Row(vec![3.into()]), Row(vec![4.into()])]);
        assert_eq!(store.read(sql, vec!["c".into(), 5.into(), 2.into()]).await, []);
    }

    pub(super) async fn sums_and_counts_are_whole_numbers(store: &Store) {
        let sql = "SELECT COUNT(*), COALESCE(MAX(k) + 1, 0) FROM t WHERE g = $1";
        assert_eq!(store.read(sql, vec!["g".into()]).await, [Row(vec![0.into(), 0.into()])]);
        store.put(41, "v").await;
        assert_eq!(store.read(sql, vec!["g".into()]).await, [Row(vec![1.into(), 42.into()])]);
        let sql = "UPDATE t SET k = k + CAST($1 AS BIGINT) RETURNING k";
        assert_eq!(store.must(sql, vec![(-2).into()]).await, [Row(vec![39.into()])]);
    }

    pub(super) async fn a_wrong_statement_is_a_defect(store: &Store) {
        for (sql, params) in [
            ("SELEC 1", vec![]),
            ("SELECT k FROM nowhere", vec![]),
            ("SELECT k FROM t WHERE k = $1", vec![]),
            ("SELECT k FROM t WHERE k = $1", vec![1.into(), 2.into()]),
            ("INSERT INTO t (g, k) VALUES ('g', $1)", vec![Value::Null]),
        ] {
            let outcome = store.one(Writes, sql, params).await;
            assert!(matches!(outcome, Err(StoreError::Broken(_))), "{sql}: {outcome:?}");
        }
        let outcome = store.one(Reads, INSERT, row(1, "v")).await;
        assert!(matches!(outcome, Err(StoreError::Broken(_))), "a unit that only reads wrote: {outcome:?}");
        assert_eq!(store.keys().await, [0i64; 0]);
    }
}

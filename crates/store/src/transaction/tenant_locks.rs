//! Locks of tenants on a store that several units write to at once: statements that only PostgreSQL knows.
//!
//! Units of a tenant hold its lock together. A unit that keeps the others out holds it alone, and waits for it.

use std::collections::BTreeSet;

use larkspur_contract::ids::TenantKey;

/// Takes the lock with a number for this transaction alone.
pub const ALONE: &str = "SELECT CAST(pg_advisory_xact_lock($1) AS TEXT)";

/// Takes a lock together with other transactions: what comes before its number, in a statement that follows another one.
const FIRST: &str = "; SELECT pg_advisory_xact_lock_shared(";
const NEXT: &str = ", pg_advisory_xact_lock_shared(";

/// The number of a tenant's lock.
pub fn number(tenant: TenantKey) -> i64 {
    tenant.0.cast_signed()
}

/// Takes the locks of tenants together with other transactions: a statement that follows another one; empty without tenants.
pub fn together(tenants: &BTreeSet<TenantKey>) -> String {
    let mut text = String::new();
    for (at, tenant) in tenants.iter().enumerate() {
        text.push_str(if at == 0 { FIRST } else { NEXT });
        text.push_str(&number(*tenant).to_string());
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locks_of_several_tenants_are_one_statement() {
        let tenants = BTreeSet::from([TenantKey(7), TenantKey(u64::MAX)]);
        let locks = "; SELECT pg_advisory_xact_lock_shared(7), pg_advisory_xact_lock_shared(-1)";
        assert_eq!(together(&tenants), locks);
        assert_eq!(together(&BTreeSet::new()), "");
    }
}

//! Users, as apps see them.

mod v3;

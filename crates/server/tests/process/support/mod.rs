//! Starting the program, and servers of it on one database.

pub(crate) mod cluster;
pub(crate) mod program;

//! Tests that start the program: kills, copies, full disks, and several servers on one database. Cargo builds the
//! program first.

mod broken;
mod citus;
mod commands;
mod console;
mod copy;
mod deployment;
mod files;
mod full;
mod heard;
mod kill;
mod logs;
mod lost;
mod orphans;
mod proxies;
mod races;
mod read_only;
mod replaced;
mod roles;
mod said;
mod seeds;
mod servers;
mod sound;
mod support;
mod throwaway;
mod troubles;
mod world_commands;

//! Every promise of the store, through its public interface, in one binary.

mod append;
mod damage;
mod durability;
mod harness;
mod model;
mod query;
mod recover;
mod tamper;
mod verify;

//! What Counterfoil is compared with, in the same run, on the same Postgres, by the same load generator.

pub(crate) mod database;
pub(crate) mod pgbench;
pub(crate) mod stock;

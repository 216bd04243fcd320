//! `pgbench`

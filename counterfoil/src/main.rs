//! The `counterfoil` program. Everything is in the library beside it, where tests can reach it.

use std::process::ExitCode;

/// Many small, short-lived allocations from many threads: the system's allocator would keep far more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    counterfoil::cli::run()
}

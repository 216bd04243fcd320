//! The `counterfoil` program. Everything is in the library beside it, where tests can reach it.

use std::process::ExitCode;

/// Many small, short-lived allocations from many threads: the system's allocator would keep far more memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huge_pages_off();
    counterfoil::cli::run()
}

/// With every batch some buffers of a few hundred kilobytes come and go. The allocator would ask for huge pages, and the kernel
/// clear two megabytes for each. The servers started from here take none in any case.
fn huge_pages_off() {
    // A kernel without them says so, and that is well.
    #[cfg(target_os = "linux")]
    let _ = nix::sys::prctl::set_thp_disable(true);
}

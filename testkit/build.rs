//! The migrations are compiled in: a new file there must be noticed.

#![allow(clippy::print_stdout)]

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
}

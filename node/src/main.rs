//! `helenus`: a node, a local cluster of them, and `nodetool`.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    helenus_node::cli::main()
}

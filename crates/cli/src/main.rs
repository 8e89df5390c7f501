//! The `fosse` command.
//!
//! | file | idea |
//! | --- | --- |
//! | `args` | what may be typed |
//! | `config` | what may stand in a config file |
//! | `front_args` | what may be typed about fronts, context and documents |
//! | `plan` | both, resolved |
//! | `report` | `report` and `compare`: finished runs |
//! | `run` | the subcommands |
//! | `progress` | what is shown meanwhile, on standard error |
//! | `table` | what `inspect` shows |
//! | `scores` | what `evaluate` shows |
//! | `exit` | what it ends with |

mod args;
mod config;
mod exit;
mod front_args;
mod plan;
mod progress;
mod report;
mod run;
mod scores;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// Keeps freed buffers for the next window: the system's allocator hands them back, and fresh pages cost 1.5 of
/// 25 CPU seconds on a pair of 8192 x 8192 px.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return exit::report(exit::BUG, &format!("the program's threads cannot be started: {e}")),
    };
    let code = runtime.block_on(run::command(args.command));
    // A thread that still computes after an interruption need not be waited for.
    runtime.shutdown_background();
    code
}

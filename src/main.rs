//! Starts flowyard.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = flowyard::executors::shim::enter() {
        return code;
    }
    ExitCode::SUCCESS
}

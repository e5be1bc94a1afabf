//! Wires the layers together and starts: shim, component, or the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: a shim must fork while there is one thread.
    if let Some(code) = flowyard::executors::shim::enter() {
        return code;
    }
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "__component") {
        return flowyard::components::main(&arguments.next().unwrap_or_default().to_string_lossy());
    }
    flowyard::cli::main(|_screen| 69)
}

//! Wires the layers together and starts: a shim, a component, or the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    if let Some(code) = flowyard::executors::shim::enter() {
        return code;
    }
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next().is_some_and(|first| first == "__component") {
        return flowyard::components::main(&arguments.next().unwrap_or_default().to_string_lossy());
    }
    // MERGE: the interactive face: flowyard::cli::main(|screen| flowyard::tui::run(screen.attach, …))
    flowyard::cli::main(|_screen| 69)
}

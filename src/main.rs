use std::process::ExitCode;

fn main() -> ExitCode {
    kenning::cli::main(std::env::args_os())
}

use super::{Outcome, Session};
use crate::Result;

/// What a verb does, once its flags are read.
pub trait Verb {
    /// Does it: data to stdout, all else to stderr, both through the session's printer.
    fn run(self, session: &Session) -> Result<Outcome>;
}

/// Declares the modules of all verbs, the enum that clap reads, and the groups of the help, from one list.
macro_rules! verbs {
    ($($group:literal { $($name:ident = $module:ident;)* })*) => {
        $($(mod $module;)*)*

        #[derive(Debug, clap::Subcommand)]
        enum Verbs {
            $($($name($module::$name),)*)*
        }

        impl Verbs {
            fn run(self, session: &Session) -> crate::Result<Outcome> {
                match self {
                    $($(Self::$name(verb) => Verb::run(verb, session),)*)*
                }
            }
        }

        /// Title and number of verbs of each group of the help, in the order of the enum.
        const GROUPS: &[(&str, usize)] = &[
            $(($group, [$(stringify!($name)),*].len()),)*
        ];
    };
}

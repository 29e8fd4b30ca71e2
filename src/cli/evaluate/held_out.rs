use crate::cli::Session;
use crate::cli::time::seconds;
use crate::evaluation::split::Split;
use crate::{Error, Result};
use std::path::PathBuf;

/// The flags that say which events are held out.
#[derive(Clone, Debug, clap::Args)]
pub struct HeldOut {
    /// Hold out the last event of each user (the default)
    #[arg(long, conflicts_with_all = ["time", "holdout", "test"])]
    last_out: bool,

    /// Hold out events at or after this time: `2010-09-01`, or seconds since 1970
    #[arg(long, value_name = "TIME", conflicts_with_all = ["holdout", "test"])]
    time: Option<String>,

    /// Hold out this share of each user's events, drawn by the seed
    #[arg(long, value_name = "SHARE", conflicts_with = "test")]
    holdout: Option<f64>,

    /// Hold out the pairs of this file: `user,item` or `user<TAB>item`, with or without a header; of a file with a column
    /// `split` the lines that say `test`
    #[arg(long, value_name = "FILE")]
    test: Option<PathBuf>,

    /// Train on the pairs of this file alone
    #[arg(long, value_name = "FILE", requires = "test")]
    train: Option<PathBuf>,

    /// Only users and items with so many partners
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) core: usize,

    /// Of negatives, holdout and bootstrap
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl HeldOut {
    /// The split that they ask for.
    pub(crate) fn split(&self, session: &Session) -> Result<Split> {
        if let Some(test) = &self.test {
            let train = self.train.as_ref().map(|file| session.path(file));
            return Ok(Split::Files { train, test: session.path(test) });
        }
        if let Some(share) = self.holdout {
            if !(share > 0.0 && share < 1.0) {
                return Err(Error::usage("`--holdout` takes a share between 0 and 1"));
            }
            return Ok(Split::Holdout { share, seed: self.seed });
        }
        match &self.time {
            Some(time) => Ok(Split::Time(seconds("--time", time)?)),
            None => Ok(Split::LastOut),
        }
    }

    /// What is taken from the rest to choose by: a quarter of each user's events, or the last one.
    pub(crate) fn validation(&self, last: bool) -> Split {
        match last {
            true => Split::LastOut,
            false => Split::Holdout { share: 0.25, seed: self.seed.wrapping_add(1) },
        }
    }
}

use crate::evaluation::ranking::{Draw, Protocol};

/// The flags that say what each held-out item is ranked among.
#[derive(Clone, Debug, clap::Args)]
pub struct Among {
    /// Rank each held-out item among so many negatives, not among all items
    #[arg(long, value_name = "N")]
    negatives: Option<usize>,

    /// How negatives are drawn
    #[arg(long, value_enum, default_value_t = DrawBy::Popularity)]
    draw: DrawBy,
}

/// How negatives are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum DrawBy {
    /// By the number of users who met an item
    Popularity,
    /// All alike
    Uniform,
}

impl Among {
    /// The protocol that they ask for.
    pub(crate) fn protocol(&self) -> Protocol {
        let draw = match self.draw {
            DrawBy::Popularity => Draw::Popularity,
            DrawBy::Uniform => Draw::Uniform,
        };
        match self.negatives {
            Some(negatives) => Protocol::OnePlus { negatives, draw },
            None => Protocol::Full,
        }
    }
}

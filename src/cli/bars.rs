use super::Printer;
use super::text;
use crate::model::Progress;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Progress on stderr: a bar for each stage that knows its end, a spinner for the others; nothing where nobody
/// watches.
pub struct Bars {
    watched: bool,
    stage: Mutex<Option<Stage>>,
}

struct Stage {
    bar: ProgressBar,
    records: Arc<AtomicU64>,
}

impl Bars {
    /// Bars as `printer` allows.
    pub fn new(printer: &Printer) -> Self {
        Self {
            watched: printer.is_watched(),
            stage: Mutex::new(None),
        }
    }

    /// Writes through `print` above the bar, which would be torn otherwise.
    pub fn above(&self, print: impl FnOnce()) {
        match &*self.stage() {
            Some(stage) => stage.bar.suspend(print),
            None => print(),
        }
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Option<Stage>> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Progress for Bars {
    fn begin(&self, stage: &str, total: Option<u64>, unit: &'static str) {
        self.end();
        if !self.watched {
            return;
        }
        let records = Arc::new(AtomicU64::new(0));
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        bar.set_style(style(&template(total, unit), Arc::clone(&records)));
        bar.set_message(text::one_line(stage).into_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        *self.stage() = Some(Stage { bar, records });
    }

    fn advance(&self, amount: u64, records: u64) {
        if !self.watched {
            return;
        }
        if let Some(stage) = &*self.stage() {
            stage.records.fetch_add(records, Ordering::Relaxed);
            stage.bar.inc(amount);
        }
    }

    fn end(&self) {
        if let Some(stage) = self.stage().take() {
            stage.bar.finish_and_clear();
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.end();
    }
}

fn template(total: Option<u64>, unit: &str) -> String {
    let counted = match unit {
        "bytes" => "{binary_bytes}",
        _ => "{human_pos}",
    };
    let of_total = match unit {
        "bytes" => "{binary_total_bytes}",
        _ => "{human_len}",
    };
    let rate = match unit {
        "bytes" => "{binary_bytes_per_sec}".to_owned(),
        unit => format!("{{per_sec}} {unit}"),
    };
    match total {
        Some(_) => {
            format!("{{msg:24!}} {{bar:24}} {counted}/{of_total} {{records}}{rate} {{eta}} left")
        }
        None => format!("{{msg:24!}} {{spinner}} {counted} {{records}}{rate} {{elapsed}}"),
    }
}

fn style(template: &str, records: Arc<AtomicU64>) -> ProgressStyle {
    let style = ProgressStyle::with_template(template);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("records", move |_: &ProgressState, out: &mut dyn Write| {
        // A stage without records says nothing of them; a failed write only spoils one frame.
        let _ = match records.load(Ordering::Relaxed) {
            0 => Ok(()),
            count => write!(out, "{} records ", HumanCount(count)),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_drawn() {
        for unit in ["bytes", "texts"] {
            for total in [None, Some(9)] {
                let template = template(total, unit);
                assert!(
                    ProgressStyle::with_template(&template).is_ok(),
                    "{template}"
                );
            }
        }
    }

    #[test]
    fn stages_come_and_go_unwatched() {
        let bars = Bars::new(&Printer::new(super::super::Talk::Quiet));
        bars.advance(1, 1);
        bars.begin("read", Some(3), "bytes");
        bars.begin("link", None, "items");
        bars.advance(3, 1);
        bars.end();
        bars.end();
    }
}

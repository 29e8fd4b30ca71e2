//! Work is stopped from another thread.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What ends a wait.
type GiveUp = Box<dyn FnOnce() + Send>;

/// Stops work from another thread; its copies stop the same work.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_set: AtomicBool,
    waits: Mutex<Waits>,
    set: Condvar,
}

#[derive(Default)]
struct Waits {
    next: usize,
    running: Vec<(usize, GiveUp)>,
}

impl Cancel {
    /// Stops it soon.
    pub fn cancel(&self) {
        self.0.is_set.store(true, Ordering::Relaxed);
        let running = std::mem::take(&mut self.waits().running);
        self.0.set.notify_all();
        running.into_iter().for_each(|(_, give_up)| give_up());
    }

    /// Whether it shall stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.is_set.load(Ordering::Relaxed)
    }

    /// Does work that waits for something outside, which `give_up` ends when this is cancelled.
    pub fn giving_up<T>(
        &self,
        give_up: impl FnOnce() + Send + 'static,
        work: impl FnOnce() -> T,
    ) -> T {
        let mut waits = self.waits();
        let number = waits.next;
        waits.next += 1;
        match self.is_cancelled() {
            true => give_up(),
            false => waits.running.push((number, Box::new(give_up))),
        }
        drop(waits);
        let done = work();
        let mut waits = self.waits();
        waits.running.retain(|(running, _)| *running != number);
        done
    }

    /// Sleeps for some time, or until this is cancelled.
    pub fn sleep(&self, time: Duration) {
        let is_awaited = |_: &mut Waits| !self.is_cancelled();
        let slept = self
            .0
            .set
            .wait_timeout_while(self.waits(), time, is_awaited);
        drop(slept);
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cancel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_cancelled()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// Whichever comes first, the wait or the end of it.
    #[test]
    fn waits_are_given_up() {
        for is_early in [true, false] {
            let (cancel, (end, ended)) = (Cancel::default(), channel());
            let (begin, begun) = channel();
            let stop = cancel.clone();
            if is_early {
                stop.cancel();
            }
            let thread = std::thread::spawn(move || {
                cancel.giving_up(
                    move || end.send("given up").unwrap(),
                    || {
                        begin.send(()).unwrap();
                        ended.recv().unwrap()
                    },
                )
            });
            begun.recv().unwrap();
            stop.cancel();
            assert_eq!(thread.join().unwrap(), "given up");
        }
    }

    #[test]
    fn what_is_over_is_not_given_up() {
        let cancel = Cancel::default();
        assert_eq!(cancel.giving_up(|| panic!("it was over"), || 7), 7);
        cancel.cancel();
        // For ever, otherwise.
        cancel.sleep(Duration::from_secs(1 << 40));
        assert!(format!("{cancel:?}").contains("true"));
    }
}

//! P23: told to stop under load, the gateway finishes what it began, in time, with a good exit status.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use super::county::County;
use super::desks::{Again, Desks, Journal, pause};
use super::evidence::assert_nothing_lost;
use crate::harness::process::Gateway;
use crate::harness::story::story;

const ROUNDS: u32 = 4;
const PEOPLE: usize = 8;
/// The setting of the stories is five seconds; stopping the loops and closing connections may take as long again.
const STOPPED_WITHIN: Duration = Duration::from_secs(12);

story!(
    a_stop_under_load_loses_no_mutation_and_ends_in_time,
    async |world| {
        let county = County::open(world, 40).await;
        let mut gateway = Gateway::prepare(world, &county.settings());
        let desks = Desks::at(gateway.address(), world);
        let journal = RefCell::new(Journal::default());
        for _ in 0..ROUNDS {
            gateway.start_again().await;
            desks.resolve(&journal, STOPPED_WITHIN).await;
            let open = Cell::new(true);
            let stop = async {
                pause(Duration::from_millis(rand::random_range(200..600))).await;
                let began = Instant::now();
                let status = gateway.terminate(STOPPED_WITHIN).await;
                open.set(false);
                assert!(status.success(), "{status}");
                began.elapsed()
            };
            let ((), took) = tokio::join!(desks.work(PEOPLE, &journal, &open), stop);
            println!("stopped in {took:?}");
        }
        let again = std::mem::take(&mut journal.borrow_mut().again);
        let refused: Vec<_> = again.iter().filter(|again| **again != Again::Silence).collect();
        println!(
            "{} acts answered, refused while stopping: {refused:?}",
            journal.borrow().done.len()
        );
        gateway.start_again().await;
        assert_nothing_lost(world, world.database_url(), (&desks, &county), &journal).await;
        assert!(gateway.terminate(STOPPED_WITHIN).await.success());
    }
);

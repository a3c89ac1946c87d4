//! Every target for a few seconds; by hand they run for hours.
#![allow(clippy::panic, reason = "in a test, a panic is how a failure is told")]

use flow_fuzz::{Campaign, targets};
use std::time::Duration;

#[test]
fn every_target_holds_for_a_few_seconds() {
    for target in targets::all() {
        let name = target.name();
        let mut campaign = Campaign::new(target, 1, Duration::from_secs(3));
        campaign.most = 150;
        campaign.shrink_limit = Duration::from_secs(10);
        let (iterations, counters, failure) = campaign.run(|_, _| {});
        assert!(iterations > 0, "{name} does something");
        println!("{name}: {iterations} iterations, {:?}", counters.0);
        if let Some(failure) = failure {
            panic!("{name} {}: {}\n{}", failure.iteration, failure.what, failure.input);
        }
    }
}

//! `flow-fuzz TARGET`: see the library.

use clap::Parser;
use flow_fuzz::{Campaign, Counters, targets};
use std::process::ExitCode;
use std::time::Duration;

#[derive(Parser)]
struct Args {
    /// What is tested: syntax, check, format or execute.
    target: String,
    /// All inputs follow from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long to go on.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// The first iteration, to repeat one that failed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many iterations at most.
    #[arg(long, default_value_t = u64::MAX)]
    most: u64,
    /// Prints the input of the first iteration instead of testing it.
    #[arg(long)]
    print: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let Some(target) = targets::all().into_iter().find(|target| target.name() == args.target) else {
        eprintln!("there is no target `{}`", args.target);
        return ExitCode::from(2);
    };
    let mut campaign = Campaign::new(target, args.seed, Duration::from_secs_f64(args.minutes * 60.0));
    campaign.from = args.from;
    campaign.most = args.most;
    if args.print {
        println!("{}", campaign.input(args.from));
        return ExitCode::SUCCESS;
    }
    let (iterations, counters, failure) =
        campaign.run(|iterations, counters| tell(&args, iterations, counters));
    tell(&args, iterations, &counters);
    let Some(failure) = failure else { return ExitCode::SUCCESS };
    println!("{} --seed {} --from {}: {}", args.target, args.seed, failure.iteration, failure.what);
    println!("--- input\n{}\n---", failure.input);
    ExitCode::FAILURE
}

fn tell(args: &Args, iterations: u64, counters: &Counters) {
    let counted: Vec<String> = counters.0.iter().map(|(what, count)| format!("{what} {count}")).collect();
    println!("{} seed {}: {iterations} iterations; {}", args.target, args.seed, counted.join(", "));
}

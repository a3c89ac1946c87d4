//! What a trace must show.

use crate::pattern::words::Words;
use crate::simulation::Ended;
use crate::trace::{End, Moment, Step, Steps, Trace};
use flow_machine::rows::Status;
use serde_json::Value;

/// A line that says what must hold. All but the last two are about when steps begin and end.
#[derive(Clone, Debug)]
pub(crate) enum Claim {
    Sequence(Vec<Steps>),
    Exactly(Vec<(Steps, usize)>),
    Order(Vec<Vec<Point>>),
    During(Vec<Steps>, Vec<Steps>),
    Apart(Vec<Stretch>),
    Together(Vec<(Steps, usize)>),
    Withdrawn(Vec<(Steps, usize)>),
    Never(Vec<Steps>),
    Status(Status),
    Result(Value),
}

/// The beginning or end of steps: which, where it is said.
#[derive(Clone, Debug)]
pub(crate) struct Point(Steps, Option<bool>);

/// Each of these steps; or from the first of these until the last of those has ended.
#[derive(Clone, Debug)]
pub(crate) struct Stretch(Steps, Option<Steps>);

impl Claim {
    /// Reads a claim; `None` where the key is none of theirs.
    pub(crate) fn parse(key: &str, words: &mut Words<'_>) -> Option<Result<Claim, String>> {
        Some(match key {
            "sequence" => words.all(Words::steps).map(Claim::Sequence),
            "steps" => words.all(Words::counted).map(Claim::Exactly),
            "order" => order(words),
            "during" => during(words),
            "apart" => words.all(stretch).map(Claim::Apart),
            "together" => words.all(Words::counted).map(Claim::Together),
            "withdrawn" => words.all(Words::counted).map(Claim::Withdrawn),
            "never" => words.all(Words::steps).map(Claim::Never),
            "status" => words.next("a status").and_then(|word| {
                Status::parse(word).map(Claim::Status).ok_or_else(|| format!("`{word}` is no status"))
            }),
            "result" => words.json().map(Claim::Result),
            _ => return None,
        })
    }

    /// Whether it says all steps that there may be.
    pub(crate) fn is_exhaustive(&self) -> bool {
        matches!(self, Claim::Sequence(_) | Claim::Exactly(_))
    }

    /// Whether a run bears it out.
    pub(crate) fn holds(&self, ended: &Ended) -> bool {
        match self {
            Claim::Status(status) => ended.status == *status,
            Claim::Result(result) => ended.output.as_ref() == Some(result),
            _ => self.is_shown(&ended.trace),
        }
    }

    fn is_shown(&self, trace: &Trace) -> bool {
        match self {
            Claim::Sequence(steps) => is_sequence(trace, steps),
            Claim::Exactly(steps) => are_exactly(activities(trace), steps),
            Claim::Order(groups) => groups
                .windows(2)
                .all(|pair| matches!(pair, [before, after] if is_before(trace, before, after))),
            Claim::During(inner, outer) => is_during(trace, inner, outer),
            Claim::Apart(stretches) => are_apart(trace, stretches),
            Claim::Together(steps) => meet(trace, steps),
            Claim::Withdrawn(steps) => are_exactly(activities(trace).filter(|step| given_up(step)), steps),
            Claim::Never(steps) => steps.iter().all(|steps| steps.of(trace).next().is_none()),
            Claim::Status(_) | Claim::Result(_) => false,
        }
    }
}

/// `A B < C < D`
fn order(words: &mut Words<'_>) -> Result<Claim, String> {
    let mut groups: Vec<Vec<Point>> = vec![Vec::new()];
    while !words.is_empty() {
        if words.accept("<") {
            groups.push(Vec::new());
        } else if let Some(group) = groups.last_mut() {
            let steps = words.steps()?;
            group.push(Point(steps, words.edge()));
        }
    }
    if groups.len() < 2 || groups.iter().any(Vec::is_empty) {
        return Err("a step stands on each side of a `<`".into());
    }
    Ok(Claim::Order(groups))
}

/// `A B in C`
fn during(words: &mut Words<'_>) -> Result<Claim, String> {
    let mut inner = Vec::new();
    while !words.accept("in") {
        inner.push(words.steps()?);
    }
    Ok(Claim::During(inner, words.all(Words::steps)?))
}

/// `A` or `A..B`
fn stretch(words: &mut Words<'_>) -> Result<Stretch, String> {
    let word = words.next("a step")?;
    match word.split_once("..") {
        Some((first, last)) => Ok(Stretch(words.steps_in(first)?, Some(words.steps_in(last)?))),
        None => Ok(Stretch(words.steps_in(word)?, None)),
    }
}

fn activities(trace: &Trace) -> impl Iterator<Item = &Step> {
    trace.steps().iter().filter(|step| !step.is_instance)
}

fn given_up(step: &Step) -> bool {
    matches!(step.end, Some((_, End::GivenUp)))
}

/// When it ended; later than all else where it has not.
fn end(step: &Step) -> Moment {
    step.end.map_or(Moment::MAX, |(moment, _)| moment)
}

fn is_sequence(trace: &Trace, steps: &[Steps]) -> bool {
    let happened: Vec<&Step> = activities(trace).collect();
    let ended_first = |pair: &[&Step]| matches!(pair, [one, next] if end(one) < next.began);
    happened.len() == steps.len()
        && steps.iter().zip(&happened).all(|(steps, step)| steps.are(&step.name, &step.args))
        && happened.windows(2).all(ended_first)
        && happened.last().is_none_or(|last| last.end.is_some())
}

/// Each step is one of these, and of each there are so many. Those with arguments are counted first.
fn are_exactly<'a>(happened: impl Iterator<Item = &'a Step>, expected: &[(Steps, usize)]) -> bool {
    let mut left: Vec<&Step> = happened.collect();
    let mut expected: Vec<&(Steps, usize)> = expected.iter().collect();
    expected.sort_by_key(|(steps, _)| steps.args.is_none());
    let each = expected.into_iter().all(|(steps, count)| {
        let before = left.len();
        left.retain(|step| !steps.are(&step.name, &step.args));
        before - left.len() == *count
    });
    each && left.is_empty()
}

/// The last of these moments is before the first of those; there are some of each.
fn is_before(trace: &Trace, before: &[Point], after: &[Point]) -> bool {
    let moments = |points: &[Point], usually_ended: bool| -> Option<Vec<Moment>> {
        let mut all = Vec::new();
        for Point(steps, ended) in points {
            let of_end = ended.unwrap_or(usually_ended);
            let those: Vec<Moment> =
                steps.of(trace).map(|step| if of_end { end(step) } else { step.began }).collect();
            if those.is_empty() {
                return None;
            }
            all.extend(those);
        }
        Some(all)
    };
    let (before, after) = (moments(before, true), moments(after, false));
    match (before.iter().flatten().max(), after.iter().flatten().min()) {
        (Some(last), Some(first)) => before.is_some() && after.is_some() && last < first,
        _ => false,
    }
}

/// Each of these steps begins and ends while each of those runs; there are some of each.
fn is_during(trace: &Trace, inner: &[Steps], outer: &[Steps]) -> bool {
    let there = inner.iter().chain(outer).all(|steps| steps.of(trace).next().is_some());
    let within =
        |one: &Step, other: &Step| other.began < one.began && one.end.is_some() && end(one) <= end(other);
    let inner = || inner.iter().flat_map(|steps| steps.of(trace));
    there && outer.iter().flat_map(|steps| steps.of(trace)).all(|other| inner().all(|one| within(one, other)))
}

/// No two of these stretches overlap; each is there.
fn are_apart(trace: &Trace, stretches: &[Stretch]) -> bool {
    let mut spans: Vec<(Moment, Moment)> = Vec::new();
    for Stretch(first, last) in stretches {
        let each = first.of(trace).map(|step| (step.began, end(step)));
        let before = spans.len();
        match last {
            None => spans.extend(each),
            Some(last) => {
                let begins = each.map(|(began, _)| began).min();
                let ends = last.of(trace).map(end).max();
                spans.extend(begins.zip(ends));
            }
        }
        if spans.len() == before {
            return false;
        }
    }
    spans.sort_unstable();
    spans.windows(2).all(|pair| matches!(pair, [(_, ended), (began, _)] if ended < began))
}

/// There is a moment at which so many of each of these run.
fn meet(trace: &Trace, steps: &[(Steps, usize)]) -> bool {
    let runs = |step: &Step, moment: Moment| step.began <= moment && moment < end(step);
    trace.steps().iter().map(|step| step.began).any(|moment| {
        let running = |steps: &Steps| steps.of(trace).filter(|step| runs(step, moment)).count();
        steps.iter().all(|(steps, count)| running(steps) >= *count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROGRAM: &str = "activity a()\nactivity b(n: Int)\nworkflow main() {\n  a()\n  b(1)\n}\n";

    /// Whether claims hold in a trace of these steps: name, arguments, beginning, end.
    fn held(steps: &[(&str, &[i64], Moment, Option<Moment>)], claims: &[(&str, &str)]) -> Vec<bool> {
        let program = crate::compile(PROGRAM);
        let step = |&(name, args, began, ended): &(&str, &[i64], Moment, Option<Moment>)| {
            let args = args.iter().map(|arg| Value::from(*arg)).collect();
            Step::new(name, args, began, ended.map(|ended| (ended, End::Answered)))
        };
        let trace = Trace::of(steps.iter().map(step).collect());
        let shown = |(key, text): &(&str, &str)| {
            let claim = Claim::parse(key, &mut Words::new(text, &program)).expect("a claim").expect("reads");
            claim.is_shown(&trace)
        };
        claims.iter().map(shown).collect()
    }

    #[test]
    fn before_means_recorded_before_the_other_begins() {
        let claims = [
            ("order", "a < b"),
            ("order", "a began < b began"),
            ("together", "a b"),
            ("apart", "a b"),
            ("during", "b in a"),
            ("sequence", "a b"),
            ("steps", "a b"),
        ];
        let one_after_the_other = held(&[("a", &[], 1, Some(2)), ("b", &[1], 3, Some(4))], &claims);
        assert_eq!(one_after_the_other, [true, true, false, true, false, true, true]);
        let begun_too_early = held(&[("a", &[], 1, Some(4)), ("b", &[1], 3, Some(5))], &claims);
        assert_eq!(begun_too_early, [false, true, true, false, false, false, true]);
        let within = held(&[("a", &[], 1, Some(4)), ("b", &[1], 2, Some(3))], &claims);
        assert_eq!(within, [false, true, true, false, true, false, true]);
        let never_recorded = held(&[("a", &[], 1, None), ("b", &[1], 3, Some(4))], &claims);
        assert_eq!(never_recorded, [false, true, true, false, true, false, true]);
        let missing = held(&[("a", &[], 1, Some(2))], &claims);
        assert_eq!(missing, [false; 7]);
    }

    #[test]
    fn each_of_several_steps_counts() {
        let steps: [(&str, &[i64], Moment, Option<Moment>); 3] =
            [("b", &[1], 1, Some(4)), ("b", &[2], 2, Some(3)), ("a", &[], 5, Some(6))];
        let claims = [
            ("order", "b < a"),
            ("order", "b(2) < a"),
            ("apart", "b"),
            ("apart", "b(1)..a b(2)"),
            ("together", "b*2"),
            ("together", "b*3"),
            ("steps", "b a"),
            ("steps", "b*2 a"),
            ("steps", "b b(1) a"),
            ("never", "b(3)"),
            ("never", "b(2)"),
        ];
        let expected = [true, true, false, false, true, false, false, true, true, true, false];
        assert_eq!(held(&steps, &claims), expected);
    }
}

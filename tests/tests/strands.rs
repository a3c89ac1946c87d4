//! Strands, quorums, child workflows and detached instances, with a crash at every transition and after every effect, on both
//! executors.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is how a failure is told"
)]

use flow_machine::event::Message;
use flow_machine::rows::Status;
use flow_tests::scenario::{bookings, run};
use flow_tests::simulation::{Answer, Attempt, Outside, SECOND};
use serde_json::json;

/// As `bookings`, but what is named "late" takes a minute.
fn some_late(attempt: &Attempt) -> Answer {
    let answer = bookings(attempt);
    match attempt.args["what"].as_str() {
        Some(what) if what.starts_with("late") => Answer::After(60 * SECOND, Box::new(answer)),
        _ => answer,
    }
}

#[test]
fn a_scope_ends_when_all_that_was_spawned_in_it_has() {
    let body = r#"workflow main(n: Int) -> String fails Declined {
  scope {
    for i in 0..n { spawn book("late {i}") }
    book("meanwhile")
  }
  book("after")
}"#;
    let ended = run(body, json!({"n": 3}), &[], some_late);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!("after"))));
    assert_eq!(ended.effects.last().unwrap(), r#"book("after")"#);
    assert_eq!(ended.effects.len(), 5);
    assert!(ended.took < 61 * SECOND, "they run side by side");
}

#[test]
fn await_gives_the_value_of_a_strand_as_often_as_it_is_asked() {
    let body = r#"
record Job { name: String  task: Task<String, Declined> }
workflow main() -> List<String> fails Declined {
  scope {
    var jobs: List<Job> = []
    for name in ["late a", "b"] { jobs.push(Job(name: name, task: spawn book(name))) }
    sleep 1s
    let again = await jobs[1].task
    var got = [again]
    for job in jobs { got.push("{job.name}: {await job.task}") }
    got
  }
}"#;
    let ended = run(body, json!({}), &[], some_late);
    assert_eq!(ended.output, Some(json!(["b", "late a: late a", "b: b"])));
}

#[test]
fn a_strand_that_nobody_awaits_fails_its_scope_and_the_others_are_undone_first() {
    let body = r#"
fn trip(what: String) fails Declined {
  saga {
    let a = book(what) compensate cancel(a)
    sleep 1h
  }
}
workflow main() -> String {
  scope {
    spawn trip("a")
    spawn { sleep 1s; book("bad") }
    sleep 2h
  } catch { Declined(why) => { return "declined: {why}" } }
  "not reached"
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("declined: full")));
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#]);
    assert!(ended.took < 3 * SECOND);
}

#[test]
fn the_failure_of_a_strand_whose_handle_is_kept_is_raised_where_it_is_awaited() {
    let body = r#"workflow main() -> String fails Declined {
  scope {
    let bad = spawn book("bad")
    let good = spawn book("late")
    sleep 1s
    let r = try await bad
    let outcome = match r { Ok(_) => "booked", Err(Declined(why)) => why }
    "{outcome}, {await good}"
  }
}"#;
    let ended = run(body, json!({}), &[], some_late);
    assert_eq!(ended.output, Some(json!("full, late")));
}

#[test]
fn a_failure_that_nobody_has_awaited_by_the_end_fails_the_scope() {
    let body = r#"workflow main() fails Declined {
  scope {
    let bad = spawn book("bad")
    let other = spawn { sleep 1h; book("never") }
    book("a")
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.status, Status::Failed);
    assert_eq!(ended.effects, [r#"book("a")"#]);
    assert!(ended.took < SECOND, "the other is cancelled");
}

#[test]
fn leaving_a_scope_early_cancels_and_unwinds_its_strands_first() {
    let body = r#"
fn trip() fails Declined {
  saga {
    let a = book("a") compensate cancel(a)
    sleep 1h
  }
}
fn first_found() -> String fails Declined {
  scope {
    spawn trip()
    loop {
      let found = book("found")
      return found
    }
  }
}
workflow main() -> String fails Declined {
  for i in 0..3 {
    scope {
      spawn trip()
      sleep 1s
      if i == 1 { break }
    }
  }
  first_found()
}"#;
    let ended = run(body, json!({}), &[Outside::Send(0, Message::Resume)], bookings);
    assert_eq!(ended.status, Status::Completed, "{ended:#?}");
    let cancelled = ended.effects.iter().filter(|effect| effect.starts_with("cancel")).count();
    assert_eq!(cancelled, 2, "{:?}", ended.effects);
    assert_eq!(ended.output, Some(json!("found")));
}

#[test]
fn what_is_spawned_outside_any_scope_is_joined_by_the_workflow() {
    let body = r#"
fn start(what: String) { spawn { book(what) catch { Declined(_) => "none" } } }
workflow main() -> String {
  start("late")
  return "early"
}"#;
    let ended = run(body, json!({}), &[], some_late);
    assert_eq!((ended.status, ended.output), (Status::Completed, Some(json!("early"))));
    assert_eq!(ended.effects, [r#"book("late")"#]);
    assert!(ended.took >= 60 * SECOND);
}

#[test]
fn cancelling_the_instance_reaches_every_strand_and_awaits_them() {
    let body = r#"
fn trip(what: String) fails Declined {
  saga {
    let a = book(what) compensate cancel(a)
    sleep 1h
  }
}
workflow main() fails Declined {
  scope {
    let a = spawn trip("a")
    spawn trip("b")
    await a
  }
}"#;
    let ended = run(body, json!({}), &[Outside::Send(SECOND, Message::Cancel)], bookings);
    assert_eq!(ended.status, Status::Cancelled);
    assert_eq!(ended.effects.len(), 4, "{:?}", ended.effects);
}

#[test]
fn a_scope_that_joins_can_be_cancelled() {
    let body = r#"workflow main() fails Declined {
  timeout 5s { scope { spawn { sleep 1h; book("never") } } } catch { Timeout => { book("late") } }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.status, ended.effects.len()), (Status::Completed, 1), "{ended:#?}");
}

#[test]
fn a_quorum_gives_the_first_results_as_they_came_and_cancels_the_rest() {
    let body = r#"workflow main() -> List<String> fails Declined {
  parallel first 2 {
    { sleep 2s; book("c") }
    { sleep 1h; book("never") }
    { sleep 3s; "d" }
  }
}"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!(["c", "d"])), "{ended:#?}");
    assert!(ended.took < 4 * SECOND);
}

#[test]
fn a_quorum_over_a_list_bears_failures_while_it_can_be_reached() {
    let body = r#"workflow main(xs: List<String>) -> String {
  let got = parallel first 2 for x in xs max 2 { if x == "wait" { sleep 1h }; book(x) } catch { Declined(why) => { return why } }
  got.join("+")
}"#;
    let ended = run(body, json!({"xs": ["bad", "a", "bad", "late", "c"]}), &[], some_late);
    assert_eq!(ended.output, Some(json!("a+c")), "{ended:#?}");
    let ended = run(body, json!({"xs": ["bad", "wait", "bad"]}), &[], bookings);
    assert_eq!(ended.output, Some(json!("full")));
    assert!(ended.took < SECOND, "it fails as soon as it can't be reached");
    let ended = run(body, json!({"xs": ["a"]}), &[], bookings);
    assert_eq!(ended.status, Status::Failed, "two of one");
}

const SHIP: &str = r#"
workflow ship(what: String) -> String fails Declined {
  saga {
    let a = book(what) compensate cancel(a)
    sleep 1s
    book("{what} sent")
  }
}
"#;

#[test]
fn a_called_workflow_is_a_child_and_gives_its_result() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> List<String> fails Declined {
  parallel for what in ["a", "b"] { ship(what) }
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!(["a sent", "b sent"])));
    let names: Vec<&str> = ended.instances.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["test/ship-1.0.1", "test/ship-1.1.1"]);
    assert!(ended.took < 2 * SECOND);
}

#[test]
fn the_parents_time_goes_on_with_its_childs() {
    let body = r#"
workflow nap() { sleep 10s }
workflow main() { nap(); sleep 5s }"#;
    let ended = run(body, json!({}), &[], bookings);
    assert_eq!((ended.status, ended.took), (Status::Completed, 15 * SECOND));
}

#[test]
fn a_child_that_fails_raises_its_error_in_the_parent_and_hands_no_compensation_over() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> String {
  saga {
    ship("a") compensate cancel("by the parent")
    ship("bad")
  } catch { Declined(why) => why }
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("full")));
    assert_eq!(ended.effects, [r#"book("a")"#, r#"book("a sent")"#, r#"cancel("by the parent")"#]);
    assert_eq!(ended.instances[1].1, Status::Failed);
}

#[test]
fn cancelling_the_parent_cancels_the_child_and_awaits_its_undoing() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> String fails Declined {
  let a = ship("a") catch { Cancelled => { book("clean up") } }
  book("not reached either")
}"#
    );
    let ended = run(&body, json!({}), &[Outside::Send(SECOND / 2, Message::Cancel)], bookings);
    assert_eq!(ended.status, Status::Cancelled, "{ended:#?}");
    assert_eq!(ended.effects, [r#"book("a")"#, r#"cancel("a")"#, r#"book("clean up")"#]);
    assert_eq!(ended.instances, [("test/ship-1".to_owned(), Status::Cancelled)]);
}

#[test]
fn a_spawned_child_is_awaited_by_its_handle() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> String fails Declined {
  scope {
    let children: List<Child<ship>> = [spawn ship("a"), spawn ship("b")]
    let second = await children[1]
    "{children[0].id}: {await children[0]}, {second}"
  }
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("test/ship-1.0.1: a sent, b sent")));
}

#[test]
fn a_race_takes_children_and_handles() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> String fails Declined {
  scope {
    let slow = spawn book("late")
    let winner = race {
      ship("a")   as s => s
      await slow  as s => s
      after 1h         => "none"
    }
    let second = race {
      await slow as s   => s
      { sleep 1h; "" } as s => s
      ship("lost") as s => { sleep 1s; s }
    }
    "{winner}, {second}"
  }
}"#
    );
    let ended = run(&body, json!({}), &[], some_late);
    assert_eq!(ended.output, Some(json!("a sent, lost sent")), "{ended:#?}");
}

#[test]
fn a_detached_workflow_is_an_instance_of_its_own() {
    let body = format!(
        "{SHIP}{}",
        r#"
workflow main() -> String fails Declined {
  let one = detach ship("a")
  let two = detach ship("b") using (id: "ship-b")
  let again = detach ship("b") using (id: "ship-b")
  detach ship("bad")
  "{two.id} {again == two}"
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("ship-b true")));
    assert_eq!(ended.instances.len(), 3, "{:?}", ended.instances);
    let failed = ended.instances.iter().filter(|(_, status)| *status == Status::Failed).count();
    assert_eq!(failed, 1);
    assert_eq!(ended.effects.len(), 4, "{:?}", ended.effects);
}

#[test]
fn a_shield_masks_cancellation_and_what_follows_it_does_not_run() {
    let body = r#"workflow main() fails Declined {
  shield { sleep 10s; book("shielded") }
  book("not reached")
}"#;
    let cancels = [Outside::Send(SECOND, Message::Cancel), Outside::Send(2 * SECOND, Message::Cancel)];
    let ended = run(body, json!({}), &cancels, bookings);
    assert_eq!((ended.status, ended.effects.len()), (Status::Cancelled, 1));
}

#[test]
fn a_cancelled_arm_runs_as_clean_up_in_every_construct() {
    let constructs = [
        "sleep 1h",
        "ship(\"late\")",
        "scope { let a = spawn slow(\"late\"); await a }",
        "scope { spawn { sleep 1h } }",
        "parallel { sleep 1h, slow(\"late\") }",
        "parallel first 1 { { sleep 1h; 1 }, { sleep 2h; 2 } }",
        "race { slow(\"late\") => {}, after 2h => {} }",
        "timeout 2h { sleep 1h }",
    ];
    for construct in constructs {
        let body = format!(
            "workflow ship(what: String) -> String {{ slow(what) }}
workflow main() fails Declined {{
  {{ {construct} }} catch {{ Cancelled => {{ book(\"clean up\") }} }}
  book(\"not reached\")
}}"
        );
        let ended = run(&body, json!({}), &[Outside::Send(SECOND, Message::Cancel)], some_late);
        assert_eq!(ended.status, Status::Cancelled, "{construct}: {ended:#?}");
        let cleaned = ended.effects.iter().filter(|effect| **effect == r#"book("clean up")"#).count();
        assert_eq!(cleaned, 1, "{construct}: {:?}", ended.effects);
        assert!(!ended.effects.contains(&r#"book("not reached")"#.to_owned()), "{construct}");
    }
}

const CART: &str = r#"
error Full
enum Change { Add(item: String)  Checkout }
workflow cart(limit: Int) -> List<String> fails Declined {
  signal change: Change
  signal nudge
  state items: List<String> = []
  state most = limit
  query count() -> Int { items.len() }
  query has(item: String, times: Int = 1) -> Bool { items.filter(|x| x == item).len() >= times }
  update reserve(item: String) -> Int fails Full {
    if items.len() >= most { fail Full }
    items = items.concat([item])
    items.len()
  }
  loop {
    match receive change {
      Add(item) => { items = items.concat([item]) }
      Checkout  => { return items }
    }
  }
}
"#;

#[test]
fn a_child_is_told_and_asked_by_its_handle() {
    let body = format!(
        "{CART}{}",
        r#"
workflow main() -> String fails Declined | Full {
  scope {
    let c = spawn cart(2)
    c.change(Add(item: "a"))
    c.nudge()
    let one = c.reserve("b")
    let full = try c.reserve("c")
    let outcome = match full { Ok(n) => "{n}", Err(Full) => "full" }
    let seen = "{c.count()} {c.has("a")} {c.has("a", times: 2)}"
    c.change(Checkout)
    let items = await c
    let late = { c.change(Checkout); "told" } catch { ActivityFailed(_, reason) => "refused" }
    "{one} {outcome} {seen} {items} {late}"
  }
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!(r#"2 full 2 true false ["a", "b"] refused"#)), "{ended:#?}");
}

#[test]
fn an_instance_is_told_by_its_id_and_started_where_it_is_not_there() {
    let body = format!(
        "{CART}{}",
        r#"
workflow visit(item: String) fails Declined {
  let c = detach cart(9) using (id: "cart-7")
  c.change(Add(item: item))
}
workflow main() -> String fails Declined {
  visit("a")
  parallel for item in ["b", "c"] { visit(item) }
  cart.of("cart-7").change(Checkout)
  sleep 1s
  let gone = { cart.of("cart-7").change(Checkout); "told" } catch { ActivityFailed(_, _) => "gone" }
  let nobody = { cart.of("cart-8").nudge(); "told" } catch { ActivityFailed(_, _) => "nobody" }
  let other = { detach visit("x") using (id: "cart-7"); "started" } catch { ActivityFailed(_, _) => "other" }
  "{gone} {nobody} {other}"
}"#
    );
    let ended = run(&body, json!({}), &[], bookings);
    assert_eq!(ended.output, Some(json!("gone nobody other")), "{ended:#?}");
    let cart = ended.instances.iter().find(|(name, _)| name == "cart-7").unwrap();
    assert_eq!(cart.1, Status::Completed);
    let mut items = ended.outputs["cart-7"].as_array().unwrap().clone();
    items.sort_by_key(ToString::to_string);
    assert_eq!(items, [json!("a"), json!("b"), json!("c")], "each message exactly once");
}

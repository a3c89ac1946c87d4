use super::*;

const TRIP: &str = r#"
error Declined
activity book(what: String) -> String fails Declined
activity cancel(booking: String)
activity ask(question: String) -> Bool

fn hotel(name: String) fails Declined {
  let room = book(name) compensate cancel(room)
}

workflow trip(stops: List<String>) fails Declined {
  saga {
    for stop in stops { hotel(stop) }
    race {
      ask("ok?") as yes => if yes { commit } else { fail Declined }
      after 24h         => fail Declined
    }
    parallel { book("a"), book("b") }
    timeout 5m { sleep 1m }
  }
}
"#;

fn trip() -> Outline {
    let mut sources = SourceMap::new();
    sources.add("trip.flow", TRIP);
    read::outline(&sources, "trip").expect("the workflow")
}

#[test]
fn the_outline_has_what_waits_or_branches_in_the_order_of_the_text() {
    let json = serde_json::to_value(trip()).expect("JSON");
    let saga = &json["items"][0];
    assert_eq!((&saga["what"], &saga["title"]), (&"saga".into(), &"saga".into()));
    let each = &saga["items"][0];
    assert_eq!(each["title"], "for stop in stops");
    let step = &each["items"][0]["items"][0];
    assert_eq!((&step["text"], &step["undo"]["text"]), (&"book(name)".into(), &"cancel(room)".into()));
    let race = &saga["items"][1];
    assert_eq!(race["lanes"][1]["items"][0]["text"], "after 24h");
    assert_eq!(race["lanes"][0]["items"][1]["lanes"][1]["items"][0]["what"], "fail");
    assert_eq!(saga["items"][2]["lanes"].as_array().map(Vec::len), Some(2));
    assert_eq!(saga["items"][3]["title"], "timeout 5m");
}

#[test]
fn mermaid_names_every_node_once_and_closes_every_subgraph() {
    let chart = mermaid(&trip());
    assert!(chart.starts_with("flowchart TD\n"), "{chart}");
    let lines = || chart.lines().map(str::trim);
    assert_eq!(
        lines().filter(|line| line.starts_with("subgraph")).count(),
        lines().filter(|line| *line == "end").count()
    );
    assert!(chart.contains("-.->|compensate|") && chart.contains("ask(&quot;ok?&quot;)"), "{chart}");
}

#[test]
fn no_two_boxes_of_the_picture_overlap_unless_one_holds_the_other() {
    fn check(shape: &layout::Shape) {
        for (index, one) in shape.parts.iter().enumerate() {
            for other in shape.parts.iter().skip(index + 1) {
                let apart = one.x + one.width <= other.x
                    || other.x + other.width <= one.x
                    || one.y + one.height <= other.y
                    || other.y + other.height <= one.y;
                assert!(apart, "{one:#?} lies on {other:#?}");
            }
            if one.look != layout::Look::Undo {
                let inside = one.x >= shape.x
                    && one.y >= shape.y
                    && one.x + one.width <= shape.x + shape.width
                    && one.y + one.height <= shape.y + shape.height;
                assert!(inside, "{one:#?} sticks out of {:?}", shape.tip);
            }
            check(one);
        }
    }
    check(&layout::layout(&trip()));
    let picture = svg(&trip());
    assert!(picture.starts_with("<svg ") && picture.trim_end().ends_with("</svg>"));
    assert_eq!(picture.matches("<g>").count(), picture.matches("</g>").count());
}

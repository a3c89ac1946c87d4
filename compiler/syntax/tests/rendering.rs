//! What people see: the excerpt, the caret below the right letters, whatever the file is made of.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail by panicking")]

mod common;

use common::{parse_text, rendered};
use flow_syntax::{Code, Diagnostic, SourceMap, Span, render, render_json, to_json};

const CODE: Code = Code("E0000");

/// The only mistake of a text, as it is shown.
fn shown(text: &str) -> String {
    let (sources, parse) = parse_text(text);
    assert_eq!(parse.diagnostics.len(), 1, "{}", rendered(&sources, &parse.diagnostics));
    rendered(&sources, &parse.diagnostics)
}

/// The line of the excerpt that has a text in it, and the one below it.
fn excerpt<'t>(shown: &'t str, text: &str) -> (&'t str, &'t str) {
    let lines: Vec<&str> = shown.lines().collect();
    let at =
        lines.iter().position(|line| line.contains(" │ ") && line.contains(text)).expect("the line is shown");
    (lines[at], lines[at + 1])
}

/// How wide a text is in a terminal.
fn width(text: &str) -> usize {
    let wide = |char: char| matches!(char, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{ffdc}' | '\u{1f300}'..='\u{1faff}');
    let combining = |char: char| matches!(char, '\u{300}'..='\u{36f}' | '\u{feff}');
    text.chars().map(|char| if combining(char) { 0 } else { 1 + usize::from(wide(char)) }).sum()
}

/// The carets stand below `marked`, and only there.
fn assert_marked(shown: &str, marked: &str) {
    let (line, below) = excerpt(shown, marked);
    let (before, _) = line.split_once(marked).expect("the text is shown");
    let start = below.find('^').map(|at| width(&below[..at]));
    assert_eq!(start, Some(width(before)), "{shown}");
    assert_eq!(below.matches('^').count(), width(marked), "{shown}");
}

#[test]
fn lines_that_end_as_on_windows_look_like_any_other() {
    let unix = "fn f() {\n  let x = 1\n  let y = 5min\n}\n";
    let windows = unix.replace('\n', "\r\n");
    assert_eq!(shown(&windows), shown(unix));
    assert!(!shown(&windows).contains('\r'));
    for text in [
        "fn f() { \"no end\r\n}\r\n",
        "fn f() {\r\n  # why\r\n}\r\n",
        "fn f()\r\n{\r\n}\r\n",
        "/* a\r\n b */\r\n",
    ] {
        assert!(!shown(text).contains('\r'), "{text:?}");
        assert_eq!(shown(text), shown(&text.replace('\r', "")));
    }
}

#[test]
fn carets_stand_below_what_they_mean() {
    assert_marked(&shown("fn f() {\n\tlet\tx\t=\t5min\n}\n"), "5min");
    assert_marked(&shown("fn grüße() {\n  straße(\"名前\", 5min)\n}\n"), "5min");
    assert_marked(&shown("fn f() {\n  send(\"🎉🎉\", 5min)\n}\n"), "5min");
    assert_marked(&shown("fn f() {\n  send(\"e\u{301}e\u{301}\", 5min)\n}\n"), "5min");
    assert_marked(&shown("\u{feff}const PAUSE = 5min\n"), "5min");
    assert_marked(&shown("\u{feff}const PAUSE = 5min"), "5min");
}

#[test]
fn a_byte_order_mark_is_no_column() {
    let place = |text| {
        let (sources, parse) = parse_text(text);
        sources.positions(parse.diagnostics[0].span()).map(|(_, start, _)| (start.line, start.column))
    };
    assert_eq!(place("\u{feff}const PAUSE = 5min\n"), place("const PAUSE = 5min\n"));
    assert_eq!(place("\u{feff}\nconst PAUSE = 5min\n"), Some((2, 15)));
}

#[test]
fn an_empty_file_and_its_end_can_be_pointed_at() {
    for text in ["", "\n", "\u{feff}", "fn f() {\n", "fn f() {"] {
        let mut sources = SourceMap::new();
        let file = sources.add("empty.flow", text);
        let end = sources.file(file).expect("the file").span().end;
        let diagnostic = Diagnostic::error(CODE, "something is missing").at(Span::new(end, end), "here");
        let shown = render(&sources, &diagnostic, false);
        assert!(shown.contains("┌─ empty.flow:") && shown.contains("^ here"), "{shown}");
    }
}

#[test]
fn of_an_endless_line_only_what_matters_is_shown() {
    let filler = "\"wörter 🎉 \", ".repeat(30_000);
    let text = format!("fn f() {{ [{filler}5min, {filler}] }}\n");
    assert!(text.len() > 1_000_000);
    let shown = shown(&text);
    assert_marked(&shown, "5min");
    assert!(shown.lines().all(|line| width(line) < 400), "{shown}");
    let column = text[..text.find("5min").expect("it is there")].chars().count() + 1;
    assert!(shown.contains(&format!("test.flow:1:{column}\n")), "{shown}");
}

#[test]
fn labels_in_two_files_are_shown_each_in_its_own() {
    let mut sources = SourceMap::new();
    let callee = sources.add("payments.flow", "\n\npub activity charge(amount: Int) -> String\n");
    let caller = sources.add("main.flow", "workflow pay() -> String { charge(\"100\") }\n");
    let place = |file, text: &str| {
        let file = sources.file(file).expect("the file");
        let start = file.base() + file.text().find(text).expect("the text") as u32;
        Span::new(start, start + text.len() as u32)
    };
    let diagnostic = Diagnostic::error(CODE, "expected `Int`, found `String`")
        .also(place(callee, "amount: Int"), "the 1st argument of `charge`")
        .at(place(caller, "\"100\""), "this is of type `String`");
    insta::assert_snapshot!(render(&sources, &diagnostic, false));
    let json = to_json(&sources, &diagnostic);
    let places: Vec<_> = json.labels.iter().map(|label| (label.place.file, label.place.start.line)).collect();
    assert_eq!(places, [("payments.flow", 3), ("main.flow", 1)]);
    assert_eq!(json.place.map(|place| place.file), Some("main.flow"));
}

#[test]
fn colour_adds_nothing_but_colour() {
    let (sources, parse) = parse_text("fn f() {\n  let x = vip ? 0 : 5\n}\n");
    let (plain, coloured) =
        (render(&sources, &parse.diagnostics[0], false), render(&sources, &parse.diagnostics[0], true));
    assert!(!plain.contains('\u{1b}') && coloured.contains('\u{1b}'));
    let mut stripped = String::new();
    for (index, part) in coloured.split("\u{1b}[").enumerate() {
        stripped.push_str(if index == 0 { part } else { part.split_once('m').expect("a colour ends").1 });
    }
    let trimmed = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trimmed(&stripped), trimmed(&plain));
}

#[test]
fn tools_are_told_what_people_are() {
    let (sources, parse) = parse_text("fn f() {\n  let x = vip ? 0 : 5\n}\n");
    let diagnostic = &parse.diagnostics[0];
    let json: serde_json::Value =
        serde_json::from_str(&render_json(&sources, diagnostic)).expect("it is JSON");
    assert_eq!(json["message"], diagnostic.message.as_str());
    assert_eq!(json["code"], diagnostic.code.0);
    assert_eq!(json["help"].as_str(), diagnostic.help.as_deref());
    assert_eq!((&json["start"]["line"], &json["start"]["column"]), (&2.into(), &11.into()));
    let fix = &json["fixes"][0];
    assert_eq!((&fix["replacement"], &fix["certain"]), (&"if vip { 0 } else { 5 }".into(), &true.into()));
    let shown = render(&sources, diagnostic, false);
    assert!(shown.contains(fix["replacement"].as_str().expect("a text")), "{shown}");
}

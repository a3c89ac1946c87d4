use super::*;

fn now() -> DateTime<Local> {
    Local.timestamp_opt(1_000_000, 0).unwrap()
}

fn read(text: &str) -> Condition {
    parse(text, now()).unwrap_or_else(|mistake| panic!("{}", mistake.render(text)))
}

fn attribute(name: &str, comparison: Comparison, operand: Operand) -> Condition {
    compare(Field::Attribute(name.into()), comparison, operand)
}

fn text(text: &str) -> Operand {
    Operand::Text(text.into())
}

#[test]
fn the_condition_of_the_manual() {
    let condition = read(r#"customer = "acme" and status = running and created > 2h ago"#);
    let created = Timestamp((1_000_000 - 7_200) * 1_000_000_000);
    let expected = Condition::All(vec![
        attribute("customer", Comparison::Equal, text("acme")),
        Condition::status(Status::Running),
        compare(Field::Created, Comparison::Greater, Operand::Time(created)),
    ]);
    assert_eq!(condition, expected);
}

#[test]
fn and_binds_closer_than_or_and_not_closest() {
    let a = || attribute("a", Comparison::Equal, Operand::Bool(true));
    let b = || attribute("b", Comparison::Equal, Operand::Number("1".into()));
    let c = || attribute("c", Comparison::Less, Operand::Number("-2.50".into()));
    let not = |condition| Condition::Not(Box::new(condition));
    assert_eq!(
        read("a or not b == 1 and c < -2.50"),
        Condition::Any(vec![a(), Condition::All(vec![not(b()), c()])])
    );
    assert_eq!(
        read("(a or b != 1) and c < -2.50"),
        Condition::All(vec![Condition::Any(vec![a(), not(b())]), c()])
    );
}

#[test]
fn values_are_texts_numbers_truths_and_times() {
    assert_eq!(read("x = 'a \\' b'"), attribute("x", Comparison::Equal, text("a ' b")));
    assert_eq!(read("x = acme-7"), attribute("x", Comparison::Equal, text("acme-7")));
    assert_eq!(read("x = \"7\""), attribute("x", Comparison::Equal, text("7")));
    assert_eq!(read("id = 7"), compare(Field::Id, Comparison::Equal, text("7")));
    assert_eq!(read("program = 3fa2"), compare(Field::Program, Comparison::Equal, text("3fa2")));
    let at = Operand::Time(Timestamp(1_782_000_000_000_000_000));
    assert_eq!(read("created <= 2026-06-21T00:00:00Z"), compare(Field::Created, Comparison::LessOrEqual, at));
    assert!(matches!(read("updated < '2026-06-21 10:30'"), Condition::Compare { field: Field::Updated, .. }));
}

/// What is said about a wrong condition, with the place.
fn said(text: &str) -> String {
    match parse(text, now()) {
        Ok(condition) => panic!("`{text}` was read as {condition:?}"),
        Err(mistake) => mistake.render(text),
    }
}

#[test]
fn mistakes_are_shown_at_their_place() {
    let cases = [
        ("customer =", "expected a value", "            ^"),
        ("status = runing", "did you mean `running`?", "           ^^^^^^"),
        ("status > running", "no order", "         ^"),
        ("a = true and b > true", "no order", "                 ^"),
        ("created > yesterday", "expected a time", "            ^^^^^^^^^"),
        ("created > 2x ago", "before `ago`", "            ^^"),
        ("(a = 1 or b = 2", "never closed", "  ^"),
        ("a = 1)", "closes nothing", "       ^"),
        ("a = 1 b = 2", "expected `and` or `or`", "        ^"),
        ("a = \"x", "no end", "      ^^"),
        ("a & b", "means nothing", "    ^"),
        ("program = xyz", "hexadecimal", "            ^^^"),
        ("and", "expected the name", "  ^^^"),
        ("", "expected the name", "  ^"),
        ("status", "expected `=`", "        ^"),
    ];
    for (text, message, mark) in cases {
        let said = said(text);
        assert!(said.contains(message), "{said}");
        assert_eq!(said.lines().last(), Some(mark), "{said}");
    }
}

//! The declarations of a module, as text.

use crate::Random;
use crate::module::Module;
use std::fmt::Write;

/// Its types: a distinct id, the record, a record of changes, the states, the error, a generic page.
pub(crate) fn types(module: &Module, random: &mut Random) -> String {
    let Module { thing, record, status, error, .. } = module;
    let mut fields = String::new();
    for name in &module.numbers {
        let default = if random.one_in(3) { format!(" = {}", random.below(90)) } else { String::new() };
        let _ = writeln!(fields, "  {name}: Int{default}");
    }
    for name in &module.amounts {
        let _ = writeln!(fields, "  /// In the currency of the contract.\n  {name}: Decimal");
    }
    for name in &module.texts {
        let _ = writeln!(fields, "  {name}: String");
    }
    let [ready, since, why] = [module.case(0), module.case(1), module.case(2)];
    let mut cases = format!("  {ready}\n  {since}(since: Timestamp)\n  {why}(why: String)\n");
    for case in module.cases.iter().skip(3) {
        let _ = writeln!(cases, "  {case}");
    }
    let [limit, named, plain] = [module.reason(0), module.reason(1), module.reason(2)];
    format!(
        "/// What tells one {thing} from another.
pub type {record}Id = distinct String

/// A {thing}, as it is stored.
pub record {record} {{
  id: {record}Id
{fields}  tags: List<String> = []
  status: {status}
}}

/// Where a {thing} stands.
pub enum {status} {{
{cases}}}

/// What can go wrong with a {thing}.
pub error {error} {{
  {limit}(limit: Int)
  {named}(text: String)
  {plain}
}}

record {record}Change {{ id: {record}Id  by: String  at: Timestamp?  lines: Map<String, Int> }}

"
    )
}

/// Limits and tables.
pub(crate) fn constants(module: &Module, random: &mut Random) -> String {
    let name = module.thing.to_uppercase();
    let list: Vec<String> = (0..random.between(3, 9)).map(|_| random.below(10_000).to_string()).collect();
    let table: Vec<String> = module
        .texts
        .iter()
        .map(|text| format!("\"{text}\": {}.{:02}", random.below(500), random.below(100)))
        .collect();
    format!(
        "const LIMIT_{name} = {}
const STEPS_{name}: List<Int> = [{}]
const RATES_{name}: Map<String, Decimal> = [{}]

",
        random.below(100_000),
        list.join(", "),
        table.join(", ")
    )
}

/// Arithmetic over the fields of a record, `depth` operators deep.
fn decimal(module: &Module, of: &str, random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return match random.below(3) {
            0 => format!("{}.{:02}", random.below(1_000), random.below(100)),
            _ => format!("{of}.{}", module.amount(random)),
        };
    }
    let left = decimal(module, of, random, depth - 1);
    let less = random.below(depth);
    let right = decimal(module, of, random, less);
    let operator = random.word(&["+", "-", "*", "+"]);
    if random.one_in(2) {
        format!("({left} {operator} {right})")
    } else {
        format!("{left} {operator} {right}")
    }
}

fn integer(module: &Module, of: &str, random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return match random.below(4) {
            0 => random.below(1_000).to_string(),
            1 => format!("{of}.{}.len()", module.text(random)),
            _ => format!("{of}.{}", module.number(random)),
        };
    }
    let left = integer(module, of, random, depth - 1);
    let less = random.below(depth);
    let right = integer(module, of, random, less);
    format!("{left} {} {right}", random.word(&["+", "-", "*", "%"]))
}

fn condition(module: &Module, of: &str, random: &mut Random) -> String {
    let test = |random: &mut Random| match random.below(4) {
        0 => format!("{of}.{} < {}", module.number(random), random.below(100)),
        1 => format!("{of}.{} >= {}.5", module.amount(random), random.below(100)),
        2 => format!("{of}.{} == \"{}\"", module.text(random), module.text(random)),
        _ => format!("not {of}.{}.is_empty()", module.text(random)),
    };
    let first = test(random);
    match random.below(3) {
        0 => first,
        1 => format!("{first} and {}", test(random)),
        _ => format!("{first} or {}", test(random)),
    }
}

/// A few functions over lists of the record; `number` keeps their names apart.
pub(crate) fn pure_functions(module: &Module, random: &mut Random, number: usize) -> String {
    let Module { thing, record, error, .. } = module;
    let (key, other, label) = (module.number(random), module.number(random), module.text(random));
    let [limit, named, plain] = [module.reason(0), module.reason(1), module.reason(2)];
    let constant = thing.to_uppercase();
    let weight = integer(module, "item", random, 2);
    let keep = condition(module, "item", random);
    let price = decimal(module, "item", random, 2);
    let odd = condition(module, "it", random);
    let (low, high) = (random.below(50), random.between(50, 5_000));
    format!(
        "/// The heaviest {thing}s first, without those of no account.
fn ranked_{number}(items: List<{record}>) -> List<{record}> {{
  let kept = items.filter(|item| {keep})
  let ordered = kept.sort_by(|item| {weight})
  if ordered.len() > {low} {{ ordered.slice(0, {low}) }} else {{ ordered }}
}}

/// The first of which `test` says so, or what comes instead.
fn choose_{number}<T>(items: List<T>, instead: T, test: fn(T) -> Bool) -> T {{
  for item in items {{
    if test(item) {{ return item }}
  }}
  instead
}}

fn summary_{number}(items: List<{record}>) -> Map<String, Int> {{
  var counts: Map<String, Int> = [:]
  var sum = 0.00
  for item in items {{
    let before = counts.get(item.{label}) ?? 0
    counts[item.{label}] = before + item.{key}
    sum += {price}
  }}
  let mean = if items.is_empty() {{ 0.00 }} else {{ sum / items.len().to_decimal() }}
  counts.insert(\"mean {{mean}} of {{items.len()}}\", counts.len() * {high})
}}

fn checked_{number}(it: {record}, limit: Int = {high}) -> Int fails {error} {{
  if it.{key} > limit or it.{other} > LIMIT_{constant} {{ fail {limit}(limit: limit) }}
  if {odd} {{ fail {named}(\"{{it.{label}}} is no {label}\") }}
  var left = it.{other}
  var rounds = 0
  while left > {low} {{
    left = left / 2 - 1
    rounds += 1
    if rounds > 64 {{ fail {plain} }}
  }}
  let step = STEPS_{constant}.get(rounds % STEPS_{constant}.len()) ?? fail {plain}
  rounds * step + left
}}

fn report_{number}(items: List<{record}>) -> String {{
  let best = choose_{number}(ranked_{number}(items), items[0], |item| item.{key} >= {low})
  let size = checked_{number}(best) catch {{
    {limit}(limit) => limit - 1
    {named}(text) if text.len() > {low} => {low}
    _ => 0
  }}
  let lines = items.map(|item| \"- {{item.{label}}}: {{item.{key} * size}} ({{item.{other}}})\")
  let lines = if summary_{number}(items).len() > {low} {{ lines.reverse() }} else {{ lines }}
  lines.fold(\"{thing}:\", |text, line| \"{{text}}\\n{{line}}\")
}}

"
    )
}

/// What other modules use of it.
pub(crate) fn sample(module: &Module, random: &mut Random) -> String {
    let Module { thing, record, status, .. } = module;
    let constant = thing.to_uppercase();
    let [ready, since, why] = [module.case(0), module.case(1), module.case(2)];
    let mut fields = String::new();
    for name in &module.numbers {
        let _ = writeln!(fields, "    {name}: {},", random.below(900));
    }
    for name in &module.amounts {
        let _ = writeln!(fields, "    {name}: {}.{:02},", random.below(900), random.below(100));
    }
    for name in &module.texts {
        let _ = writeln!(fields, "    {name}: \"{name} of {{id}}\",");
    }
    let worth = decimal(module, "it", random, 3);
    let (key, amount) = (module.text(random), module.amount(random));
    let arms: String = module
        .cases
        .iter()
        .skip(3)
        .map(|case| format!("    {case} => worth * {}.{:02}\n", random.below(3), random.below(100)))
        .collect();
    format!(
        "/// A {thing} for tests.
pub fn sample_{thing}(id: String) -> {record} {{
  {record}(
    id: {record}Id(id),
{fields}    status: {ready},
  )
}}

/// What a {thing} is worth where it stands.
pub fn worth_{thing}(it: {record}) -> Decimal {{
  let worth = {worth}
  match it.status {{
    {ready} => worth
    {since}(_) => worth - it.{amount}
    {why}(why) if why.starts_with(\"{key}\") => 0.00
    {why}(why) => RATES_{constant}.get(why) ?? 0.50
{arms}  }}
}}

fn is_done_{thing}(status: {status}) -> Bool {{ status is {ready} or status is {why}(_) }}

"
    )
}

/// What it does with another module.
pub(crate) fn uses(module: &Module, other: &Module, whole: bool, random: &mut Random) -> String {
    let prefix = if whole { format!("{}.", other.file) } else { String::new() };
    let (this, that) = (&module.thing, &other.thing);
    let (record, theirs) = (&module.record, format!("{prefix}{}", other.record));
    let (number, amount) = (other.number(random), other.amount(random));
    let (mine, text) = (module.number(random), other.text(random));
    let adjusted = decimal(other, "one", random, 2);
    format!(
        "/// How a {this} goes with some {that}s.
fn {this}_with_{that}(it: {record}, others: List<{theirs}>) -> (Decimal, Int) {{
  let near = others.filter(|one| one.{number} - it.{mine} < {} and one.{text}.len() > 0)
  let values = near.map(|one| {prefix}worth_{that}(one) + {adjusted})
  let sum = values.fold(0.00, |sum, value| if value > {}.00 {{ sum + value }} else {{ sum }})
  let extra = {prefix}sample_{that}(\"extra of {{it.id}}\") with ({number}: it.{mine})
  (sum - extra.{amount}, near.len() * {})
}}

",
        random.below(500),
        random.below(50),
        random.between(1, 9)
    )
}

/// Its activities: one over http, one done by a worker, one with a policy.
pub(crate) fn activities(module: &Module, random: &mut Random) -> String {
    let Module { thing, record, error, .. } = module;
    let [first, second, third] = [module.step(0), module.step(1), module.step(2)];
    let (number, amount, text) = (module.number(random), module.amount(random), module.text(random));
    format!(
        "activity {first}(it: {record}) -> String fails {error} {{
  run:      http.post(\"{{env.SHOP_URL}}/{thing}/{first}\", json: [\"{number}\": it.{number}, \"{text}\": it.{text}, \"lines\": [1, {}]])
  timeout:  {}s
  retry:    exponential(initial: {}ms, factor: 2, attempts: {})
}}

activity undo_{first}(receipt: String) {{ run: http.delete(\"{{env.SHOP_URL}}/{thing}/{{receipt}}\") }}

/// Done by people in the {thing} office.
activity {second}(it: {record}) -> String {{ queue: \"{thing}\"  heartbeat: {}s  deadline: {}h }}

activity {third}(it: {record}, amount: Decimal = {}.00) -> String fails {error} {{
  run:     \"{{it.id}}: {{it.{amount} + amount}} after {{it.{number}}}\"
  timeout: {}s
}}

",
        random.below(100),
        random.between(1, 60),
        random.between(1, 900),
        random.between(2, 9),
        random.between(1, 60),
        random.between(1, 48),
        random.below(100),
        random.between(1, 60),
    )
}

/// A saga, one workflow for many, and one that waits.
pub(crate) fn workflows(module: &Module, random: &mut Random) -> String {
    let Module { thing, record, error, status, .. } = module;
    let [first, second, third] = [module.step(0), module.step(1), module.step(2)];
    let [limit, named, plain] = [module.reason(0), module.reason(1), module.reason(2)];
    let (ready, why) = (module.case(0), module.case(2));
    let (number, amount, text) = (module.number(random), module.amount(random), module.text(random));
    let hurry = condition(module, "it", random);
    let (days, hours, many) = (random.between(1, 30), random.between(1, 24), random.between(2, 500));
    format!(
        "/// Takes a {thing} all the way, or not at all.
pub workflow settle_{thing}(it: {record}) -> String fails {error} {{
  index {text} = it.{text}
  signal verdict: {status}
  state phase = \"new\"
  query phase_of() -> String {{ phase }}

  if it.{number} > {many} {{ fail {limit}(limit: {many}) }}
  saga {{
    let receipt = {first}(it)
      compensate undo_{first}(receipt)
      unknown |key| undo_{first}(key)
    phase = \"waiting for {{receipt}}\"
    let decision = if {hurry} {{
      {ready}
    }} else {{
      race {{
        receive verdict as v => v
        after {days}d => {why}(why: \"nobody answered in {days} days\")
      }}
    }}
    match decision {{
      {why}(why) => fail {named}(why)
      _ => {{
        let printed = timeout {hours}h {{ {second}(it) }}
        phase = \"done\"
        \"{{receipt}} and {{printed}}, {{worth_{thing}(it)}}\"
      }}
    }}
  }}
}}

/// All of them, {many} at a time; those that fail are told of.
pub workflow settle_all_{thing}(items: List<{record}>) -> List<String> {{
  let results = parallel for item in items max {many} {{ try {third}(item, amount: item.{amount}) }}
  var lines: List<String> = []
  for result in results {{
    let line = match result {{
      Ok(text) => text
      Err({limit}(limit)) => \"more than {{limit}}\"
      Err({named}(text)) => text.to_upper()
      Err({plain}) => \"{plain}\"
    }}
    lines.push(line)
  }}
  lines
}}

workflow pair_{thing}(left: {record}, right: {record}) -> String {{
  let (one, other) = parallel {{
    {second}(left)
    {third}(right) catch {{ {limit}(limit) => \"{{limit}}\", _ => \"none\" }}
  }}
  sleep {hours}h
  if one == other {{ one }} else {{ \"{{one}} {{other}}\" }}
}}

"
    )
}

/// What is shown of it.
pub(crate) fn tests(module: &Module, random: &mut Random) -> String {
    let Module { thing, .. } = module;
    let (first, second, amount) = (module.step(0), module.step(1), module.amount(random));
    format!(
        "test \"a {thing} is settled\" {{
  given {first} returns \"receipt {}\"
  given {second} takes {}h
  let it = sample_{thing}(\"t{}\")
  let result = try settle_{thing}(it with ({amount}: {}.50))
  assert result is Ok(_)
}}
",
        random.below(1_000),
        random.between(1, 24),
        random.below(1_000),
        random.below(1_000),
    )
}

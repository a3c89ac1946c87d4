use serde::{Deserialize, Serialize};
use std::collections::HashMap;

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, as in the other languages")]
struct Line {
    sku: String,
    quantity: i64,
    price: i64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, as in the other languages")]
struct Order {
    id: i64,
    customer: String,
    lines: Vec<Line>,
}

#[derive(Clone, Serialize)]
struct Total {
    customer: String,
    orders: i64,
    amount: i64,
}

fn text(n: i64) -> String {
    let orders: Vec<String> = (0..n)
        .map(|i| {
            format!(
                r#"{{"id":{i},"customer":"c{}","lines":[{{"sku":"a","quantity":{},"price":120}},{{"sku":"b","quantity":1,"price":{}}}]}}"#,
                i % 100,
                i % 7,
                i % 50
            )
        })
        .collect();
    format!("[{}]", orders.join(","))
}

pub fn main(n: i64) -> i64 {
    let orders: Vec<Order> = serde_json::from_str(&text(n)).expect("the text is JSON");
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut totals: Vec<Total> = Vec::new();
    for order in orders {
        let amount: i64 = order.lines.iter().map(|line| line.quantity * line.price).sum();
        if amount > 100 {
            let place = *places.entry(order.customer.clone()).or_insert_with(|| {
                totals.push(Total { customer: order.customer.clone(), orders: 0, amount: 0 });
                totals.len() - 1
            });
            totals[place].orders += 1;
            totals[place].amount += amount;
        }
    }
    let mut checksum = serde_json::to_string(&totals).expect("totals are JSON").chars().count() as i64;
    for total in &totals {
        checksum = (checksum * 31 + total.amount) % 1000000007;
    }
    checksum
}

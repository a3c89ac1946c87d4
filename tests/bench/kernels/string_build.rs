pub fn main(n: i64) -> i64 {
    let mut lines = Vec::new();
    for i in 0..n {
        lines.push(format!("item {i}: {} pieces", i * 7 % 100));
    }
    let text = lines.join("\n");
    let mut pieces = 0;
    for line in text.split('\n') {
        if line.ends_with("7 pieces") {
            pieces += 1;
        }
    }
    text.chars().count() as i64 * 1000 + pieces % 1000
}

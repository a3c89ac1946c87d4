struct Item {
    id: i64,
    weight: i64,
}

pub fn main(n: i64) -> i64 {
    let mut items = Vec::new();
    let mut seed = 42;
    for id in 0..n {
        seed = (seed * 1103515245 + 12345) % 2147483648i64;
        items.push(Item { id, weight: seed % 100000 });
    }
    let bias = 17;
    items.sort_by_key(|item| (item.weight + bias) % 100000);
    let mut checksum = 0;
    for item in &items {
        checksum = (checksum * 31 + item.id) % 1000000007;
    }
    checksum
}

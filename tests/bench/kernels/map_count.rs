use std::collections::HashMap;

pub fn main(n: i64) -> i64 {
    // The order of insertion is kept beside the map, as the other languages' maps keep it.
    let mut counts: HashMap<i64, i64> = HashMap::new();
    let mut order = Vec::new();
    let mut seed = 42;
    for _ in 0..n {
        seed = (seed * 1103515245 + 12345) % 2147483648i64;
        let key = seed % 10007;
        *counts.entry(key).or_insert_with(|| {
            order.push(key);
            0
        }) += 1;
    }
    let mut checksum = counts.len() as i64;
    for key in order {
        checksum = (checksum * 31 + key * counts[&key]) % 1000000007;
    }
    checksum
}

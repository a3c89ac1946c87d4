fn cell(i: i64, j: i64) -> f64 {
    1.0 / ((i + j) * (i + j + 1) / 2 + i + 1) as f64
}

fn times(v: &[f64]) -> Vec<f64> {
    let mut result = Vec::new();
    for i in 0..v.len() {
        let mut sum = 0.0;
        for (j, item) in v.iter().enumerate() {
            sum += cell(i as i64, j as i64) * item;
        }
        result.push(sum);
    }
    result
}

fn times_transposed(v: &[f64]) -> Vec<f64> {
    let mut result = Vec::new();
    for i in 0..v.len() {
        let mut sum = 0.0;
        for (j, item) in v.iter().enumerate() {
            sum += cell(j as i64, i as i64) * item;
        }
        result.push(sum);
    }
    result
}

pub fn main(n: i64) -> f64 {
    let mut u = vec![1.0; n as usize];
    let mut v = Vec::new();
    for _ in 0..10 {
        v = times_transposed(&times(&u));
        u = times_transposed(&times(&v));
    }
    let (mut vbv, mut vv) = (0.0, 0.0);
    for i in 0..n as usize {
        vbv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    (vbv / vv).sqrt()
}

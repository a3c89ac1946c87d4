fn matrix(n: usize, seed: usize) -> Vec<f64> {
    (0..n * n).map(|i| (i * seed % 1000) as f64 / 1000.0).collect()
}

pub fn main(n: i64) -> f64 {
    let n = n as usize;
    let (a, b) = (matrix(n, 7), matrix(n, 13));
    let mut c = vec![0.0; n * n];
    for i in 0..n {
        for k in 0..n {
            let factor = a[i * n + k];
            for j in 0..n {
                c[i * n + j] += factor * b[k * n + j];
            }
        }
    }
    (0..n).map(|i| c[i * n + i]).sum()
}

pub fn main(n: i64) -> i64 {
    let mut inside = 0;
    let size = n as f64;
    for row in 0..n {
        let ci = 2.0 * row as f64 / size - 1.0;
        for column in 0..n {
            let cr = 2.0 * column as f64 / size - 1.5;
            let (mut zr, mut zi, mut round) = (0.0, 0.0, 0);
            while round < 50 && zr * zr + zi * zi <= 4.0 {
                (zr, zi) = (zr * zr - zi * zi + cr, 2.0 * zr * zi + ci);
                round += 1;
            }
            if round == 50 {
                inside += 1;
            }
        }
    }
    inside
}

const PI: f64 = 3.141592653589793;
const DAYS: f64 = 365.24;

fn energy(x: &[f64], y: &[f64], z: &[f64], v: [&[f64]; 3], m: &[f64]) -> f64 {
    let [vx, vy, vz] = v;
    let mut e = 0.0;
    for i in 0..5 {
        e += 0.5 * m[i] * (vx[i] * vx[i] + vy[i] * vy[i] + vz[i] * vz[i]);
        for j in i + 1..5 {
            let (dx, dy, dz) = (x[i] - x[j], y[i] - y[j], z[i] - z[j]);
            e -= m[i] * m[j] / (dx * dx + dy * dy + dz * dz).sqrt();
        }
    }
    e
}

pub fn main(steps: i64) -> f64 {
    let sun = 4.0 * PI * PI;
    let mut x = vec![0.0, 4.84143144246472090, 8.34336671824457987, 12.8943695621391310, 15.3796971148509165];
    let mut y = vec![0.0, -1.16032004402742839, 4.12479856412430479, -15.1111514016986312, -25.9193146099879641];
    let mut z = vec![0.0, -0.103622044471123109, -0.403523417114321381, -0.223307578892655734, 0.179258772950371181];
    let mut vx = vec![0.0, 0.00166007664274403694 * DAYS, -0.00276742510726411899 * DAYS, 0.00296460137564761618 * DAYS, 0.00268067772490389322 * DAYS];
    let mut vy = vec![0.0, 0.00769901118419740425 * DAYS, 0.00499852801234917238 * DAYS, 0.00237847173959480950 * DAYS, 0.00162824170038242295 * DAYS];
    let mut vz = vec![0.0, -0.0000690460016972063023 * DAYS, 0.0000230417297573763929 * DAYS, -0.0000296589568540237556 * DAYS, -0.0000951592254519715870 * DAYS];
    let m = vec![sun, 0.000954791938424326609 * sun, 0.000285885980666130812 * sun, 0.0000436624404335156298 * sun, 0.0000515138902046611451 * sun];
    let dt = 0.01;
    for _ in 0..steps {
        for i in 0..5 {
            for j in i + 1..5 {
                let (dx, dy, dz) = (x[i] - x[j], y[i] - y[j], z[i] - z[j]);
                let d2: f64 = dx * dx + dy * dy + dz * dz;
                let mag = dt / (d2 * d2.sqrt());
                vx[i] -= dx * m[j] * mag;
                vy[i] -= dy * m[j] * mag;
                vz[i] -= dz * m[j] * mag;
                vx[j] += dx * m[i] * mag;
                vy[j] += dy * m[i] * mag;
                vz[j] += dz * m[i] * mag;
            }
        }
        for i in 0..5 {
            x[i] += dt * vx[i];
            y[i] += dt * vy[i];
            z[i] += dt * vz[i];
        }
    }
    energy(&x, &y, &z, [&vx, &vy, &vz], &m)
}

pub fn main(n: i64) -> i64 {
    let n = n as usize;
    let mut perm: Vec<i64> = (0..n as i64).collect();
    let mut count: Vec<i64> = (0..n as i64).collect();
    let (mut checksum, mut most, mut r, mut sign) = (0, 0, n, 1);
    loop {
        while r != 1 {
            count[r - 1] = r as i64;
            r -= 1;
        }
        if perm[0] != 0 {
            let mut p = perm.clone();
            let mut flips = 0;
            let mut first = p[0];
            while first != 0 {
                let (mut low, mut high) = (0, first as usize);
                while low < high {
                    p.swap(low, high);
                    low += 1;
                    high -= 1;
                }
                flips += 1;
                first = p[0];
            }
            most = most.max(flips);
            checksum += sign * flips;
        }
        loop {
            if r == n {
                return checksum * 1000 + most;
            }
            let first = perm[0];
            for i in 0..r {
                perm[i] = perm[i + 1];
            }
            perm[r] = first;
            count[r] -= 1;
            if count[r] > 0 {
                break;
            }
            r += 1;
        }
        sign = -sign;
    }
}

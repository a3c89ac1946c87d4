module.exports = (n) => {
  const perm = Array.from({ length: n }, (_, i) => i);
  const count = Array.from({ length: n }, (_, i) => i);
  let checksum = 0, most = 0, r = n, sign = 1;
  for (;;) {
    while (r !== 1) {
      count[r - 1] = r;
      r--;
    }
    if (perm[0] !== 0) {
      const p = perm.slice();
      let flips = 0;
      let first = p[0];
      while (first !== 0) {
        let low = 0, high = first;
        while (low < high) {
          const held = p[low];
          p[low] = p[high];
          p[high] = held;
          low++;
          high--;
        }
        flips++;
        first = p[0];
      }
      if (flips > most) most = flips;
      checksum += sign * flips;
    }
    for (;;) {
      if (r === n) return checksum * 1000 + most;
      const first = perm[0];
      for (let i = 0; i < r; i++) perm[i] = perm[i + 1];
      perm[r] = first;
      count[r]--;
      if (count[r] > 0) break;
      r++;
    }
    sign = -sign;
  }
};

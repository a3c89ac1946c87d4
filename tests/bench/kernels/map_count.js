module.exports = (n) => {
  const counts = new Map();
  let seed = 42;
  for (let i = 0; i < n; i++) {
    // The product needs more than 53 bits, so it is made of two halves.
    const high = Math.floor(seed / 65536), low = seed % 65536;
    seed = ((((high * 1103515245) % 32768) * 65536) + low * 1103515245 + 12345) % 2147483648;
    const key = seed % 10007;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  let checksum = counts.size;
  for (const [key, times] of counts) checksum = (checksum * 31 + key * times) % 1000000007;
  return checksum;
};

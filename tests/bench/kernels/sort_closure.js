module.exports = (n) => {
  const items = [];
  let seed = 42;
  for (let id = 0; id < n; id++) {
    const high = Math.floor(seed / 65536), low = seed % 65536;
    seed = ((((high * 1103515245) % 32768) * 65536) + low * 1103515245 + 12345) % 2147483648;
    items.push({ id, weight: seed % 100000 });
  }
  const bias = 17;
  const key = (item) => (item.weight + bias) % 100000;
  const sorted = items.slice().sort((a, b) => key(a) - key(b));
  let checksum = 0;
  for (const item of sorted) checksum = (checksum * 31 + item.id) % 1000000007;
  return checksum;
};

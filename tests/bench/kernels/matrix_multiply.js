function matrix(n, seed) {
  const cells = [];
  for (let i = 0; i < n * n; i++) cells.push(((i * seed) % 1000) / 1000);
  return cells;
}

module.exports = (n) => {
  const a = matrix(n, 7), b = matrix(n, 13);
  const c = new Array(n * n).fill(0);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < n; k++) {
      const factor = a[i * n + k];
      for (let j = 0; j < n; j++) c[i * n + j] += factor * b[k * n + j];
    }
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += c[i * n + i];
  return trace;
};

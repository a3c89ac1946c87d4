const cell = (i, j) => 1 / ((((i + j) * (i + j + 1)) / 2) + i + 1);

function times(v) {
  const result = [];
  for (let i = 0; i < v.length; i++) {
    let sum = 0;
    for (let j = 0; j < v.length; j++) sum += cell(i, j) * v[j];
    result.push(sum);
  }
  return result;
}

function timesTransposed(v) {
  const result = [];
  for (let i = 0; i < v.length; i++) {
    let sum = 0;
    for (let j = 0; j < v.length; j++) sum += cell(j, i) * v[j];
    result.push(sum);
  }
  return result;
}

module.exports = (n) => {
  let u = new Array(n).fill(1);
  let v = [];
  for (let round = 0; round < 10; round++) {
    v = timesTransposed(times(u));
    u = timesTransposed(times(v));
  }
  let vbv = 0, vv = 0;
  for (let i = 0; i < n; i++) {
    vbv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  return Math.sqrt(vbv / vv);
};

// node run.js KERNEL N SECONDS: runs a kernel until so much time has passed; prints its result and its best time.
const { performance } = require("node:perf_hooks");
const [name, n, seconds] = process.argv.slice(2);
const kernel = require(`./${name}.js`);
let best = Infinity, result;
const end = performance.now() + Number(seconds) * 1000;
do {
  const start = performance.now();
  result = kernel(Number(n));
  best = Math.min(best, (performance.now() - start) / 1000);
} while (performance.now() < end);
console.log(JSON.stringify({ result, seconds: best }));

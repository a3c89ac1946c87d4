module.exports = (n) => {
  const lines = [];
  for (let i = 0; i < n; i++) lines.push(`item ${i}: ${(i * 7) % 100} pieces`);
  const text = lines.join("\n");
  let pieces = 0;
  for (const line of text.split("\n")) if (line.endsWith("7 pieces")) pieces++;
  return text.length * 1000 + (pieces % 1000);
};

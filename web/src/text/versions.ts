/** "1.10.0" comes after "1.9.3"; what is not a number compares as text. */
export function compare_versions(a: string, b: string): number {
  const x = a.split(/[.+-]/);
  const y = b.split(/[.+-]/);
  for (let i = 0; i < Math.max(x.length, y.length); i += 1) {
    const order = compare_part(x[i] ?? '', y[i] ?? '');
    if (order) return order;
  }
  return 0;
}

function compare_part(a: string, b: string): number {
  const n = Number(a);
  const m = Number(b);
  if (a && b && !Number.isNaN(n) && !Number.isNaN(m)) return n - m;
  return a < b ? -1 : a > b ? 1 : 0;
}

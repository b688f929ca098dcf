// Numbers and words for people. Pure.

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** 1536 → "1.5 KiB"; 0 → "0 B". */
export function bytes(n: number): string {
  let unit = 0;
  while (n >= 1024 && unit < units.length - 1) {
    n /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || n >= 100 ? 0 : 1;
  return `${n.toFixed(digits).replace(/\.0$/, '')} ${units[unit]}`;
}

/** 1243 → "1 243" with narrow no-break spaces. */
export function count(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** plural(1, 'node') → "1 node"; plural(2, 'node') → "2 nodes". */
export function plural(n: number, word: string, many = `${word}s`): string {
  return `${count(n)} ${n === 1 ? word : many}`;
}

/** "a, b, c and 4 more" */
export function some_of(names: readonly string[], max = 3): string {
  if (names.length <= max) return names.join(', ');
  return `${names.slice(0, max).join(', ')} and ${names.length - max} more`;
}

/** Groups in the order of first appearance. */
export function group_by<T>(items: readonly T[], key: (item: T) => string): [string, T[]][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return [...groups];
}

/** The first 8 digits of an id, as the CLI shows them. */
export function short_id(id: string): string {
  return id.slice(0, 8);
}

export function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

// The URL is the state of a page (filter, sort, what is open), so a link shows the same view again.

export type Query = Record<string, string>;

/** `path` with `query` changed; undefined and "" remove a key. Keys keep their order, new ones go last. */
export function with_query(path: string, query: Query, changes: Record<string, string | undefined>): string {
  const params = new URLSearchParams(query);
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined || value === '') params.delete(key);
    else params.set(key, value);
  }
  const text = params.toString().replaceAll('%2F', '/').replaceAll('%3A', ':');
  return text ? `${path}?${text}` : path;
}

/** "a,b" ↔ a set. Commas in a member are percent-encoded. */
export function parse_set(text: string | undefined): Set<string> {
  if (!text) return new Set();
  return new Set(text.split(',').filter(Boolean).map(decodeURIComponent));
}

export function print_set(members: ReadonlySet<string>): string {
  return [...members].map((member) => encodeURIComponent(member).replaceAll('%2F', '/')).join(',');
}

export interface Sort {
  key: string;
  down: boolean;
}

export function parse_sort(text: string | undefined, standard: string): Sort {
  const value = text || standard;
  return value.startsWith('-') ? { key: value.slice(1), down: true } : { key: value, down: false };
}

/** The sort after a click on a column: up, then down; undefined is the page's standard. */
export function next_sort(current: Sort, key: string, standard: string): string | undefined {
  const value = current.key === key && !current.down ? `-${key}` : key;
  return value === standard ? undefined : value;
}

/** Puts `key:value` into a filter text, or takes `key:` out of it. */
export function with_term(filter: string, key: string, value: string | undefined): string {
  const words = (filter.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).filter((word) => !word.startsWith(`${key}:`));
  if (value) words.unshift(`${key}:${/\s/.test(value) ? `"${value}"` : value}`);
  return words.join(' ');
}

export function term_of(filter: string, key: string): string | undefined {
  const word = (filter.match(/(?:[^\s"]|"[^"]*")+/g) ?? []).find((w) => w.startsWith(`${key}:`));
  return word?.slice(key.length + 1).replaceAll('"', '');
}

// The filter language, for what only the browser holds (events). Everything else is filtered by the hub, with
// the same words: bare words and key:value, all must match; `|` or, a leading `-` not, `*` any.

export type Filter = (members: Record<string, string>) => boolean;

export function parse_filter(text: string): Filter {
  const words = text.match(/(?:[^\s"]|"[^"]*")+/g) ?? [];
  const tests = words.map(parse_word);
  return (members) => tests.every((test) => test(members));
}

function parse_word(word: string): Filter {
  const not = word.length > 1 && word.startsWith('-');
  const bare = (not ? word.slice(1) : word).replaceAll('"', '');
  const colon = bare.indexOf(':');
  const key = colon > 0 ? bare.slice(0, colon) : '';
  const patterns = (colon > 0 ? bare.slice(colon + 1) : bare).toLowerCase().split('|');
  const test: Filter = key
    ? (members) => patterns.some((pattern) => matches(pattern, members[key]?.toLowerCase() ?? ''))
    : (members) => Object.values(members).some((value) => patterns.some((p) => value.toLowerCase().includes(p)));
  return not ? (members) => !test(members) : test;
}

function matches(pattern: string, value: string): boolean {
  if (!pattern.includes('*')) return pattern === value;
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(value);
}

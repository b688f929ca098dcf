import { describe, expect, it } from 'vitest';
import { next_sort, parse_set, parse_sort, print_set, term_of, with_query, with_term } from '../src/state/url';

describe('URL state', () => {
  it('changes one key and keeps the others', () => {
    expect(with_query('/services', { filter: 'a', sort: 'name' }, { filter: 'stack:shop x' })).toBe('/services?filter=stack:shop+x&sort=name');
    expect(with_query('/services', { filter: 'a' }, { filter: '' })).toBe('/services');
    expect(with_query('/services', {}, { open: 'shop/web' })).toBe('/services?open=shop/web');
  });
  it('a set survives the way there and back', () => {
    const set = new Set(['shop/web', 'a,b', 'ü']);
    const url = new URL(with_query('/x', {}, { open: print_set(set) }), 'http://h');
    expect(parse_set(url.searchParams.get('open') ?? '')).toEqual(set);
    expect(parse_set(undefined)).toEqual(new Set());
  });
  it('sorts: up, down, standard', () => {
    expect(parse_sort(undefined, '-created_at')).toEqual({ key: 'created_at', down: true });
    expect(next_sort(parse_sort('name', 'name'), 'state', 'name')).toBe('state');
    expect(next_sort(parse_sort('state', 'name'), 'state', 'name')).toBe('-state');
    expect(next_sort(parse_sort('-state', 'name'), 'state', 'name')).toBe('state');
    expect(next_sort(parse_sort('-name', 'name'), 'name', 'name')).toBeUndefined();
    expect(next_sort(parse_sort(undefined, '-at'), 'at', '-at')).toBe('at');
    expect(next_sort(parse_sort('at', '-at'), 'at', '-at')).toBeUndefined();
  });
  it('terms of a filter', () => {
    expect(with_term('web state:ready', 'state', 'failed')).toBe('state:failed web');
    expect(with_term('web state:ready', 'state', undefined)).toBe('web');
    expect(with_term('', 'node', 'a b')).toBe('node:"a b"');
    expect(term_of('x state:a|b', 'state')).toBe('a|b');
    expect(term_of('x', 'state')).toBeUndefined();
  });
});

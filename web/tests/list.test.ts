import { describe, expect, it } from 'vitest';
import { compare_by, LiveList } from '../src/live/list';

interface Row {
  id: string;
  name: string;
  n: number;
}
const row = (id: string, n = 0, name = id): Row => ({ id, name, n });
const make = () => {
  const list = new LiveList<Row>((each) => each.id, compare_by('name'));
  list.snapshot({ items: [row('a'), row('c'), row('e')], counts: { total: 9, matching: 3 } });
  return list;
};

describe('LiveList', () => {
  it('takes the order of the snapshot', () => {
    const list = make();
    expect(list.order.value).toEqual(['a', 'c', 'e']);
    expect(list.counts.value).toEqual({ total: 9, matching: 3 });
    expect(list.loaded.value).toBe(true);
  });

  it('an update changes its row and nothing else', () => {
    const list = make();
    const order = list.order.value;
    const other = list.row('a')?.value;
    list.delta({ set: [row('c', 7)] });
    expect(list.order.value).toBe(order);
    expect(list.row('c')?.value.n).toBe(7);
    expect(list.row('a')?.value).toBe(other);
  });

  it('an update that changes the sort key does not move the row', () => {
    const list = make();
    list.delta({ set: [row('a', 1, 'zzz')] });
    expect(list.order.value).toEqual(['a', 'c', 'e']);
  });

  it('puts a new row where it belongs', () => {
    const list = make();
    list.delta({ set: [row('b')], counts: { total: 10, matching: 4 } });
    expect(list.order.value).toEqual(['a', 'b', 'c', 'e']);
    expect(list.counts.value.matching).toBe(4);
  });

  it('held: new rows wait, rows that went away stay until it is released', () => {
    const list = make();
    list.hold(true);
    list.delta({ set: [row('b'), row('d')], del: ['c'] });
    expect(list.order.value).toEqual(['a', 'c', 'e']);
    expect(list.waiting.value).toEqual(['b', 'd']);
    expect([...list.gone.value]).toEqual(['c']);
    list.release();
    expect(list.order.value).toEqual(['a', 'b', 'd', 'e']);
    expect(list.waiting.value).toEqual([]);
    expect(list.gone.value.size).toBe(0);
  });

  it('held: a row that comes back is not gone, one that came and went was never there', () => {
    const list = make();
    list.hold(true);
    list.delta({ set: [row('b')], del: ['c'] });
    list.delta({ set: [row('c', 5)], del: ['b'] });
    expect(list.gone.value.size).toBe(0);
    expect(list.waiting.value).toEqual([]);
    list.hold(false);
    expect(list.order.value).toEqual(['a', 'c', 'e']);
    expect(list.row('c')?.value.n).toBe(5);
  });

  it('a fresh snapshot keeps the signals of known rows', () => {
    const list = make();
    const signal = list.row('c');
    list.snapshot({ items: [row('c', 3), row('x')] });
    expect(list.row('c')).toBe(signal);
    expect(signal?.value.n).toBe(3);
    expect(list.row('a')).toBeUndefined();
    expect(list.order.value).toEqual(['c', 'x']);
  });

  it('deleting an unknown row does nothing', () => {
    const list = make();
    list.delta({ del: ['zz'] });
    expect(list.order.value).toEqual(['a', 'c', 'e']);
  });

  it('sorts numbers as numbers, and downwards', () => {
    expect([row('a', 10), row('b', 9)].sort(compare_by<Row>('n')).map((r) => r.n)).toEqual([9, 10]);
    expect([row('a', 9), row('b', 10)].sort(compare_by<Row>('-n')).map((r) => r.n)).toEqual([10, 9]);
  });
});

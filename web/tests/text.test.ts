import { describe, expect, it } from 'vitest';
import { LogBuffer, Resume } from '../src/logs/buffer';
import { bytes, count, group_by, plural, some_of } from '../src/text/format';
import { parse_filter } from '../src/text/filter';
import { look_of, version_look } from '../src/text/states';
import { age, clock, duration, parse_time } from '../src/text/time';
import { compare_versions } from '../src/text/versions';

describe('time', () => {
  it('durations', () => {
    expect([850, 42_000, 185_000, 7_800_000, 442_800_000].map(duration)).toEqual(['850 ms', '42 s', '3 m 05 s', '2 h 10 m', '5 d 3 h']);
    expect(duration(-5)).toBe('0 ms');
  });
  it('ages', () => {
    expect([200, 42_000, 185_000, 7_800_000, 442_800_000].map(age)).toEqual(['now', '42 s', '3 m', '2 h', '5 d']);
  });
  it('clock in UTC', () => {
    expect(clock(Date.UTC(2026, 0, 2, 3, 4, 5, 6), true)).toBe('03:04:05.006');
  });
  it('what is no time is undefined', () => {
    expect(parse_time('nonsense')).toBeUndefined();
    expect(parse_time(null)).toBeUndefined();
  });
});

describe('format', () => {
  it('bytes', () => {
    expect([0, 1023, 1536, 34359738368, 1.5 * 1024 ** 5].map(bytes)).toEqual(['0 B', '1023 B', '1.5 KiB', '32 GiB', '1.5 PiB']);
  });
  it('counts and words', () => {
    expect(count(1243)).toBe('1\u202f243');
    expect(plural(1, 'node')).toBe('1 node');
    expect(plural(2, 'service depends', 'services depend')).toBe('2 services depend');
    expect(some_of(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
    expect(group_by(['aa', 'b', 'ac'], (word) => word.charAt(0))).toEqual([['a', ['aa', 'ac']], ['b', ['b']]]);
  });
  it('versions', () => {
    expect(['1.10.0', '1.9.3', '1.9.10'].sort(compare_versions)).toEqual(['1.9.3', '1.9.10', '1.10.0']);
  });
  it('every state has a look, also one that is not known yet', () => {
    expect(look_of('ready').tone).toBe('ok');
    expect(look_of('something-new')).toEqual({ tone: 'idle', shape: 'question', word: 'something-new' });
    expect(version_look('minor').tone).toBe('warn');
  });
});

describe('filter', () => {
  const event = { level: 'warn', node: 'pve1', message: 'unhealthy: GET /' };
  const hits = (text: string) => parse_filter(text)(event);
  it('all words must match', () => {
    expect(hits('')).toBe(true);
    expect(hits('unhealthy')).toBe(true);
    expect(hits('unhealthy nothing')).toBe(false);
  });
  it('keys, alternatives, wildcards, not', () => {
    expect(hits('level:warn|error node:pve*')).toBe(true);
    expect(hits('level:error')).toBe(false);
    expect(hits('-node:pve1')).toBe(false);
    expect(hits('-node:pve2 "GET /"')).toBe(true);
    expect(hits('node:p.e1')).toBe(false);
    expect(hits('nosuchkey:x')).toBe(false);
  });
});

describe('log buffer', () => {
  const line = (time: string, text = '') => ({ time, stream: 'stdout', line: text });
  it('keeps the newest and their numbers', () => {
    const buffer = new LogBuffer(3);
    expect(buffer.push([line('1'), line('2')])).toBe(0);
    expect(buffer.push([line('3'), line('4')])).toBe(1);
    expect([buffer.at(0)?.n, buffer.last()?.n, buffer.length, buffer.total]).toEqual([1, 3, 3, 4]);
  });
  it('after a reconnection nothing is shown twice and nothing is lost', () => {
    const resume = new Resume('5', 2);
    const fresh = ['4', '5', '5', '5', '6', '6'].filter((time) => resume.is_new(line(time)));
    expect(fresh).toEqual(['5', '6', '6']);
  });
});

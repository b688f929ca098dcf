import { describe, expect, it } from 'vitest';
import { parse_ansi } from '../src/text/ansi';

describe('parse_ansi', () => {
  it('leaves plain text alone', () => {
    expect(parse_ansi('hello')).toEqual([{ text: 'hello', classes: '' }]);
    expect(parse_ansi('')).toEqual([]);
  });
  it('splits by colour and style', () => {
    expect(parse_ansi('\x1b[1;31mbad\x1b[0m good')).toEqual([
      { text: 'bad', classes: 'fg1 bold' },
      { text: ' good', classes: '' },
    ]);
  });
  it('knows bright, background, 256 and 24-bit colours', () => {
    expect(parse_ansi('\x1b[92;44mx')[0]?.classes).toBe('fg10 bg4');
    expect(parse_ansi('\x1b[38;5;9mx')[0]?.classes).toBe('fg9');
    expect(parse_ansi('\x1b[38;5;196mx')[0]?.color).toBe('rgb(255 0 0)');
    expect(parse_ansi('\x1b[38;5;244mx')[0]?.color).toBe('rgb(128 128 128)');
    expect(parse_ansi('\x1b[48;2;1;2;3mx')[0]?.background).toBe('rgb(1 2 3)');
    expect(parse_ansi('\x1b[38;2;999;0;0mx')[0]?.color).toBe('rgb(255 0 0)');
  });
  it('drops cursor moves, titles, links, control characters and broken ends', () => {
    const text = (line: string) => parse_ansi(line).map((span) => span.text).join('');
    expect(text('a\x1b[2Kb\x1b[10;10Hc')).toBe('abc');
    expect(text('a\x1b]0;title\x07b')).toBe('ab');
    expect(text('a\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\b')).toBe('alinkb');
    expect(text('a\rb\x08c\tq')).toBe('abc\tq');
    expect(text('a\x1b[')).toBe('a');
    expect(text('a\x1b')).toBe('a');
  });
  it('never makes markup', () => {
    expect(parse_ansi('<img src=x onerror=alert(1)>')).toEqual([{ text: '<img src=x onerror=alert(1)>', classes: '' }]);
  });
  it('inverse swaps the two', () => {
    expect(parse_ansi('\x1b[7;31mx')[0]?.classes).toBe('fg-canvas bg1');
  });
  it('is quick on a long line of escapes', () => {
    const line = '\x1b[31m'.repeat(20_000) + 'x';
    const from = performance.now();
    parse_ansi(line);
    expect(performance.now() - from).toBeLessThan(500);
  });
});

// ANSI colours of log lines, as spans. What is not a colour (cursor moves, titles, links) is dropped, and
// nothing here ever becomes HTML: the text goes into text nodes.

export interface Span {
  text: string;
  classes: string;
  color?: string; // 256-colour and 24-bit foregrounds
  background?: string;
}

interface Pen {
  fg: number | string | undefined;
  bg: number | string | undefined;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
}

const blank: Pen = {
  fg: undefined,
  bg: undefined,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
  inverse: false,
};

// CSI sequences, OSC sequences (ended by BEL or ST), two-byte escapes, other control characters but tab.
const escape = /\x1b\[([0-9;:?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?|[\x00-\x08\x0a-\x1f\x7f]/g;

/** Splits one line. A pen can be carried to the next line by passing the same object. */
export function parse_ansi(line: string, pen: Pen = { ...blank }): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const match of line.matchAll(escape)) {
    push(spans, line.slice(at, match.index), pen);
    at = match.index + match[0].length;
    if (match[2] === 'm') apply(pen, match[1] ?? '');
  }
  push(spans, line.slice(at), pen);
  return spans;
}

function push(spans: Span[], text: string, pen: Pen): void {
  if (!text) return;
  const fg = pen.inverse ? (pen.bg ?? 'canvas') : pen.fg;
  const bg = pen.inverse ? (pen.fg ?? 'text') : pen.bg;
  const classes = [
    typeof fg === 'number' ? `fg${fg}` : '',
    fg === 'canvas' ? 'fg-canvas' : '',
    typeof bg === 'number' ? `bg${bg}` : '',
    bg === 'text' ? 'bg-text' : '',
    pen.bold ? 'bold' : '',
    pen.dim ? 'dim' : '',
    pen.italic ? 'italic' : '',
    pen.underline ? 'underline' : '',
  ];
  const span: Span = { text, classes: classes.filter(Boolean).join(' ') };
  if (typeof fg === 'string' && fg !== 'canvas') span.color = fg;
  if (typeof bg === 'string' && bg !== 'text') span.background = bg;
  spans.push(span);
}

function apply(pen: Pen, parameters: string): void {
  const codes = parameters.split(/[;:]/).map((part) => Number(part || 0));
  for (let i = 0; i < codes.length; i += 1) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const { color, used } = extended(codes.slice(i + 1));
      if (code === 38) pen.fg = color;
      else pen.bg = color;
      i += used;
    } else {
      apply_one(pen, code);
    }
  }
}

function apply_one(pen: Pen, code: number): void {
  if (code === 0) Object.assign(pen, blank);
  else if (code === 1) pen.bold = true;
  else if (code === 2) pen.dim = true;
  else if (code === 3) pen.italic = true;
  else if (code === 4) pen.underline = true;
  else if (code === 7) pen.inverse = true;
  else if (code === 22) pen.bold = pen.dim = false;
  else if (code === 23) pen.italic = false;
  else if (code === 24) pen.underline = false;
  else if (code === 27) pen.inverse = false;
  else if (code >= 30 && code <= 37) pen.fg = code - 30;
  else if (code === 39) pen.fg = undefined;
  else if (code >= 40 && code <= 47) pen.bg = code - 40;
  else if (code === 49) pen.bg = undefined;
  else if (code >= 90 && code <= 97) pen.fg = code - 82;
  else if (code >= 100 && code <= 107) pen.bg = code - 92;
}

function extended(rest: number[]): { color: number | string | undefined; used: number } {
  if (rest[0] === 5) return { color: indexed(rest[1] ?? 0), used: 2 };
  if (rest[0] === 2) {
    const [r = 0, g = 0, b = 0] = rest.slice(1, 4).map((n) => Math.min(255, Math.max(0, n)));
    return { color: `rgb(${r} ${g} ${b})`, used: 4 };
  }
  return { color: undefined, used: rest.length };
}

function indexed(n: number): number | string | undefined {
  if (n < 0 || n > 255) return undefined;
  if (n < 16) return n;
  if (n >= 232) {
    const grey = 8 + (n - 232) * 10;
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const level = (x: number) => (x === 0 ? 0 : 55 + x * 40);
  const cube = n - 16;
  return `rgb(${level(Math.floor(cube / 36))} ${level(Math.floor(cube / 6) % 6)} ${level(cube % 6)})`;
}

// Requests to the hub. Every failure is a `Problem` (RFC 9457), also one that never reached the hub.
import { signal } from '@preact/signals';

export interface ProblemBody {
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  hint?: string;
  trace_id?: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly body: ProblemBody,
  ) {
    super(body.detail || body.title || `The hub answered ${status}.`);
  }
  get hint(): string {
    return this.body.hint ?? '';
  }
}

/** true once the hub has said that nobody is logged in here. */
export const signedOut = signal(false);

const base = '/api/v1';
const deadline_ms = 30_000;

/** A key that makes a repeated write harmless. Works on plain HTTP too, where randomUUID is not there. */
function idempotency_key(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

async function problem_of(response: Response): Promise<Problem> {
  const body = (await response.json().catch(() => ({}))) as ProblemBody;
  return new Problem(response.status, body);
}

/** Sends one request. Rejects with Problem; `signal` ends it early. */
export async function send(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(base + path, { credentials: 'same-origin', ...init });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'TimeoutError') {
      throw new Problem(0, { title: `The hub did not answer within ${deadline_ms / 1000} s.` });
    }
    if (init.signal?.aborted) throw error;
    throw new Problem(0, { title: 'The hub cannot be reached.', hint: 'The page keeps trying to connect.' });
  }
  if (response.status === 401 && path !== '/login') signedOut.value = true;
  if (!response.ok) throw await problem_of(response);
  return response;
}

export async function get<T>(path: string): Promise<T> {
  const response = await send(path, { signal: AbortSignal.timeout(deadline_ms) });
  return (await response.json()) as T;
}

export interface Write {
  body?: unknown;
  method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
}

export async function write<T>(path: string, { body, method = 'POST' }: Write = {}): Promise<T> {
  const headers: Record<string, string> = { 'Idempotency-Key': idempotency_key() };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const init: RequestInit = { method, headers, signal: AbortSignal.timeout(deadline_ms) };
  if (body !== undefined) init.body = JSON.stringify(body);
  const response = await send(path, init);
  const text = await response.text();
  return (text ? JSON.parse(text) : {}) as T;
}

/** "a=1&b=2" without what is empty. */
export function query(values: Record<string, string | number | undefined>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) {
    if (value !== undefined && value !== '') params.set(key, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

/** JSON lines of a body as they come; a broken line is skipped. */
export async function* json_lines<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T> {
  const reader = body.pipeThrough(new TextDecoderStream() as unknown as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const parsed = parse_line<T>(line);
      if (parsed !== undefined) yield parsed;
    }
  }
  const last = parse_line<T>(rest);
  if (last !== undefined) yield last;
}

function parse_line<T>(line: string): T | undefined {
  if (!line.trim()) return undefined;
  try {
    return JSON.parse(line) as T;
  } catch {
    return undefined;
  }
}

import { StringDecoder } from "node:string_decoder";

const longest = 64 * 1024;

/** Cuts what a program writes into lines, with their ends. A longer one than 64 Ki characters comes in parts. */
export class LineCutter {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(private readonly onLine: (line: string) => void) {}

  push(data: Buffer): void {
    this.#cut(this.#decoder.write(data));
  }

  /** Nothing comes any more: what is left is a line. */
  end(): void {
    this.#cut(this.#decoder.end());
    if (this.#rest) this.onLine(this.#rest);
    this.#rest = "";
  }

  #cut(text: string): void {
    let from = 0;
    const all = this.#rest + text;
    for (let at = all.indexOf("\n"); at >= 0; at = all.indexOf("\n", from)) {
      this.onLine(all.slice(from, at + 1));
      from = at + 1;
    }
    this.#rest = all.slice(from);
    if (this.#rest.length <= longest) return;
    this.onLine(this.#rest);
    this.#rest = "";
  }
}

/** The newest lines, without their ends. */
export class LastLines {
  #lines: string[] = [];

  constructor(private readonly count = 20) {}

  push(line: string): void {
    this.#lines.push(line.replace(/\r?\n$/, ""));
    if (this.#lines.length > this.count) this.#lines.shift();
  }

  all(): string[] {
    return [...this.#lines];
  }
}

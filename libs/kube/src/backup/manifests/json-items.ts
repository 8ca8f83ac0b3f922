/** What of a list is not its items; `text` is its JSON with an empty `items`. */
export interface ListFrame {
  readonly text: string;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const BRACKET = 0x5b;

/**
 * Splits the JSON of a Kubernetes list into its items while it arrives: a page of 500 ConfigMaps of 1 MiB would be half
 * a gigabyte, and this never holds more than one of them. Yields each item's text; returns the rest of the list.
 */
export async function* jsonItems(body: AsyncIterable<Uint8Array>): AsyncGenerator<string, ListFrame> {
  const splitter = new ItemSplitter();
  for await (const chunk of body) yield* splitter.take(chunk);
  return { text: splitter.end() };
}

class ItemSplitter {
  private depth = 0;
  private inString = false;
  private escaped = false;
  /** Inside the array `items`, at depth 2; its elements begin at depth 3. */
  private inItems = false;
  private inElement = false;
  private item: Buffer[] = [];
  private frame: Buffer[] = [];
  private key: number[] = [];

  *take(bytes: Uint8Array): Generator<string> {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.inString) {
        this.withinString(byte);
      } else if (byte === QUOTE) {
        this.inString = true;
        if (this.depth === 1) this.key = [];
      } else if (OPEN.has(byte)) {
        from = this.opened(byte, { chunk, at, from });
      } else if (CLOSE.has(byte)) {
        const ended = this.closed({ chunk, at, from });
        if (ended.item !== null) yield ended.item;
        from = ended.from;
      }
    }
    this.keep(chunk.subarray(from));
  }

  /** Throws when the list ended before its end: a connection that broke. */
  end(): string {
    if (this.depth !== 0 || this.inString) throw new Error('the list broke off before its end');
    return Buffer.concat(this.frame).toString();
  }

  private withinString(byte: number): void {
    if (this.escaped) this.escaped = false;
    else if (byte === BACKSLASH) this.escaped = true;
    else if (byte === QUOTE) this.inString = false;
    else if (this.depth === 1 && this.key.length < 16) this.key.push(byte);
  }

  private opened(byte: number, { chunk, at, from }: Piece): number {
    const begins = this.inItems && this.depth === 2;
    const items = this.depth === 1 && byte === BRACKET && Buffer.from(this.key).toString() === 'items';
    this.depth += 1;
    if (items) {
      this.keep(chunk.subarray(from, at + 1));
      this.inItems = true;
      return at + 1;
    }
    if (!begins) return from;
    // What stands between two items is only commas and blanks.
    this.inElement = true;
    return at;
  }

  private closed({ chunk, at, from }: Piece): { readonly item: string | null; readonly from: number } {
    this.depth -= 1;
    if (this.inElement && this.depth === 2) {
      this.item.push(chunk.subarray(from, at + 1));
      const item = Buffer.concat(this.item).toString();
      this.item = [];
      this.inElement = false;
      return { item, from: at + 1 };
    }
    if (this.inItems && this.depth === 1) {
      this.inItems = false;
      return { item: null, from: at };
    }
    return { item: null, from };
  }

  private keep(rest: Buffer): void {
    if (rest.length === 0) return;
    // Copied: the chunk's memory belongs to the socket.
    if (this.inElement) this.item.push(Buffer.from(rest));
    else if (!this.inItems) this.frame.push(Buffer.from(rest));
  }
}

interface Piece {
  readonly chunk: Buffer;
  readonly at: number;
  readonly from: number;
}

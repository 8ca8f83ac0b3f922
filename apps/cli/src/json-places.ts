/** Steps from the top of a document: ["slis", 0, "after", 7]. */
export type JsonPath = readonly (string | number)[];

interface Wanted {
  readonly children: Map<string | number, Wanted>;
  /** Where the value begins; null: not met. */
  at: number | null;
}

/**
 * Where values begin in the text of a valid JSON document, as offsets; of what is missing, the nearest that it is missing
 * from. One pass over the text however many are asked for: a month's series is large, and may have much to tell about.
 */
export function jsonPlaces(text: string, paths: readonly JsonPath[]): number[] {
  const top: Wanted = { children: new Map(), at: null };
  for (const path of paths) path.reduce(childOf, top);
  new Scanner(text).value(top);
  return paths.map((path) => {
    let place = top.at ?? 0;
    let wanted: Wanted | undefined = top;
    for (const step of path) {
      wanted = wanted?.children.get(step);
      place = wanted?.at ?? place;
    }
    return place;
  });
}

function childOf(parent: Wanted, step: string | number): Wanted {
  const known = parent.children.get(step);
  if (known) return known;
  const fresh: Wanted = { children: new Map(), at: null };
  parent.children.set(step, fresh);
  return fresh;
}

/** Walks over a document that `JSON.parse` has taken; keeps no values. */
class Scanner {
  private at = 0;

  constructor(private readonly text: string) {}

  /** `wanted`: undefined where nothing inside is asked for. */
  value(wanted: Wanted | undefined): void {
    this.space();
    if (wanted) wanted.at = this.at;
    const letter = this.text[this.at];
    if (letter === '{') this.members('}', wanted);
    else if (letter === '[') this.members(']', wanted);
    else if (letter === '"') this.string();
    else while (this.at < this.text.length && !/[\s,\]}]/.test(this.text[this.at] ?? ',')) this.at += 1;
  }

  private members(end: '}' | ']', wanted: Wanted | undefined): void {
    this.at += 1;
    this.space();
    for (let index = 0; this.at < this.text.length && this.text[this.at] !== end; index += 1) {
      const step = end === '}' ? this.name() : index;
      this.value(wanted?.children.get(step));
      this.space();
      if (this.text[this.at] === ',') this.at += 1;
      this.space();
    }
    this.at += 1;
  }

  private name(): string {
    const from = this.at;
    this.string();
    const name = JSON.parse(this.text.slice(from, this.at)) as string;
    this.space();
    this.at += 1;
    return name;
  }

  private string(): void {
    this.at += 1;
    while (this.at < this.text.length && this.text[this.at] !== '"') this.at += this.text[this.at] === '\\' ? 2 : 1;
    this.at += 1;
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? 'x')) this.at += 1;
  }
}

/** The exit codes, as README.md and `wavegate --help` promise them. */
export const EXIT = { ok: 0, failure: 1, usage: 2, endedOtherwise: 3, interrupted: 130 } as const;

/** A failure that is told in a line or more on stderr and ends the program with its code; never a stack trace. */
export class CliFailure extends Error {
  readonly lines: readonly string[];

  constructor(
    lines: string | readonly string[],
    readonly code: number = EXIT.failure,
  ) {
    const all = typeof lines === 'string' ? [lines] : lines;
    super(all.join('\n'));
    this.lines = all;
  }
}

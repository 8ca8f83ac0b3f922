/** Exit codes of `wavegate-agent`. `twin`: another agent has taken over; starting again would only fight it. */
export const EXIT = { ok: 0, failure: 1, usage: 2, twin: 3 } as const;

/** Ends the program with one line on stderr and this exit code. */
export class ProgramFailure extends Error {
  override readonly name = 'ProgramFailure';

  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export function usage(message: string): ProgramFailure {
  return new ProgramFailure(message, EXIT.usage);
}

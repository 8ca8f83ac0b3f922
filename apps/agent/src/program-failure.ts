/**
 * Exit codes of `wavegate-agent`, one meaning each. `twin`: another agent has taken over; starting again would only
 * fight it. `unreachable`: no API server answered, or it does not know us; nothing was begun. `leaseLost`: of
 * several agents another one works now; starting again is right, it stands by then. `interrupted`: Ctrl-C, as shells name it.
 */
export const EXIT = { ok: 0, failure: 1, usage: 2, twin: 3, unreachable: 4, leaseLost: 5, interrupted: 130 } as const;

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

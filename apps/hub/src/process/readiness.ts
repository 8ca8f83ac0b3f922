export interface ReadinessCheck {
  readonly name: string;
  readonly good: boolean;
  readonly detail: string;
}

/** What must hold before traffic is sent here: the database answers, its schema is ours, the listeners are bound. */
export class Readiness {
  private readonly parts: { readonly name: string; readonly probe: () => Promise<string> }[] = [];
  private draining = false;

  add(name: string, probe: () => Promise<string>): void {
    this.parts.push({ name, probe });
  }

  /** From the first moment of a shutdown: load balancers turn away while the streams are told to go. */
  drain(): void {
    this.draining = true;
  }

  async check(): Promise<ReadinessCheck[]> {
    const checks = await Promise.all(
      this.parts.map(async ({ name, probe }) => {
        try {
          return { name, good: true, detail: await probe() };
        } catch (error) {
          return { name, good: false, detail: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
    return this.draining
      ? [...checks, { name: 'draining', good: false, detail: 'this replica is shutting down' }]
      : checks;
  }
}

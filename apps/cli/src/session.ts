import { Option, type Command } from 'commander';
import { CliFailure, EXIT } from './cli-failure.js';
import type { Client } from './gen/client/index.js';
import { findHub } from './hub-contexts.js';
import { makeHubClient } from './hub-client.js';
import type { ScreenOptions } from './screens/moment.js';
import type { Surroundings } from './surroundings.js';

export type OutputFormat = 'table' | 'wide' | 'json' | 'name' | 'csv';

/** What one run of a command works with: the world, the chosen context, and how to answer. */
export class Session {
  constructor(
    readonly world: Surroundings,
    private readonly context: () => string | undefined,
  ) {}

  /** The client of the configured hub; says how to name one where there is none. */
  client(): Client {
    const client = this.clientIfAny();
    if (client) return client;
    throw new CliFailure('No hub is configured: wavegate login URL --token T, or set WAVEGATE_URL.', EXIT.usage);
  }

  clientIfAny(): Client | null {
    const hub = findHub(this.world.env, this.context());
    return hub && makeHubClient(hub, this.world);
  }

  screen(): ScreenOptions {
    const { out, env } = this.world;
    const color = out.isTTY && !env['NO_COLOR'] && env['TERM'] !== 'dumb';
    const timeZone = env['TZ'] ? { timeZone: env['TZ'] } : {};
    return { width: out.isTTY ? out.columns : Infinity, color, now: this.world.now(), ...timeZone };
  }

  /** Data, to stdout. */
  print(text: string): void {
    this.world.out.write(`${text}\n`);
  }

  /** The API's own JSON, to stdout. */
  printJson(value: unknown): void {
    this.print(JSON.stringify(value, null, 2));
  }

  /** A message, to stderr. */
  tell(text: string): void {
    this.world.err.write(`${text}\n`);
  }
}

/** `-o`: every command that answers with data has it. */
export function outputOption(formats: readonly OutputFormat[] = ['table', 'json']): Option {
  const option = new Option('-o, --output <format>', `how to answer: ${formats.join(', ')}`);
  return option.choices([...formats]).default('table');
}

/** A subcommand with `-o table|json`. */
export function answering(parent: Command, usage: string, summary: string): Command {
  return parent.command(usage).description(summary).addOption(outputOption());
}

import { isThisMachine } from '../desks/join-lines.js';
import type { HubConfig } from './config.js';

export interface BannerFacts {
  readonly config: HubConfig;
  readonly httpUrl: string;
  readonly database: string;
  readonly caSha256: string;
  /** Printed at the first start of a database, never again. */
  readonly firstToken: string | null;
  readonly startedInMs: number;
}

/** What a person reads at the start, on stderr: stdout carries the log. */
export function bannerText(facts: BannerFacts): string {
  const { config } = facts;
  const lines = [
    `Wavegate hub is ready (${(facts.startedInMs / 1000).toFixed(1)} s).`,
    `  REST        ${facts.httpUrl}/api/v1   (documentation: ${facts.httpUrl}/api)`,
    `  agents      ${config.publicGateway}, to join: ${config.publicEnrolment}, CA sha256 ${facts.caSha256}`,
    `  database    ${facts.database}`,
    `  data        ${config.dataDir}`,
    `  replica     ${config.replica}`,
  ];
  if (isThisMachine(config.publicGateway) || isThisMachine(config.publicEnrolment)) {
    lines.push(
      '  note        agents on this machine only; for clusters set WAVEGATE_PUBLIC_GATEWAY, WAVEGATE_PUBLIC_ENROLMENT',
    );
  }
  if (facts.firstToken) {
    lines.push(
      '',
      '  First admin token, shown this once:',
      `    ${facts.firstToken}`,
      `  Try: wavegate login ${facts.httpUrl} --token ${facts.firstToken}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

import type { Finding } from '../gen/types.gen.js';
import { hangText } from './columns.js';
import type { ScreenOptions } from './moment.js';
import { paintOf, type Tone } from './paint.js';

const TONES: Readonly<Record<string, Tone>> = { block: 'bad', warn: 'warn', info: 'faint' };
const WORST = ['block', 'warn', 'info'];

/** Worst first; under each what would be right. Then who has how many to look at. */
export function findingLines(findings: readonly Finding[], options: ScreenOptions): string[] {
  const after = findings.filter(({ phase }) => phase === 'after');
  if (after.length === 0) return linesOf(findings, options);
  const before = findings.filter(({ phase }) => phase !== 'after');
  const paint = paintOf(options.color);
  return [
    ...(before.length > 0 ? [paint('Before the upgrade:', 'strong'), ...linesOf(before, options)] : []),
    paint('After the upgrade:', 'strong'),
    ...linesOf(after, options),
  ];
}

function linesOf(findings: readonly Finding[], options: ScreenOptions): string[] {
  const paint = paintOf(options.color);
  const sorted = [...findings].sort((a, b) => WORST.indexOf(a.severity) - WORST.indexOf(b.severity));
  const wide = Math.max(0, ...findings.map(({ code }) => code.length));
  const lines = sorted.flatMap(({ severity, code, object, message, remedy, owner }) => {
    const head = `  ${paint(severity.toUpperCase().padEnd(5), TONES[severity])}  ${code.padEnd(wide)}  `;
    const said = message.startsWith(object) ? message : `${object}: ${message}`;
    const indent = 9;
    return [
      ...hangText(head, owner ? `${said}; owner ${owner}` : said, options.width, indent),
      ...(remedy ? hangText(' '.repeat(indent), remedy, options.width) : []),
    ];
  });
  const owners = ownerWords(findings);
  return owners ? [...lines, ...hangText('By owner: ', owners, options.width)] : lines;
}

/** "2 block, 1 warn": what a list of findings comes to; "nothing found" for none. */
export function countFindings(findings: readonly Pick<Finding, 'severity'>[]): string {
  const parts = WORST.flatMap((severity) => {
    const many = findings.filter((finding) => finding.severity === severity).length;
    return many > 0 ? [`${many} ${severity}`] : [];
  });
  return parts.join(', ') || 'nothing found';
}

function ownerWords(findings: readonly Finding[]): string {
  const owned = Map.groupBy(
    findings.filter(({ owner }) => owner !== ''),
    ({ owner }) => owner,
  );
  const words = [...owned].sort(([a], [b]) => (a < b ? -1 : 1)).map(([owner, own]) => `${owner} ${countFindings(own)}`);
  return words.join(' · ');
}

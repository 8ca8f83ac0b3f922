import { isRawNumber } from './exact-json.js';

/** Letters that mean nothing to YAML, whatever its version (`E0` is a number to some); all else is put in quotes. */
const PLAIN = /^(?![eE]\d)[A-Za-z][A-Za-z0-9_./-]*$/;
/** YAML 1.1, which kubectl reads, takes these for booleans and nulls; some also hexadecimal, dates, sexagesimals. */
const WORDS = new Set(['true', 'false', 'yes', 'no', 'on', 'off', 'y', 'n', 'null']);

/**
 * Objects of the API as block-style YAML that a person can read and edit. A writer of its own, as these are only JSON:
 * no anchors, no tags, and a tenth of a general library's time, which counts at 20,000 objects.
 */
export function toYaml(value: unknown): string {
  return `${block(value, '').replace(/^\n/, '')}\n`;
}

/** Begins with a line break and the indentation, or with a blank and a scalar. */
function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    if (value.length === 0) return ' []';
    return value.map((one) => `\n${indent}-${item(one, `${indent}  `)}`).join('');
  }
  if (typeof value === 'object' && value !== null && !isRawNumber(value)) {
    const pairs = Object.entries(value).filter(([, field]) => field !== undefined);
    if (pairs.length === 0) return ' {}';
    return pairs.map(([key, field]) => `\n${indent}${keyText(key)}:${block(field, `${indent}  `)}`).join('');
  }
  return ` ${scalar(value, indent)}`;
}

/** The first line of an element stands on the line of its dash. */
function item(value: unknown, indent: string): string {
  const text = block(value, indent);
  return text.startsWith('\n') ? ` ${text.slice(1 + indent.length)}` : text;
}

function scalar(value: unknown, indent: string): string {
  if (typeof value !== 'string') return JSON.stringify(value);
  if (PLAIN.test(value) && !WORDS.has(value.toLowerCase())) return value;
  return isTidyText(value) ? literal(value, indent) : JSON.stringify(value);
}

const keyText = (key: string): string => (PLAIN.test(key) && !WORDS.has(key.toLowerCase()) ? key : JSON.stringify(key));

/** Several lines that a literal block gives back letter for letter: else they are quoted, with `\n`. */
function isTidyText(text: string): boolean {
  if (!text.includes('\n') || /^[\s]/.test(text) || /\n\n$/.test(text)) return false;
  // No control letters, no blanks at the end of lines, nothing that YAML would take for another line break.
  return !/[^\n\x20-\x7e\u00a1-\u1fff\u2030-\ud7ff]|[ \t]\n/.test(text) && !/ $/.test(text);
}

function literal(text: string, indent: string): string {
  const ended = text.endsWith('\n');
  const lines = (ended ? text.slice(0, -1) : text).split('\n');
  const body = lines.map((line) => (line === '' ? '' : `${indent || '  '}${line}`)).join('\n');
  return `${ended ? '|' : '|-'}\n${body}`;
}

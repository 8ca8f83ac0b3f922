/** What a piece of text means; the colour follows from it, and without colour the words alone must do. */
export type Tone = 'good' | 'bad' | 'warn' | 'busy' | 'faint' | 'strong';

export type Paint = (text: string, tone?: Tone) => string;

const CODES: Readonly<Record<Tone, number>> = { good: 32, bad: 31, warn: 33, busy: 36, faint: 2, strong: 1 };

export function paintOf(color: boolean): Paint {
  if (!color) return (text) => text;
  return (text, tone) => (tone && text ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text);
}

/** The text as it is read, without its colours. */
export function plainText(text: string): string {
  return text.replaceAll(/\u001b\[\d+m/g, '');
}
